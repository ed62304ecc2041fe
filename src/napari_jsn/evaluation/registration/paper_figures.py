"""Compute the paper's figures of a registration method, on joints at several visits (Wang et al. 2023, Tables 7 to 9).

The true narrowing between real visits is not known. So the figures measure consistency: the closure error of the
narrowings between three visits (sigma), the sd of a narrowing when the image is shifted (sigma'), the share of
narrowings of which two estimates disagree, and the loss before and after registration.
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
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.registration.register import register_many
from napari_jsn.registration.result import Registration
from napari_jsn.segmentation.training.data import LabelledJoint

#: Pairs registered in one call.
_BATCH = 32
#: The paper's sigma': number of random shifts of the moving image, and the largest shift in native pixels.
SHIFTS, SHIFT_PX = 10, 3.0
#: Approximate pixel size in mm to which images are averaged before registration.
_WORKING_MM = 0.175


@dataclass(frozen=True)
class VisitPair:
    """Two joint images to register; ``first`` and ``second`` are the numbers of their visits."""

    fixed: LabelledJoint
    moving: LabelledJoint
    first: int = 0
    second: int = 1

    @property
    def group(self) -> str:
        """Name of the joint."""
        return self.fixed.group


@dataclass(frozen=True)
class PairResult:
    """The part of a registration that the figures need: maps, narrowing, reliability and losses, without images."""

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    point: NDArray[np.float64]
    axis: NDArray[np.float64]
    jsn_px: float
    ci95_px: tuple[float, float]
    reliable: bool
    original_loss: float
    transformed_loss: float
    original_image_loss: float
    transformed_image_loss: float

    @classmethod
    def from_registration(cls, result: Registration) -> PairResult:
        """Return a copy of these fields of a registration."""
        return cls(
            result.upper.matrix, result.lower.matrix, result.point, result.axis, result.jsn_px, result.ci95_px,
            result.reliable, result.original_loss, result.transformed_loss,
            *(float(np.nanmean(each)) for each in (result.original_spectrum, result.transformed_spectrum)),
        )  # fmt: skip


@dataclass(frozen=True)
class VisitFigures:
    """The paper's figures of one method on one set of joints.

    Attributes
    ----------
    joints, pairs : int
        Number of joints, and number of pairs of visits. Each pair is registered in both directions.
    closure, closure_all : Closure
        Closure error of the pairs that the method reports as reliable, and of all pairs.
    shift_sd_mm, pooled_shift_sd_mm, shift_pairs : float, float, int
        The paper's sigma' (Eq. 11-12), the mean of the pairs' standard deviations; their root mean square; and the
        number of pairs. NaN and 0 if it was not measured.
    original_loss, transformed_loss : float
        Means over the pairs (Eq. 6); of each pair the mean over the masks, half for each bone.
    original_image_loss, transformed_image_loss : float
        The same with the mean over the whole image, as the paper computes it.
    halved, halved_image : float
        Share of pairs whose transformed loss is less than half of the original loss; with the mean over the masks, and
        over the whole image.
    """

    joints: int
    pairs: int
    closure: Closure
    closure_all: Closure
    shift_sd_mm: float
    pooled_shift_sd_mm: float
    shift_pairs: int
    original_loss: float
    transformed_loss: float
    original_image_loss: float
    transformed_image_loss: float
    halved: float
    halved_image: float


def by_joint(joints: Sequence[LabelledJoint]) -> dict[str, list[LabelledJoint]]:
    """Return a dict from the name of each joint to its images at all visits."""
    visits: dict[str, list[LabelledJoint]] = {}
    for image in joints:
        visits.setdefault(image.group, []).append(image)
    return visits


def all_visit_pairs(visits: Mapping[str, Sequence[LabelledJoint]]) -> list[VisitPair]:
    """Return all pairs of visits of each joint, each pair in both directions."""
    return [
        VisitPair(images[i], images[j], i, j)
        for images in visits.values()
        for i, j in permutations(range(len(images)), 2)
    ]


def register_pairs(
    pairs: Sequence[VisitPair],
    spacing_mm: float | None,
    method: str,
    device: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[PairResult], float]:
    """Register pairs; return the results and the mean run time per pair in seconds.

    After an abort, only the results of the finished pairs are returned.
    """
    progress = progress or Silent()
    results: list[PairResult] = []
    start_time = time.perf_counter()
    for first in range(0, len(pairs), _BATCH):
        if progress.aborted:
            break
        batch = pairs[first : first + _BATCH]
        registrations = register_many(
            [pair.fixed.image for pair in batch], [pair.moving.image for pair in batch],
            [pair.fixed.masks for pair in batch], [pair.moving.masks for pair in batch], spacing_mm,
            method=method, device=device,
        )  # fmt: skip
        results += [PairResult.from_registration(registration) for registration in registrations]
        progress.update(len(results), len(pairs), method)
    return results, (time.perf_counter() - start_time) / max(1, len(results))


def visit_figures(
    pairs: Sequence[VisitPair], results: Sequence[PairResult], spacing_mm: float, variances: Sequence[float] = ()
) -> VisitFigures:
    """Return the figures of pairs registered in both directions.

    ``variances`` is the first list that :func:`shift_variances` returns, in squared pixels.
    """
    losses = np.array([(result.original_loss, result.transformed_loss) for result in results])
    original, transformed = losses.mean(axis=0)
    image_losses = np.array([(result.original_image_loss, result.transformed_image_loss) for result in results])
    sd_mm = np.sqrt(variances) * spacing_mm if len(variances) else np.array([np.nan])
    return VisitFigures(
        joints=len({pair.group for pair in pairs}),
        pairs=len({(pair.group, *sorted((pair.first, pair.second))) for pair in pairs}),
        closure=closure(visit_series(pairs, results, spacing_mm)),
        closure_all=closure(visit_series(pairs, results, spacing_mm, all_reliable=True)),
        shift_sd_mm=float(np.mean(sd_mm)),
        pooled_shift_sd_mm=float(np.sqrt(np.mean(sd_mm**2))),
        shift_pairs=len(variances),
        original_loss=float(original),
        transformed_loss=float(transformed),
        original_image_loss=float(image_losses[:, 0].mean()),
        transformed_image_loss=float(image_losses[:, 1].mean()),
        halved=float(np.mean(losses[:, 1] < losses[:, 0] / 2)),
        halved_image=float(np.mean(image_losses[:, 1] < image_losses[:, 0] / 2)),
    )


def visit_series(
    pairs: Sequence[VisitPair], results: Sequence[PairResult], spacing_mm: float, all_reliable: bool = False
) -> list[Series]:
    """Return the narrowings between all visits of each joint, measured at the same anatomical point.

    The maps from the first visit transform point and axis to the later visits. ``all_reliable`` treats every pair as
    reliable.
    """
    frames: dict[tuple[str, int], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for pair, result in zip(pairs, results, strict=False):
        if pair.first == 0:
            mean = (result.upper + result.lower) / 2
            axis = mean[:2, :2] @ result.axis
            frames[pair.group, 0] = result.point, result.axis
            frames[pair.group, pair.second] = mean[:2, :2] @ result.point + mean[:2, 2], axis / np.hypot(*axis)
    visits = {pair.group: 0 for pair in pairs}
    for pair in pairs:
        visits[pair.group] = max(visits[pair.group], pair.first + 1, pair.second + 1)
    jsn_mm = {group: np.full((count, count), np.nan) for group, count in visits.items()}
    reliable = {group: np.ones((count, count), bool) for group, count in visits.items()}
    for pair, result in zip(pairs, results, strict=False):
        visit_pair = pair.first, pair.second
        jsn_px = joint_space_narrowing(result.upper, result.lower, *frames[pair.group, pair.first])
        jsn_mm[pair.group][visit_pair] = jsn_px * spacing_mm
        reliable[pair.group][visit_pair] = all_reliable or result.reliable
    return [Series(jsn_mm[group], reliable[group]) for group in visits]


def shift_variances(
    pairs: Sequence[VisitPair],
    spacing_mm: float,
    method: str,
    seed: int = 0,
    device: str | None = None,
    progress: Progress | None = None,
) -> tuple[list[float], list[bool]]:
    """Return the variance of each pair's narrowing over ten random shifts of the moving image.

    The shifts in x and y are real numbers, uniformly distributed from -3 to 3 pixels (Wang et al. 2023, Eq. 11-12).
    After the shift, images are averaged to about 0.175 mm per pixel; variances are in squared pixels of that size. The
    second list states for each pair whether the method reports it as reliable at all shifts.
    """
    rng = np.random.default_rng(seed)
    variances, reliable = [], []
    for pair in pairs:
        fixed, working_mm = at_working_size(pair.fixed, spacing_mm)
        shifts = (shifted(pair.moving, rng.uniform(-SHIFT_PX, SHIFT_PX, 2)) for _ in range(SHIFTS))
        moved = [VisitPair(fixed, at_working_size(moving, spacing_mm)[0]) for moving in shifts]
        results, _ = register_pairs(moved, working_mm, method, device, progress)
        if len(results) < SHIFTS:
            break
        variances.append(float(np.var([result.jsn_px for result in results])))
        reliable.append(all(result.reliable for result in results))
    return variances, reliable


def shifted(joint: LabelledJoint, by: NDArray[np.float64]) -> LabelledJoint:
    """Return a joint image and its masks, shifted by (rows, columns)."""
    image = ndimage.shift(joint.image, by, order=3, mode="nearest").clip(0, 1).astype(np.float32)
    upper, lower = (
        ndimage.shift(mask.astype(float), by, order=1, mode="nearest") >= 0.5
        for mask in (joint.masks.upper, joint.masks.lower)
    )
    return LabelledJoint(image, BoneMasks(upper, lower), joint.group, joint.joint, joint.name)


def at_working_size(joint: LabelledJoint, spacing_mm: float) -> tuple[LabelledJoint, float]:
    """Return the image with blocks of pixels averaged to a pixel size of about 0.175 mm, and the pixel size in mm."""
    factor = max(1, round(_WORKING_MM / spacing_mm))
    if factor == 1:
        return joint, spacing_mm

    masks = BoneMasks(*(block_mean(mask, factor) >= 0.5 for mask in (joint.masks.upper, joint.masks.lower)))
    return LabelledJoint(
        block_mean(joint.image, factor), masks, joint.group, joint.joint, joint.name
    ), spacing_mm * factor
