"""Simulated patients to train, validate and test on: images of all joints and of whole hands, with visible grades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress, counted
from napari_jsn.joint import Joint
from napari_jsn.networks.cached_arrays import Arrays, cached_arrays
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.scoring.crops.site_image import KEPT, hand_images, kept_to_radiograph
from napari_jsn.scoring.grades import Mark, NotScored
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.simulation.simulated_radiograph import JointTruth, SimulatedRadiograph

#: Patients of one seed, which are kept in one file, and the version of the simulator's difficulty.
CHUNK, DIFFICULTY = 20, 2
#: Farthest distance of a joint that is found from the true one, in mm; beyond it another place was found.
_FAR_MM = 6.0
#: Side of the blocks of pixels of a joint image over which the share of erosions is stored.
MASK_STEP = 2
#: Blocks of pixels that are averaged in the images of whole hands.
HAND_STEP = 2
#: Size of the images of whole hands, in pixels.
HAND_SHAPE = (840, 560)
#: Shape and pixel pitch of the radiographs; little but the hand is simulated, which saves time.
_SHAPE, _SPACING_MM = (1680, 1120), 0.144
#: Arrays of whole hands that are drawn together with those of their joints.
_OF_HANDS = ("hands", "erosions")
#: Codes of reasons and marks in the arrays; 0 is none.
REASONS, MARKS = ("", *NotScored), ("", *Mark)
#: Arrays of every set of patients.
_ARRAYS = ("images", "there", "grades", "reasons", "marks", "widths")


@dataclass(frozen=True)
class GradedPatients:
    """Patients with both hands, sides in the order R, L, joints in anatomical order.

    Attributes
    ----------
    images : (P, 2, 14, 120, 120) uint8 array
        See :mod:`napari_jsn.scoring.crops.site_image`.
    there : (P, 2, 14) bool array
        Whether there is an image.
    grades : (P, 2, 14, 2) int8 array
        Narrowing and erosion; -1 where the joint is not scored.
    reasons, marks : (P, 2, 14) int8 array
        Indexes of :data:`REASONS` and :data:`MARKS`.
    widths : (P, 2, 14, 3) float32 array
        Visible width, healthy width and the population's mean, in mm; NaN where they are not known.
    erosions : (P, 2, 14, 60, 60) uint8 array or None
        Share of each block of 2 x 2 pixels of an image that an erosion covers, 255 is all of it; None if not known.
    soft : mapping of kind to (P, 2, 14, K + 1) float32 array, or None
        Probability of each grade by a consensus of readers, which is learned instead of the grade.
    names : tuple of str
        Of the patients; images of one patient are all trained on, or none.
    """

    images: NDArray[np.uint8] = field(repr=False)
    there: NDArray[np.bool_] = field(repr=False)
    grades: NDArray[np.int8] = field(repr=False)
    reasons: NDArray[np.int8] = field(repr=False)
    marks: NDArray[np.int8] = field(repr=False)
    widths: NDArray[np.float32] = field(repr=False)
    names: tuple[str, ...] = ()
    erosions: NDArray[np.uint8] | None = field(default=None, repr=False)
    soft: Mapping[str, NDArray[np.float32]] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Return the number of patients, or of their visits."""
        return len(self.images)

    def part(self, which: NDArray[np.bool_]) -> GradedPatients:
        """Return some of the patients."""
        return replace(
            self,
            **{key: getattr(self, key)[which] for key in _ARRAYS},
            names=tuple(name for name, used in zip(self.names, which, strict=True) if used),
            erosions=None if self.erosions is None else self.erosions[which],
            soft=None if self.soft is None else {kind: each[which] for kind, each in self.soft.items()},
        )


