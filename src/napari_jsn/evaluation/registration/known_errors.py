"""Measure the errors of a registration method on pairs of known motion: warped joint images and simulated joints."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_jsn import anatomy
from napari_jsn.evaluation.registration.known_motion import KnownMotion, KnownPair, expose, make_pair, render_followup
from napari_jsn.evaluation.settings import MISMATCH_PX
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import facing_margins, joint_frame
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.register import register_many
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import joint_pair, joint_pairs

_BATCH = 32
#: Distances in mm of displaced lines from the middle of the joint, of one pair after the other; below it, or above it.
_DISPLACED_MM = (1.2, -1.2, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 6.0, -6.0)
#: Masks that a method gets, and what they are.
MASKS = {
    "experts": "the experts' masks of both images, or the true ones of simulated joints",
    "found": "none; the program finds the bones",
    "halves": "the halves of the fixed image on either side of a straight line that is fitted to the joint space",
    "horizontal": "the halves of the fixed image above and below a horizontal line through the middle of the joint",
    "displaced": "the halves of the fixed image above and below a horizontal line 1.2, 2, 3, 4 or 6 mm above or below "
    "the middle of the joint",
}
#: Shape of simulated joint images, and their pixel size.
_SHAPE, _SIMULATED_MM = (128, 128), 0.175
#: Levels of what is varied alone: rotation of both bones, their magnification, roll about the long axis, and noise.
LEVELS: dict[str, tuple[float, ...]] = {
    "rotation": (0, 5, 10, 15, 20, 25, 30),
    "scale": (0.80, 0.85, 0.90, 0.95, 1.0, 1.05, 1.10, 1.15, 1.20),
    "roll": (0, 3, 6, 10, 15, 20),
    "noise": (0, 0.02, 0.04, 0.08, 0.12, 0.16),
}
UNITS = {
    "rotation": "rotation, degrees",
    "scale": "magnification",
    "roll": "roll, degrees",
    "noise": "noise, sd as a share of the range",
}


@dataclass(frozen=True)
class NarrowingErrors:
    """Errors of the narrowings of many pairs of known motion.

    Attributes
    ----------
    px, mm : (N,) array
        Error of each narrowing.
    reliable : (N,) bool array
        Whether the method calls it reliable.
    covered : (N,) bool array
        Whether its 95 % interval contains the truth.
    joints : tuple of str
    seconds : float
        Time per pair, with everything included.
    losses, image_losses : (N, 2) array
        Original and transformed loss: the mean over the masks, and the mean over the whole image.
    """

    px: NDArray[np.float64]
    mm: NDArray[np.float64]
    reliable: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    joints: tuple[str, ...]
    seconds: float
    losses: NDArray[np.float64]
    image_losses: NDArray[np.float64]

    @property
    def mismatch(self) -> float:
        """Share of errors above 1 px."""
        return float(np.mean(~self._matched))

    @property
    def rmse_mm(self) -> float:
        """Root mean square of the errors up to 1 px."""
        return float(np.sqrt(np.mean(np.square(self.mm[self._matched])))) if self._matched.any() else float("nan")

    @property
    def _matched(self) -> NDArray[np.bool_]:
        return np.asarray(np.abs(self.px) <= MISMATCH_PX)

    def select(self, chosen: NDArray[np.bool_]) -> NarrowingErrors:
        """Return the errors of the pairs where ``chosen`` is True."""
        joints = tuple(joint for joint, taken in zip(self.joints, chosen, strict=True) if taken)
        return NarrowingErrors(
            self.px[chosen], self.mm[chosen], self.reliable[chosen], self.covered[chosen], joints, self.seconds,
            self.losses[chosen], self.image_losses[chosen],
        )  # fmt: skip


def narrowing_errors(
    known: Sequence[KnownPair], method: str, device: str | None = None, masks: str = "experts"
) -> NarrowingErrors:
    """Register pairs of known motion, and compare with the truth at the point that each result was read at.

    Parameters
    ----------
    known : sequence of KnownPair
    method : str
    device : str, optional
    masks : str
        A key of :data:`MASKS`.
    """
    rows: list[tuple[float, ...]] = []
    columns = _masks_given(known, masks)
    began = time.perf_counter()
    for first in range(0, len(known), _BATCH):
        batch = known[first : first + _BATCH]
        given = [None if column is None else column[first : first + _BATCH] for column in columns]
        results = register_many(
            [pair.fixed for pair in batch], [pair.moving for pair in batch], given[0], given[1],
            [pair.spacing_mm for pair in batch], method=method, device=device,
        )  # fmt: skip
        for pair, result in zip(batch, results, strict=True):
            truth = pair.jsn_px_at(result.point, result.axis)
            covered = result.ci95_px[0] <= truth <= result.ci95_px[1]
            error = result.jsn_px - truth
            losses = result.original_loss, result.transformed_loss
            spectra = (float(np.nanmean(each)) for each in (result.original_spectrum, result.transformed_spectrum))
            rows.append((error, error * pair.spacing_mm, result.reliable, covered, *losses, *spectra))
    seconds = (time.perf_counter() - began) / max(1, len(known))
    table = np.array(rows, dtype=float).reshape(-1, 8)
    joints = tuple(pair.name for pair in known)
    return NarrowingErrors(
        table[:, 0], table[:, 1], table[:, 2].astype(bool), table[:, 3].astype(bool), joints, seconds, table[:, 4:6],
        table[:, 6:]
    )  # fmt: skip


def _masks_given(pairs: Sequence[KnownPair], masks: str) -> tuple[list[BoneMasks] | None, list[BoneMasks] | None]:
    """Return the masks of the fixed and of the moving images; None where none are given."""
    if masks == "experts":
        return [pair.fixed_masks for pair in pairs], [pair.moving_masks for pair in pairs]
    if masks == "found":
        return None, None
    if masks == "halves":
        return [half_planes(pair.fixed_masks) for pair in pairs], None
    below_mm = _DISPLACED_MM if masks == "displaced" else (0.0,)
    return [
        horizontal_halves(pair.fixed_masks, below_mm[k % len(below_mm)] / pair.spacing_mm)
        for k, pair in enumerate(pairs)
    ], None


def half_planes(bones: BoneMasks) -> BoneMasks:
    """Return the halves of an image on either side of a line through the middle of the joint space.

    The paper gives its network one such mask of each image.
    """
    bottom, top = facing_margins(bones)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    slope, row = np.polyfit(columns, (bottom[columns] + top[columns]) / 2, 1)
    rows, cols = np.indices(bones.shape)
    upper = rows < row + slope * cols
    return BoneMasks(upper, ~upper)


def horizontal_halves(bones: BoneMasks, below_px: float = 0.0) -> BoneMasks:
    """Return the halves of an image above and below a horizontal line, so many pixels below the middle of the joint."""
    point, _ = joint_frame(bones)
    upper = np.indices(bones.shape)[0] < point[1] + below_px
    return BoneMasks(upper, ~upper)


def known_pairs(
    images: Sequence[LabelledJoint], spacing_mm: float, motion: str | KnownMotion, count: int, seed: int
) -> list[KnownPair]:
    """Make follow-ups of images in random order, the same number of each image.

    Images whose bones overlap are left out: a single image does not show which bone a pixel in the overlap moves with.
    """
    clean = [each for each in images if not (each.masks.upper & each.masks.lower).any()]
    if not clean:
        return []
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(clean)) for _ in range(count // len(clean) + 1)])[:count]
    return [
        make_pair(clean[k].image, clean[k].masks, spacing_mm, rng, motion, clean[k].joint) for k in order
    ]  # fmt: skip


def simulated_pairs(count: int, seed: int) -> list[KnownPair]:
    """Simulate joints of all kinds that move as between two visits, at 0.175 mm per pixel."""
    pairs = joint_pairs(seed, shape=_SHAPE, spacing_mm=_SIMULATED_MM)
    return [KnownPair.from_simulated(pair) for pair in islice(pairs, count)]


def robustness(
    images: Sequence[LabelledJoint], spacing_mm: float, count: int, seed: int
) -> dict[str, list[list[KnownPair]]]:
    """Make the pairs for the curves of :data:`LEVELS` (Wang et al. 2023, Fig. 10): a list of pairs per kind and level.

    Rotation, scale and noise are applied to joint images. Roll needs depth, so those pairs are simulated.
    """
    clean = [each for each in images if not (each.masks.upper & each.masks.lower).any()]
    rng = np.random.default_rng(seed)
    curves: dict[str, list[list[KnownPair]]] = {}
    motions: dict[str, Callable[[float], tuple[float, ...]]] = {  # magnification, rotation, noise
        "rotation": lambda level: (1.0, float(rng.choice([-1, 1])) * level),
        "scale": lambda level: (level, 0.0),
        "noise": lambda level: (1.0, 0.0, level),
    }
    for kind, motion in motions.items():
        curves[kind] = [
            [_moved(clean[k], spacing_mm, rng, *motion(level)) for k in rng.permutation(len(clean))[:count]]
            for level in LEVELS[kind]
        ]
    curves["roll"] = [[_rolled(k, level) for k in range(max(1, count // 2))] for level in LEVELS["roll"]]
    return curves


def _moved(
    joint: LabelledJoint,
    spacing_mm: float,
    rng: np.random.Generator,
    scale: float,
    rotation_deg: float,
    noise: float = 0.015,
) -> KnownPair:
    """Rotate and magnify both bones about the joint, translate each by up to 1 px, and add noise."""
    motion = KnownMotion(noise=noise)
    point, axis = joint_frame(joint.masks)
    centre = (float(point[0]), float(point[1]))
    dtheta = float(np.deg2rad(rotation_deg))
    translations = rng.uniform(-1, 1, (2, 2))
    upper, lower = (Similarity(scale, dtheta, float(dx), float(dy), centre).matrix for dx, dy in translations)
    moving, masks = render_followup(joint.image, joint.masks, upper, lower, rng, motion)
    exposed = expose(moving, rng, motion.noise)
    return KnownPair(joint.image, exposed, joint.masks, masks, spacing_mm, upper, lower, point, axis, joint.joint)


def _rolled(number: int, level_deg: float) -> KnownPair:
    """Simulate a joint with both bones rolled by ``level_deg``."""
    joint = anatomy.MEASURED_JOINTS[number % len(anatomy.MEASURED_JOINTS)]
    sign = 1 if number % 2 else -1
    motion = Motion(roll_upper_deg=sign * level_deg, roll_lower_deg=sign * level_deg)
    pair = joint_pair(joint, 0.2, 5000 + number, motion=motion, shape=_SHAPE, spacing_mm=_SIMULATED_MM)
    return KnownPair.from_simulated(pair)
