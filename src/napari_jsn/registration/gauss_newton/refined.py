"""The method ``refined``: solve pairs by two motion models in both directions, and combine the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.device import compute_in_batches
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import pixel_scaling
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.registration.gauss_newton.solve import solve
from napari_jsn.registration.methods import BATCH, MethodResult, PreparedPair
from napari_jsn.registration.quality import CERTAIN_SIMILARITY, MIRRORED_GAIN, assess_quality, is_mirrored, similarity
from napari_jsn.registration.solutions import Solutions

if TYPE_CHECKING:
    import torch

    from napari_jsn.common.progress import Progress

#: Pixel size, in mm, for which the lengths of the method (window, nodes, dilation) are chosen; and the image size, in
#: pixels, that is used instead where the pixel size is not known.
_WORKING_MM, _WORKING_SIZE = 0.175, 128


def refine(pairs: Sequence[PreparedPair], device: torch.device, progress: Progress) -> list[MethodResult]:
    """Register pairs by masked Gauss-Newton on local contrast; see :class:`~.methods.Method`.

    Coarse to fine: the network's prediction, similarity steps at half and full resolution, then the roll field,
    averaged by marginal likelihood. The estimate is the mean of both directions.
    """
    progress.update(0, len(pairs), "Registering")
    return compute_in_batches(pairs, BATCH, device, _refine_batch, progress, "Registering")


def _refine_batch(pairs: Sequence[PreparedPair], device: torch.device) -> list[MethodResult]:
    solutions = solve_native(pairs, device)
    assessed = [assess_quality(pair, solved) for pair, solved in zip(pairs, solutions, strict=True)]
    return _without_mirrored(pairs, solutions, assessed, device)


def _without_mirrored(
    pairs: Sequence[PreparedPair], solutions: Sequence[Solutions], results: list[MethodResult], device: torch.device
) -> list[MethodResult]:
    """Return the results; a doubtful pair has failed if its mirrored follow-up corresponds better."""
    doubtful = [k for k, solved in enumerate(solutions) if similarity(solved) < CERTAIN_SIMILARITY]
    if doubtful:
        least_ncc = [float(solutions[k].ncc_inside.mean()) + MIRRORED_GAIN for k in doubtful]
        mirrored = solve_native([_with_mirrored_followup(pairs[k]) for k in doubtful], device, least_ncc)
        for k, other in zip(doubtful, mirrored, strict=bool(mirrored)):  # none where no mirrored pair is similar enough
            if is_mirrored(solutions[k], other):
                results[k] = replace(results[k], reasons=(Reason(ReasonCode.MIRRORED), *results[k].reasons))
    return results


def _with_mirrored_followup(pair: PreparedPair) -> PreparedPair:
    masks = pair.moving_masks
    mirrored = BoneMasks(masks.upper[:, ::-1].copy(), masks.lower[:, ::-1].copy())
    return replace(pair, moving=pair.moving[:, ::-1].copy(), moving_masks=mirrored)


def solve_native(
    pairs: Sequence[PreparedPair], device: torch.device, least_ncc: Sequence[float] | None = None
) -> list[Solutions]:
    """Solve pairs at the working resolution; return the solutions in pixels of the given pairs.

    For ``least_ncc`` see :func:`~.solve.solve`.
    """
    factors = [working_factor(pair) for pair in pairs]
    small = [shrink(pair, factor) for pair, factor in zip(pairs, factors, strict=True)]
    solutions = solve(small, device, least_ncc=least_ncc)
    return [enlarge(solved, factor) for solved, factor in zip(solutions, factors, strict=bool(solutions))]


def working_factor(pair: PreparedPair) -> int:
    """Return the side of a working pixel, in pixels of the pair."""
    if pair.spacing_mm is not None:
        return max(1, min(round(_WORKING_MM / pair.spacing_mm), min(pair.fixed.shape + pair.moving.shape) // 32))
    return max(1, round(max(pair.fixed.shape) / _WORKING_SIZE))


def shrink(pair: PreparedPair, factor: int) -> PreparedPair:
    """Return the pair with every ``factor`` x ``factor`` pixels averaged."""
    if factor == 1:
        return pair

    def shrink_mask(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        covered = block_mean(mask, factor)
        inside = covered >= 0.5
        return inside if inside.any() else covered > 0  # a mask thinner than half a working pixel

    def shrink_masks(masks: BoneMasks) -> BoneMasks:
        return BoneMasks(shrink_mask(masks.upper), shrink_mask(masks.lower))

    return replace(
        pair,
        fixed=block_mean(pair.fixed, factor),
        moving=block_mean(pair.moving, factor),
        fixed_masks=shrink_masks(pair.fixed_masks),
        moving_masks=shrink_masks(pair.moving_masks),
        point=(pair.point - (factor - 1) / 2) / factor,
        spacing_mm=None if pair.spacing_mm is None else pair.spacing_mm * factor,
    )


def enlarge(solved: Solutions, factor: int) -> Solutions:
    """Return the solutions of a shrunk pair in pixels of the pair itself."""
    if factor == 1:
        return solved
    up = pixel_scaling(factor)
    return replace(
        solved,
        maps=up @ solved.maps @ np.linalg.inv(up),
        network=up @ solved.network @ np.linalg.inv(up),
        variance_px2=solved.variance_px2 * factor**2,
        roll_prior_sd_px=solved.roll_prior_sd_px * factor,
        margin_px=solved.margin_px * factor,
        region_px2=solved.region_px2 * factor**2,
        unit_px=factor,
    )