def simulated_patients(
    count: int, seed: int, grades: str = "uniform", cache: Path | None = None, progress: Progress | None = None
) -> GradedPatients:
    """Return simulated patients with both hands, from the cache as far as they were drawn before.

    Parameters
    ----------
    count, seed : int
    grades : {"uniform", "natural"}
        See :func:`napari_jsn.simulation.hand.simulate`.
    cache : Path, optional
        The folder to keep them in; by default the platform's folder for caches.
    progress : Progress, optional

    Raises
    ------
    Aborted
        When the progress is aborted.
    """
    parts, names = [], []
    chunks = -(-count // CHUNK)
    for k in counted(range(chunks), chunks, "Simulating patients", progress):
        parts.append(simulated_chunk(seed + k, grades, cache))
        names += [f"simulated {grades} {seed + k}/{number}" for number in range(CHUNK)]
    joined: dict[str, Any] = {
        key: np.concatenate([part[key] for part in parts])[:count] for key in (*_ARRAYS, "erosions")
    }
    return GradedPatients(**joined, names=tuple(names[:count]))


def simulated_chunk(seed: int, grades: str, cache: Path | None = None) -> Arrays:
    """Return the arrays of the first patients of a seed, from the cache if they were drawn before."""
    return _part("sites", seed, grades, cache)


def _part(part: str, seed: int, grades: str, cache: Path | None) -> Arrays:
    """Return one of the parts of :func:`draw_patients`; where it has to be drawn, all of them are kept."""
    from napari_jsn import simulation

    name = _name(seed, grades)
    names = {"sites": name, **{kind: f"{kind}-of-{name}" for kind in _OF_HANDS}}
    drawn: dict[str, Arrays] = {}

    def draw() -> Arrays:
        drawn.update(zip(names, draw_patients(seed, CHUNK, grades), strict=True))
        return drawn[part]

    found = cached_arrays(names[part], simulation, draw, cache)
    for other in drawn.keys() - {part}:
        cached_arrays(names[other], simulation, partial(drawn.__getitem__, other), cache)
    return found


def _name(seed: int, grades: str) -> str:
    return f"scores-{grades}-version{DIFFICULTY}-{CHUNK}-{seed}-{KEPT}-{MASK_STEP}"


def simulated_hand_images(seed: int, grades: str, cache: Path | None = None) -> Arrays:
    """Return the images of the whole hands of a chunk: see :func:`draw_patients`."""
    return _part("hands", seed, grades, cache)


def simulated_hand_erosions(seed: int, grades: str, cache: Path | None = None) -> NDArray[np.uint8]:
    """Return the erosions (P, 2, 840, 560) on the images of the whole hands of a chunk: see :func:`draw_patients`."""
    return _part("erosions", seed, grades, cache)["erosions"]


def draw_patients(seed: int, count: int, grades: str) -> tuple[Arrays, Arrays, Arrays]:
    """Simulate the first patients of a seed.

    Returns
    -------
    sites : dict of str to array
        The attributes of :class:`GradedPatients`.
    hands : dict of str to array
        ``images`` (P, 2, 840, 560) uint8, right hands mirrored; ``centres`` (P, 2, 14, 2) ``(x, y)`` of the joints on
        them, true ones; ``spacing_mm`` (P,).
    erosions : dict of str to array
        ``erosions`` (P, 2, 840, 560) uint8: share of each pixel of the hands' images that is eroded, 255 is all.
    """
    shape = (count, len(SIDES), len(JOINTS))
    sites: Arrays = {
        "images": np.zeros((*shape, KEPT, KEPT), np.uint8),
        "there": np.zeros(shape, bool),
        "grades": np.full((*shape, 2), -1, np.int8),
        "reasons": np.zeros(shape, np.int8),
        "marks": np.zeros(shape, np.int8),
        "widths": np.full((*shape, 3), np.nan, np.float32),
        "erosions": np.zeros((*shape, KEPT // MASK_STEP, KEPT // MASK_STEP), np.uint8),
    }
    hands: Arrays = {
        "images": np.zeros((count, len(SIDES), *HAND_SHAPE), np.uint8),
        "centres": np.zeros((*shape, 2), np.float32),
        "spacing_mm": np.zeros(count, np.float32),
    }
    erosions: Arrays = {"erosions": np.zeros_like(hands["images"])}
    for number, simulated in enumerate(simulated_radiographs(seed, count, grades)):
        at = (number // len(SIDES), SIDES.index(simulated.sides[0]))
        radiograph = simulated.radiograph()
        boxes = _boxes(simulated, radiograph)
        sites["images"][at], sites["there"][at] = hand_images(radiograph, boxes)
        for k, truth in enumerate(simulated.truths):
            _fill(sites, (*at, k), truth)
            sites["erosions"][(*at, k)] = _erosions(simulated, radiograph, boxes[k])
        hands["images"][at], hands["centres"][at] = _whole(simulated, radiograph)
        hands["spacing_mm"][at[0]] = simulated.spacing_mm * HAND_STEP
        erosions["erosions"][at] = _whole_erosions(simulated)
    return sites, hands, erosions


def simulated_radiographs(seed: int, count: int, grades: str) -> Iterator[SimulatedRadiograph]:
    """Simulate the radiographs of the first patients of a seed, one of each hand, on demand."""
    from napari_jsn.simulation.hand import simulate

    return simulate(count, 1, seed, "each", _SHAPE, grades=grades, spacing_mm=_SPACING_MM, difficulty=DIFFICULTY)


def _boxes(simulated: SimulatedRadiograph, radiograph: Radiograph) -> list[Joint]:
    """Return the joints that the localiser finds, and the true place of those that it does not find."""
    from napari_jsn.localization.find_joints import find_joints

    found = {joint.name: joint for joint in find_joints(radiograph, device="cpu", sides=simulated.sides)}
    boxes = []
    for truth in simulated.truths:
        joint = found.get(truth.joint)
        away = np.inf if joint is None else float(np.hypot(*(np.array(joint.centre)[::-1] - truth.centre)))
        if joint is None or away * simulated.spacing_mm > _FAR_MM:
            (x, y), (across, down) = truth.centre, truth.axis
            joint = Joint.around(truth.joint, truth.side, (float(y), float(x)), (float(down), float(across)), size=150)
        boxes.append(joint)
    return boxes


def _erosions(simulated: SimulatedRadiograph, radiograph: Radiograph, joint: Joint) -> NDArray[np.uint8]:
    """Return the erosions of a joint on its image: see :class:`GradedPatients`."""
    matrix = kept_to_radiograph(radiograph, joint)
    covered = np.zeros((KEPT, KEPT), np.float32)
    for erosion in simulated.erosions:
        if erosion.joint == joint.name and erosion.mask is not None:
            swap = matrix[[1, 0]][:, [1, 0, 2]]  # (row, col)
            offset = swap[:, 2] - (erosion.mask.row, erosion.mask.col)
            part = np.pad(erosion.mask.mask.astype(np.float32), 1)
            seen = ndimage.affine_transform(part, swap[:, :2], offset + 1, covered.shape, order=1)
            covered = np.maximum(covered, seen)
    return np.rint(255 * block_mean(covered, MASK_STEP)).astype(np.uint8)


def _fill(sites: Arrays, at: tuple[int, int, int], truth: JointTruth) -> None:
    assert truth.grades is not None
    if truth.grades.not_scored:
        sites["reasons"][at] = REASONS.index(truth.grades.not_scored)
    else:
        sites["grades"][at] = (truth.grades.narrowing, truth.grades.erosion)
    sites["marks"][at] = MARKS.index(truth.grades.mark)
    sites["widths"][at] = (truth.grades.width_mm, truth.grades.healthy_width_mm, truth.grades.population_width_mm)


def _whole(simulated: SimulatedRadiograph, radiograph: Radiograph) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the reduced image of a whole hand as a left one, and the centres of its joints on it."""
    small = block_mean(radiograph.pixels, HAND_STEP)
    centres = (np.array([truth.centre for truth in simulated.truths]) + 0.5) / HAND_STEP - 0.5
    if simulated.sides[0] == "R":
        small = small[:, ::-1]
        centres = (centres - (small.shape[1] - 1, 0)) * (-1, 1)
    return np.rint(255 * small.clip(0, 1)).astype(np.uint8), centres.astype(np.float32)


def _whole_erosions(simulated: SimulatedRadiograph) -> NDArray[np.uint8]:
    """Return the share of each pixel of the reduced image of a whole hand that an erosion covers, 255 is all."""
    covered = np.zeros(simulated.stored.shape, np.float32)
    for erosion in simulated.erosions:
        if erosion.mask is not None:
            rows, cols = erosion.mask.mask.shape
            part = covered[erosion.mask.row : erosion.mask.row + rows, erosion.mask.col : erosion.mask.col + cols]
            np.maximum(part, erosion.mask.mask, out=part)
    small = block_mean(covered, HAND_STEP)
    return np.rint(255 * (small[:, ::-1] if simulated.sides[0] == "R" else small)).astype(np.uint8)
