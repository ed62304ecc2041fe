"""The paper's figures of a registration method, on joints seen at several visits (Wang et al. 2023, Tables 7 to 9).

Between real visits no truth is known. What is told is how well narrowings add up (sigma), how little a shift of the
image changes them (sigma'), how often two ways disagree, and how alike the images become.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.registration.closure import Closure, Series, closure
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.register import register_many
from napari_jsn.registration.result import Registration
from napari_jsn.segmentation.training.data import LabelledJoint

#: Pairs handed over in one call.
_BATCH = 32
#: The paper's sigma': so many random shifts of the moving image, at most so far each way, in native pixels.
SHIFTS, SHIFT_PX = 10, 3.0
#: Pixel size, in mm, that known motion is put in at.
_WORKING_MM = 0.175


@dataclass(frozen=True)
class Asked:
    """Two joint images to register: ``first`` and ``second`` say which visits of the joint ``group`` they are."""

    fixed: LabelledJoint
    moving: LabelledJoint
    first: int = 0
    second: int = 1

    @property
    def group(self) -> str:
        """The joint."""
        return self.fixed.group


@dataclass(frozen=True)
class Told:
    """What figures need of one registration; lengths in mm where the pixel size is known."""

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    jsn_px: float
    ci95_px: tuple[float, float]
    reliable: bool
    original_loss: float
    transformed_loss: float

    @classmethod
    def of(cls, found: Registration) -> Told:
        """Leaves out the images."""
        return cls(
            found.upper.matrix, found.lower.matrix, found.point, found.axis, found.jsn_px, found.ci95_px,
            found.reliable, found.original_loss, found.transformed_loss,
        )  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """Of one method on one set of joints.

    Attributes
    ----------
    joints, pairs : int
        Pairs of visits, each asked both ways.
    closure, of_all : Closure
        Over the pairs that the method calls reliable, and over all.
    shifted_sd_mm, shifted : float, int
        The paper's sigma' (Eq. 11-12), and over how many pairs; NaN and 0 where it was not asked for.
    original_loss, transformed_loss : float
        Means over the pairs (Eq. 6).
    halved : float
        Share of the pairs whose loss fell below half.
    """

    joints: int
    pairs: int
    closure: Closure
    of_all: Closure
    shifted_sd_mm: float
    shifted: int
    original_loss: float
    transformed_loss: float
    halved: float


def by_joint(joints: Sequence[LabelledJoint]) -> dict[str, list[LabelledJoint]]:
    """The visits of each joint."""
    found: dict[str, list[LabelledJoint]] = {}
    for each in joints:
        found.setdefault(each.group, []).append(each)
    return found


def all_pairs(visits: Mapping[str, Sequence[LabelledJoint]]) -> list[Asked]:
    """Every two visits of each joint, both ways."""
    return [
        Asked(seen[i], seen[j], i, j) for seen in visits.values() for i, j in permutations(range(len(seen)), 2)
    ]  # fmt: skip


def ask(
    asked: Sequence[Asked],
    spacing_mm: float | None,
    method: str,
    device: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[Told], float]:
    """Register pairs; what is told of each, and the seconds that one took, all included."""
    progress = progress or Silent()
    told: list[Told] = []
    began = time.perf_counter()
    for first in range(0, len(asked), _BATCH):
        if progress.aborted:
            break
        some = asked[first : first + _BATCH]
        found = register_many(
            [each.fixed.image for each in some], [each.moving.image for each in some],
            [each.fixed.masks for each in some], [each.moving.masks for each in some], spacing_mm,
            method=method, device=device,
        )  # fmt: skip
        told += [Told.of(one) for one in found]
        progress.update(len(told), len(asked), method)
    return told, (time.perf_counter() - began) / max(1, len(told))


def figures(asked: Sequence[Asked], told: Sequence[Told], spacing_mm: float, shifted: Sequence[float] = ()) -> Figures:
    """The figures of pairs that were asked both ways; ``shifted`` are the variances of :func:`shift_variances`."""
    losses = np.array([(each.original_loss, each.transformed_loss) for each in told])
    original, transformed = losses.mean(axis=0)
    return Figures(
        joints=len({each.group for each in asked}),
        pairs=len({(each.group, *sorted((each.first, each.second))) for each in asked}),
        closure=closure(series(asked, told, spacing_mm)),
        of_all=closure(series(asked, told, spacing_mm, every=True)),
        shifted_sd_mm=float(np.sqrt(np.mean(shifted)) * spacing_mm) if len(shifted) else float("nan"),
        shifted=len(shifted),
        original_loss=float(original),
        transformed_loss=float(transformed),
        halved=float(np.mean(losses[:, 1] < losses[:, 0] / 2)),
    )


def series(asked: Sequence[Asked], told: Sequence[Told], spacing_mm: float, every: bool = False) -> list[Series]:
    """The narrowings between all visits of each joint, its point and axis carried from the first visit.

    ``every`` takes all for reliable.
    """
    frames: dict[tuple[str, int], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for pair, one in zip(asked, told, strict=False):
        if pair.first == 0:
            mean = (one.upper + one.lower) / 2
            axis = mean[:2, :2] @ one.axis
            frames[pair.group, 0] = one.point, one.axis
            frames[pair.group, pair.second] = mean[:2, :2] @ one.point + mean[:2, 2], axis / np.hypot(*axis)
    visits = {pair.group: 0 for pair in asked}
    for pair in asked:
        visits[pair.group] = max(visits[pair.group], pair.first + 1, pair.second + 1)
    jsn_mm = {group: np.full((count, count), np.nan) for group, count in visits.items()}
    reliable = {group: np.ones((count, count), bool) for group, count in visits.items()}
    for pair, one in zip(asked, told, strict=False):
        at = pair.first, pair.second
        narrowing_px = joint_space_narrowing(one.upper, one.lower, *frames[pair.group, pair.first])
        jsn_mm[pair.group][at] = narrowing_px * spacing_mm
        reliable[pair.group][at] = every or one.reliable
    return [Series(jsn_mm[group], reliable[group]) for group in visits]


def shift_variances(
    asked: Sequence[Asked],
    spacing_mm: float,
    method: str,
    seed: int = 0,
    device: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[float], list[bool]]:
    """Of each pair, the variance of its narrowing over ten random shifts of the moving image.

    Shifts are up to 3 pixels each way, not whole pixels (Wang et al. 2023, Eq. 11-12); the images are then brought to
    about 0.175 mm, and variances are in squares of that pixel. The second list tells which pairs the method calls
    reliable at every shift.
    """
    rng = np.random.default_rng(seed)
    variances, trusted = [], []
    for pair in asked:
        fixed, working_mm = at_working_size(pair.fixed, spacing_mm)
        shifts = (shifted(pair.moving, rng.uniform(-SHIFT_PX, SHIFT_PX, 2)) for _ in range(SHIFTS))
        moved = [Asked(fixed, at_working_size(moving, spacing_mm)[0]) for moving in shifts]
        told, _ = ask(moved, working_mm, method, device, progress)
        if len(told) < SHIFTS:
            break
        variances.append(float(np.var([each.jsn_px for each in told])))
        trusted.append(all(each.reliable for each in told))
    return variances, trusted


def shifted(joint: LabelledJoint, by: NDArray[np.float64]) -> LabelledJoint:
    """A joint image and its masks, moved by (rows, columns)."""
    image = ndimage.shift(joint.image, by, order=3, mode="nearest").clip(0, 1).astype(np.float32)
    upper, lower = (
        ndimage.shift(mask.astype(float), by, order=1, mode="nearest") >= 0.5
        for mask in (joint.masks.upper, joint.masks.lower)
    )
    return LabelledJoint(image, BoneMasks(upper, lower), joint.group, joint.joint, joint.name)


def at_working_size(joint: LabelledJoint, spacing_mm: float) -> tuple[LabelledJoint, float]:
    """The image with so many pixels averaged that one is about 0.175 mm; and its pixel size."""
    factor = max(1, round(_WORKING_MM / spacing_mm))
    if factor == 1:
        return joint, spacing_mm

    def pooled(values: NDArray[np.generic]) -> NDArray[np.float32]:
        rows, cols = (length // factor for length in values.shape)
        blocks = values[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor)
        return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))

    masks = BoneMasks(*(pooled(mask) >= 0.5 for mask in (joint.masks.upper, joint.masks.lower)))
    return LabelledJoint(pooled(joint.image), masks, joint.group, joint.joint, joint.name), spacing_mm * factor
