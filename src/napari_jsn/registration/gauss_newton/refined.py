"""The method ``refined``: every pair solved both ways by two motion models, combined and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.joint import BoneMasks
from napari_jsn.registration.gauss_newton.solve import solve
from napari_jsn.registration.methods import MethodResult, Pair
from napari_jsn.registration.quality import judge
from napari_jsn.registration.solutions import Solutions

if TYPE_CHECKING:
    import torch

    from napari_jsn.common.progress import Progress

#: Pixel size that the method's lengths (window, nodes, growth) are meant for, in mm; and the image size, in
#: pixels, that stands for it where the pixel size is not known.
_WORKING_MM, _WORKING_SIZE = 0.175, 128
#: Pairs solved at once: enough to fill two cores, few enough to stay in their cache.
_BATCH = 16


def refine(pairs: Sequence[Pair], device: torch.device, progress: Progress) -> list[MethodResult]:
    """Register pairs by masked Gauss-Newton on local contrast; see :class:`~.methods.Method`.

    Coarse to fine: the maps of a network, then similarity steps at half and full resolution, then a sideways field
    weighed by evidence. The answer is the mean of both directions.
    """
    estimates: list[MethodResult] = []
    progress.update(0, len(pairs), "Registering")
    for first in range(0, len(pairs), _BATCH):
        if progress.aborted:
            break
        some = pairs[first : first + _BATCH]
        estimates += [judge(pair, solved) for pair, solved in zip(some, solve_native(some, device), strict=True)]
        progress.update(len(estimates), len(pairs), "Registering")
    return estimates


def solve_native(pairs: Sequence[Pair], device: torch.device) -> list[Solutions]:
    """Solve pairs at the working resolution; what comes back is in pixels of the pairs as given."""
    factors = [working_factor(pair) for pair in pairs]
    small = [shrink(pair, factor) for pair, factor in zip(pairs, factors, strict=True)]
    return [enlarge(solved, factor) for solved, factor in zip(solve(small, device), factors, strict=True)]


def working_factor(pair: Pair) -> int:
    """How many pixels, each way, make one working pixel."""
    if pair.spacing_mm is not None:
        return max(1, min(round(_WORKING_MM / pair.spacing_mm), min(pair.fixed.shape + pair.moving.shape) // 32))
    return max(1, round(max(pair.fixed.shape) / _WORKING_SIZE))


def shrink(pair: Pair, factor: int) -> Pair:
    """The pair with every ``factor`` x ``factor`` pixels averaged."""
    if factor == 1:
        return pair

    def pool(image: np.ndarray) -> np.ndarray:
        height, width = (length // factor * factor for length in image.shape)
        blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor)
        return blocks.mean(axis=(1, 3), dtype=np.float32)

    def pool_masks(masks: BoneMasks) -> BoneMasks:
        return BoneMasks(pool(masks.upper) >= 0.5, pool(masks.lower) >= 0.5)

    return replace(
        pair,
        fixed=pool(pair.fixed),
        moving=pool(pair.moving),
        fixed_masks=pool_masks(pair.fixed_masks),
        moving_masks=pool_masks(pair.moving_masks),
        point=(pair.point - (factor - 1) / 2) / factor,
        spacing_mm=None if pair.spacing_mm is None else pair.spacing_mm * factor,
    )


def enlarge(solved: Solutions, factor: int) -> Solutions:
    """Solutions of a shrunk pair in pixels of the pair itself."""
    if factor == 1:
        return solved
    up = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
    return replace(
        solved,
        maps=up @ solved.maps @ np.linalg.inv(up),
        network=up @ solved.network @ np.linalg.inv(up),
        variance_px2=solved.variance_px2 * factor**2,
        strength_px=solved.strength_px * factor,
        margin_px=solved.margin_px * factor,
        region_px2=solved.region_px2 * factor**2,
        unit_px=factor,
    )
