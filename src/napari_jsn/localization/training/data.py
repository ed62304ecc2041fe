"""Whole hands to train on: radiographs with labelled joints, and simulated ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress, counted
from napari_jsn.localization.mean_hand import fit_similarity, mean_hand, mirrored, scale_of
from napari_jsn.networks.cached_arrays import Arrays, cached_arrays
from napari_jsn.networks.canvas import resize
from napari_jsn.networks.inputs import content_hash
from napari_jsn.simulation.damage.difficulty import FIRST

if TYPE_CHECKING:
    from napari_jsn.simulation.simulated_radiograph import JointTruth

#: Pixels per mm of an average adult's hand, in the images to train on.
SCALE = 1.4
#: Error of a label in mm: of a simulated joint or a landmark, and of the centre of a drawn box.
EXACT_MM, BOX_LABEL_MM = 1.2, 2.4
#: Simulated patients of one seed, drawn by one process.
_CHUNK = 20
#: Ages of simulated children in years.
_CHILDREN = (7.0, 18.0)
#: Shape and pixel size of the simulated radiographs.
_SHAPE, _SPACING_MM = (500, 340), 0.48


@dataclass(frozen=True)
class TrainingHand:
    """One left hand and the places of its joints; right hands are mirrored.

    Attributes
    ----------
    image : (H, W) uint8 array
        Bone bright, at about :data:`SCALE` pixels per mm of an average adult's hand.
    points : (14, 2) array
        ``(x, y)`` of the joints in pixels; NaN where a joint is not on the radiograph.
    label_mm : float
        Error of the points.
    group : str
        Hands of one group belong to one person.
    name : str
        Of the radiograph.
    source : str
        Hash of the radiograph's own pixels; by default of ``image``.
    """

    image: NDArray[np.uint8] = field(repr=False)
    points: NDArray[np.float64] = field(repr=False)
    label_mm: float = EXACT_MM
    group: str = ""
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", self.source or content_hash(self.image))


@dataclass(frozen=True)
class LabelledRadiograph:
    """A radiograph of one hand at its own size, and the places of the joints.

    Attributes
    ----------
    pixels : (H, W) float32 array
        In [0, 1], bone bright.
    points : (14, 2) array
        ``(x, y)`` in its pixels; NaN where a joint is not on the radiograph.
    side : {"L", "R"}
    px_mm : float
        Pixels per mm; per mm of an average adult's hand where the pixel size is unknown.
    label_mm, group, name
        As for :class:`TrainingHand`.
    visible : int, optional
        Number of joints on the radiograph; by default those whose points are known.
    path : Path, optional
        Of the file, for radiographs of the user.
    patient : str
        That a table states; empty where none does.
    """

    pixels: NDArray[np.float32] = field(repr=False)
    points: NDArray[np.float64] = field(repr=False)
    side: str
    px_mm: float
    label_mm: float = EXACT_MM
    group: str = ""
    name: str = ""
    visible: int | None = None
    path: Path | None = None
    patient: str = ""


def pixels_per_mm(points: NDArray[np.float64], side: str) -> float:
    """Return pixels per mm, taking the hand to be as large as an average adult's."""
    known = np.isfinite(points).all(axis=1)
    model = mean_hand() if side == "L" else mirrored(mean_hand())
    return scale_of(fit_similarity(model[known], points[known], np.ones(known.sum())))


def training_hand(radiograph: LabelledRadiograph) -> TrainingHand:
    """Resize a radiograph to the size that is trained on, as a left hand."""
    pixels, points = radiograph.pixels, radiograph.points
    if radiograph.side == "R":
        pixels, points = pixels[:, ::-1], (points - (pixels.shape[1] - 1, 0)) * (-1, 1)
    small = _resized(pixels, SCALE / pixels_per_mm(points, "L"))
    factor = np.array(small.shape[::-1]) / pixels.shape[::-1]
    points = (points + 0.5) * factor - 0.5
    source = content_hash(radiograph.pixels)
    return TrainingHand(small, points, radiograph.label_mm, radiograph.group, radiograph.name, source)


def _resized(pixels: NDArray[np.float32], factor: float) -> NDArray[np.uint8]:
    import torch

    rows, cols = (max(32, round(n * factor)) for n in pixels.shape)
    planes = torch.from_numpy(np.ascontiguousarray(pixels))[None, None]
    small = resize(planes, (rows, cols))[0, 0].numpy()
    return np.rint(255 * small.clip(0, 1)).astype(np.uint8)


def simulated_hands(
    count: int,
    seed: int,
    cache: Path | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
    difficulty: int = FIRST,
) -> list[TrainingHand]:
    """Return simulated left hands, one per patient, from the cache if they were drawn before.

    Hands of the first difficulty have no drawn damage. Of the others, the difficulty states which share are children,
    drawn with ``--grades natural``; half of the adults are drawn with ``uniform`` and half with ``natural``. Joints of
    missing fingers have no place.

    Parameters
    ----------
    count : int
    seed : int
    cache : Path, optional
        The folder to keep them in; by default the platform's folder for caches.
    processes : int, optional
        How many draw at once; by default one per core. The result does not depend on it.
    progress : Progress, optional
        Updated after every few hands that are drawn.
    difficulty : int
        Version of the simulated radiographs.

    Raises
    ------
    Aborted
        When the progress is aborted; no hand is kept then.
    """
    from napari_jsn import simulation

    name = f"hands-{count}-{seed}" + ("" if difficulty == FIRST else f"-version{difficulty}")
    arrays = cached_arrays(name, simulation, lambda: _draw(count, seed, processes, progress, difficulty), cache)
    names = (f"simulated {seed}/{k}" for k in range(count))
    each = zip(arrays["images"], arrays["points"], names, strict=True)
    return [TrainingHand(image, points, group=name, name=name) for image, points, name in each]


