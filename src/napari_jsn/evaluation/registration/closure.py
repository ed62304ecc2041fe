"""Compute the closure: whether the narrowings between three or more visits of one joint add up.

The direct narrowing from visit i to visit j must equal the sum of those from i to k and from k to j. This needs no
truth. It gives a lower bound of the error: an error that belongs to one visit (the position of the hand) cancels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Estimates for the same two visits that differ by more are inconsistent (Wang et al. 2023: one pixel), in mm.
INCONSISTENT_MM = 0.175


@dataclass(frozen=True)
class Series:
    """The narrowings between all visits of one joint.

    Parameters
    ----------
    jsn_mm : (V, V) array
        Narrowing from visit i to visit j; NaN where it was not measured. Where both directions were measured, half
        their difference is used.
    reliable : (V, V) bool array, optional
        Which narrowings the method calls reliable; by default all. Where both directions were measured, both must be
        reliable.
    """

    jsn_mm: NDArray[np.float64]
    reliable: NDArray[np.bool_]

    def __init__(self, jsn_mm: ArrayLike, reliable: ArrayLike | None = None) -> None:
        given = np.asarray(jsn_mm, dtype=float)
        reliable_pairs = np.ones(given.shape, bool) if reliable is None else np.asarray(reliable, dtype=bool)
        if given.ndim != 2 or given.shape[0] != given.shape[1] or reliable_pairs.shape != given.shape:
            raise ValueError(
                f"jsn_mm and reliable must both be (visits, visits), not {given.shape} and {reliable_pairs.shape}."
            )
        combined = np.where(np.isnan(given), -given.T, np.where(np.isnan(given.T), given, (given - given.T) / 2))
        reliable_pairs = reliable_pairs | np.isnan(given)
        object.__setattr__(self, "jsn_mm", combined)
        object.__setattr__(self, "reliable", reliable_pairs & reliable_pairs.T & np.isfinite(combined))


@dataclass(frozen=True)
class Closure:
    """The closure of many joints, over the pairs of visits that the method calls reliable.

    Attributes
    ----------
    joints, pairs, triangles : int
        Number of those with something to compare: a pair needs a second estimate, through one more visit, by reliable
        pairs only.
    measured : int
        Pairs of visits that were measured, reliable or not.
    reliable : float
        Share of them that the method calls reliable.
    inconsistent : float
        Share of ``pairs`` with two estimates that differ by more than 0.175 mm.
    sigma_mm : float
        The paper's sigma over all of ``pairs``: the mean of their standard deviations.
    consistent_sigma_mm : float
        The paper's sigma without the inconsistent pairs, as it is published.
    pooled_sigma_mm : float
        The root mean square of the standard deviations of all of ``pairs``, which is larger than their mean.
    pair_sd_mm : float
        Unbiased standard deviation of one pair, ``sqrt(sum r^2 / 3n)`` with r the closure of each of n triangles.
    """

    joints: int
    pairs: int
    triangles: int
    measured: int
    reliable: float
    inconsistent: float
    sigma_mm: float
    consistent_sigma_mm: float
    pooled_sigma_mm: float
    pair_sd_mm: float


def closure(series: Iterable[Series]) -> Closure:
    """Return sigma (Wang et al. 2023, Eq. 8-10), inconsistent pairs and the unbiased pair SD of many joints.

    For every pair of visits, the direct estimate and those through one other visit are compared by their standard
    deviation (of the population, Eq. 8-10). Sigma is the mean over the pairs, as in the paper's Table 7. With three
    visits a pair's deviation is half of the triangle's closure; the unbiased pair SD does not have this bias.

    Parameters
    ----------
    series : iterable of Series
        One for each joint. A joint of fewer than three visits counts only in ``measured`` and ``reliable``.
    """
    joints, measured, reliable_pairs = 0, 0, 0
    deviations: list[NDArray[np.float64]] = []
    spreads: list[float] = []
    residuals: list[float] = []
    for one in series:
        upper = np.triu_indices(len(one.jsn_mm), 1)
        measured += int(np.isfinite(one.jsn_mm[upper]).sum())
        reliable_pairs += int(one.reliable[upper].sum())
        pairs = [_estimates(one, i, j) for i, j in combinations(range(len(one.jsn_mm)), 2)]
        compared = [estimates for estimates in pairs if len(estimates) > 1]
        joints += bool(compared)
        deviations += [estimates - estimates.mean() for estimates in compared]
        spreads += [float(np.ptp(estimates)) for estimates in compared]
        residuals += _triangles(one)
    consistent = [d for d, spread in zip(deviations, spreads, strict=True) if spread <= INCONSISTENT_MM]
    return Closure(
        joints=joints,
        pairs=len(spreads),
        triangles=len(residuals),
        measured=measured,
        reliable=_share(reliable_pairs, measured),
        inconsistent=_share(len(deviations) - len(consistent), len(deviations)),
        sigma_mm=_mean_sd(deviations),
        consistent_sigma_mm=_mean_sd(consistent),
        pooled_sigma_mm=_rms(deviations),
        pair_sd_mm=float(np.sqrt(np.mean(np.square(residuals)) / 3)) if residuals else float("nan"),
    )


def _estimates(one: Series, i: int, j: int) -> NDArray[np.float64]:
    """Return the direct estimate from i to j, then those through each other visit; none if i to j is unreliable."""
    if not one.reliable[i, j]:
        return np.empty(0)
    through = [k for k in range(len(one.jsn_mm)) if k not in (i, j) and one.reliable[i, k] and one.reliable[k, j]]
    return np.array([one.jsn_mm[i, j], *(one.jsn_mm[i, k] + one.jsn_mm[k, j] for k in through)])


def _triangles(one: Series) -> list[float]:
    return [
        float(one.jsn_mm[i, j] + one.jsn_mm[j, k] - one.jsn_mm[i, k])
        for i, j, k in combinations(range(len(one.jsn_mm)), 3)
        if one.reliable[i, j] and one.reliable[j, k] and one.reliable[i, k]
    ]


def _mean_sd(parts: list[NDArray[np.float64]]) -> float:
    return float(np.mean([np.sqrt(np.mean(part**2)) for part in parts])) if parts else float("nan")


def _rms(parts: list[NDArray[np.float64]]) -> float:
    return float(np.sqrt(np.mean(np.square(np.concatenate(parts))))) if parts else float("nan")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
