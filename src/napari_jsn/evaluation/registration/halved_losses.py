"""Measure why the loss of some pairs does not fall below half: alignment of the crops, and exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.evaluation.registration.paper_figures import PairResult, VisitPair
from napari_jsn.registration.warp import warp

#: Displacements of the follow-up before the registration, in pixels of the pair.
DISPLACEMENTS_PX = (0.0, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class HalvedLosses:
    """Losses of pairs whose follow-up was displaced by the same amount in random directions.

    Attributes
    ----------
    displacement_px : float
    original_loss, transformed_loss : float
        Means over the pairs; of each pair the mean over the masks, half for each bone.
    halved : float
        Share of pairs whose transformed loss is less than half of the original loss.
    matched_original_loss, matched_transformed_loss, matched_halved : float
        The same after gain and offset of the follow-up were fitted to the baseline, for each bone by least squares.
    """

    displacement_px: float
    original_loss: float
    transformed_loss: float
    halved: float
    matched_original_loss: float
    matched_transformed_loss: float
    matched_halved: float


def halved_losses(
    pairs: Sequence[VisitPair],
    results: Sequence[PairResult],
    displacements_px: Sequence[float] = DISPLACEMENTS_PX,
    seed: int = 0,
) -> list[HalvedLosses]:
    """Return the losses of registered pairs for each displacement of the follow-up.

    The transformed image does not depend on the displacement, so nothing is registered again.

    Parameters
    ----------
    pairs : sequence of VisitPair
    results : sequence of PairResult
        The registration of each pair.
    displacements_px : sequence of float
    seed : int
        Of the directions.
    """
    directions = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(pairs))
    rows = []
    transformed = np.array([_losses(pair, (r.upper, r.lower)) for pair, r in zip(pairs, results, strict=True)])
    for displacement in displacements_px:
        steps = displacement * np.stack([np.cos(directions), np.sin(directions)], axis=1)
        original = np.array([_losses(pair, (_translation(by),) * 2) for pair, by in zip(pairs, steps, strict=True)])
        (before, matched_before), (after, matched_after) = original.T, transformed.T
        rows.append(
            HalvedLosses(
                displacement, float(before.mean()), float(after.mean()), float(np.mean(after < before / 2)),
                float(matched_before.mean()), float(matched_after.mean()),
                float(np.mean(matched_after < matched_before / 2)),
            )
        )  # fmt: skip
    return rows


def _translation(by: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.eye(3)
    matrix[:2, 2] = by
    return matrix


def _losses(pair: VisitPair, maps: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the loss under the maps of both bones, as it is and with gain and offset fitted."""
    fixed, total, matched = pair.fixed.image, 0.0, 0.0
    for matrix, mask in zip(maps, (pair.fixed.masks.upper, pair.fixed.masks.lower), strict=True):
        warped, in_view = warp(pair.moving.image, matrix, fixed.shape)
        here, there = (image[mask & in_view].astype(float) for image in (fixed, warped))
        if not len(here):
            return float("nan"), float("nan")
        total += float(np.mean((here - there) ** 2)) / 2
        gain = float(np.cov(here, there)[0, 1] / max(float(there.var(ddof=1)), 1e-12))
        residual = here - here.mean() - gain * (there - there.mean())
        matched += float(np.mean(residual**2)) / 2
    return total, matched


def halved_table(method: str, rows: Sequence[HalvedLosses]) -> str:
    """Return the losses as a table in Markdown."""
    lines = [
        f"**Alignment and exposure** (`{method}`, the same pairs; mean over the masks). The follow-up was displaced "
        "by so many pixels of 0.175 mm before the registration. Gain and offset: both were fitted for each bone before "
        "the losses were computed, which removes the difference of the exposures.\n",
        "| displaced by, px | original loss | transformed loss | fell below half | original, gain and offset fitted | "
        "transformed, gain and offset fitted | fell below half, gain and offset fitted |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.displacement_px:g} | {row.original_loss:.5f} | {row.transformed_loss:.5f} | "
        f"{100 * row.halved:.1f} % | {row.matched_original_loss:.5f} | "
        f"{row.matched_transformed_loss:.5f} | {100 * row.matched_halved:.1f} % |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