def simulated_feet(count: int, seed: int, cache: Path | None = None) -> list[TrainingHand]:
    """Return simulated left feet, which no network may take for hands, from the cache if they were drawn before.

    Their points lie where the joints of a hand would: they place a foot as a hand is placed.

    Parameters
    ----------
    count, seed, cache
        As for :func:`simulated_hands`.
    """
    from napari_jsn import simulation

    arrays = cached_arrays(f"feet-{count}-{seed}", simulation, lambda: _arrays(draw_feet(seed, count)), cache)
    names = (f"simulated foot {seed}/{k}" for k in range(count))
    each = zip(arrays["images"], arrays["points"], names, strict=True)
    return [TrainingHand(image, points, group=name, name=name) for image, points, name in each]


def draw_feet(seed: int, count: int) -> list[TrainingHand]:
    """Simulate the left feet of the first persons of a seed."""
    from napari_jsn.simulation.foot import simulate_feet

    feet = simulate_feet(count, seed, _SHAPE, _SPACING_MM, mirror=False)
    return [_at_training_size(foot.radiograph.pixels, foot.points) for foot in feet]


def _draw(
    count: int, seed: int, processes: int | None, progress: Progress | None = None, difficulty: int = FIRST
) -> Arrays:
    """Draw ``images`` (N, H, W) and ``points`` (N, 14, 2)."""
    processes = processes or os.cpu_count() or 1
    chunks = [(seed + k, min(_CHUNK, count - _CHUNK * k), difficulty) for k in range(-(-count // _CHUNK))]

    def shown(drawn: Iterable[Arrays]) -> Iterable[Arrays]:
        return counted(drawn, len(chunks), f"Simulating {count} hands", progress)

    if processes == 1 or len(chunks) == 1:
        parts = list(shown(_arrays(draw_chunk(*chunk)) for chunk in chunks))
    else:
        running: list[subprocess.Popen[bytes]] = []
        with TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as pool:
            try:
                parts = list(shown(pool.map(partial(_draw_in_process, Path(folder), running), chunks)))
            except BaseException:  # Ctrl-C among others: nothing waits for the drawing
                pool.shutdown(wait=False, cancel_futures=True)
                for process in running:
                    process.terminate()
                raise
    return {key: np.concatenate([part[key] for part in parts]) for key in ("images", "points")}


def _draw_in_process(folder: Path, running: list[subprocess.Popen[bytes]], chunk: tuple[int, int, int]) -> Arrays:
    """Draw a chunk in a new interpreter, which does not run the user's script again as multiprocessing would."""
    path = folder / f"{chunk[0]}.npz"
    code = f"from {__name__} import write_chunk; write_chunk({str(path)!r}, *{chunk})"
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    # in a session of its own: Ctrl-C reaches the training, which ends the drawing
    process = subprocess.Popen([sys.executable, "-c", code], env=one_thread, start_new_session=True)
    running.append(process)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, process.args)
    with np.load(path) as file:
        return dict(file)


def write_chunk(path: str, seed: int, count: int, difficulty: int) -> None:
    """Draw simulated hands and write them to a file."""
    np.savez(path, **_arrays(draw_chunk(seed, count, difficulty)))  # type: ignore[arg-type]  # names are taken for options


def _arrays(hands: list[TrainingHand]) -> Arrays:
    return {"images": np.stack([hand.image for hand in hands]), "points": np.stack([hand.points for hand in hands])}


def draw_chunk(seed: int, count: int, difficulty: int = FIRST) -> list[TrainingHand]:
    """Simulate the left hands of the first patients of a seed; see :func:`simulated_hands` for their damage."""
    from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of
    from napari_jsn.simulation.hand import simulate

    options: dict[str, Any] = {"hands": "left", "shape": _SHAPE, "spacing_mm": _SPACING_MM}
    if difficulty == FIRST:
        drawn = simulate(count, 1, seed, **options)
    else:
        options["difficulty"], children = difficulty, round(difficulty_of(difficulty).children * count)
        half, adults = (count - children + 1) // 2, count - children
        drawn = chain(
            simulate(half, 1, seed, grades="uniform", **options),
            simulate(adults, 1, seed, grades="natural", skipped_visits=half, **options),
            simulate(count, 1, seed, grades="natural", skipped_visits=adults, ages=_CHILDREN, **options),
        )
    hands = []
    for simulated in drawn:
        centres = {truth.joint: _place(truth) for truth in simulated.truths}
        pixels, points = simulated.radiograph().pixels, np.array([centres[joint] for joint in JOINTS])
        hands.append(_at_training_size(pixels, points))
    return hands


def _place(truth: JointTruth) -> NDArray[np.float64]:
    """Return ``(x, y)`` of a simulated joint; NaN if its finger is missing."""
    missing = truth.grades is not None and truth.grades.not_scored == "missing"
    return np.full(2, np.nan) if missing else truth.centre


def _at_training_size(pixels: NDArray[np.float32], points: NDArray[np.float64]) -> TrainingHand:
    """Return a simulated radiograph at the size that is trained on."""
    small = _resized(pixels, SCALE * _SPACING_MM)
    factor = np.array(small.shape[::-1]) / pixels.shape[::-1]
    return TrainingHand(small, (points + 0.5) * factor - 0.5)


def split(hands: Iterable[TrainingHand], held_out: Sequence[str]) -> tuple[list[TrainingHand], list[TrainingHand]]:
    """Split hands into those whose group is not held out, and those whose group is."""
    hands, groups = list(hands), set(held_out)
    return [hand for hand in hands if hand.group not in groups], [hand for hand in hands if hand.group in groups]
