"""Closure: how well the narrowings between three or more visits of one joint add up.

With no truth at hand, going from visit i to visit j directly must give what going through any visit k between gives.
What is found is a lower bound of the error: an error that belongs to one visit (how the hand lay, say) cancels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Ways between the same two visits that differ by more are inconsistent (Wang et al. 2023: one pixel), in mm.
INCONSISTENT_MM = 0.175


@dataclass(frozen=True)
class Series:
    """What a method found between all visits of one joint.

    Parameters
    ----------
    jsn_mm : (V, V) array
        Narrowing from visit i to visit j. Where both ways were measured, half their difference is used;
        NaN where one was not.
    reliable : (V, V) bool array, optional
        Which of these the method itself trusts; both ways must be trusted where both were measured. All by default.
    """

    jsn_mm: NDArray[np.float64]
    reliable: NDArray[np.bool_]

    def __init__(self, jsn_mm: ArrayLike, reliable: ArrayLike | None = None) -> None:
        there = np.asarray(jsn_mm, dtype=float)
        trusted = np.ones(there.shape, bool) if reliable is None else np.asarray(reliable, dtype=bool)
        if there.ndim != 2 or there.shape[0] != there.shape[1] or trusted.shape != there.shape:
            raise ValueError(
                f"jsn_mm and reliable must both be (visits, visits), not {there.shape} and {trusted.shape}."
            )
        both = np.where(np.isnan(there), -there.T, np.where(np.isnan(there.T), there, (there - there.T) / 2))
        measured = np.isfinite(there)
        trusted = trusted | ~measured
        object.__setattr__(self, "jsn_mm", both)
        object.__setattr__(self, "reliable", trusted & trusted.T & np.isfinite(both))


@dataclass(frozen=True)
class Closure:
    """The closure of many joints, over the pairs of visits that the method calls reliable.

    Attributes
    ----------
    joints, pairs, triangles : int
        How many had something to compare: a pair needs a way through one more visit, by reliable pairs only.
    measured : int
        Pairs of visits that were measured at all, reliable or not.
    reliable : float
        Share of them that the method calls reliable.
    inconsistent : float
        Share of ``pairs`` between which two ways differ by more than 0.175 mm.
    sigma_mm : float
        The paper's sigma over all of ``pairs``.
    consistent_sigma_mm : float
        The paper's sigma without the inconsistent pairs, as it is published.
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
    pair_sd_mm: float


def closure(series: Iterable[Series]) -> Closure:
    """Sigma (Wang et al. 2023, Eq. 8-10), inconsistent pairs and the unbiased pair SD of many joints.

    For every pair of visits the direct estimate and those through one other visit are compared; sigma is the root
    mean square of their deviations from the pair's mean (the population SD, pooled over pairs). With three visits
    that is half of the triangle's closure, so read the unbiased pair SD beside it.

    Parameters
    ----------
    series : iterable of Series
        One for each joint; those of fewer than three visits add nothing but their pairs' reliability.
    """
    joints, measured, trusted = 0, 0, 0
    deviations: list[NDArray[np.float64]] = []
    spreads: list[float] = []
    residuals: list[float] = []
    for one in series:
        upper = np.triu_indices(len(one.jsn_mm), 1)
        measured += int(np.isfinite(one.jsn_mm[upper]).sum())
        trusted += int(one.reliable[upper].sum())
        ways = [w for w in (_ways(one, i, j) for i, j in combinations(range(len(one.jsn_mm)), 2)) if len(w) > 1]
        joints += bool(ways)
        deviations += [w - w.mean() for w in ways]
        spreads += [float(np.ptp(w)) for w in ways]
        residuals += _triangles(one)
    consistent = [d for d, spread in zip(deviations, spreads, strict=True) if spread <= INCONSISTENT_MM]
    return Closure(
        joints=joints,
        pairs=len(spreads),
        triangles=len(residuals),
        measured=measured,
        reliable=_share(trusted, measured),
        inconsistent=_share(len(deviations) - len(consistent), len(deviations)),
        sigma_mm=_rms(deviations),
        consistent_sigma_mm=_rms(consistent),
        pair_sd_mm=float(np.sqrt(np.mean(np.square(residuals)) / 3)) if residuals else float("nan"),
    )


def _ways(one: Series, i: int, j: int) -> NDArray[np.float64]:
    """The direct estimate from i to j, then those through each other visit; empty where i to j is not reliable."""
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


def _rms(parts: list[NDArray[np.float64]]) -> float:
    return float(np.sqrt(np.mean(np.square(np.concatenate(parts))))) if parts else float("nan")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
