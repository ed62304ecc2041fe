"""Fit the course of narrowing of one joint to the registrations of all pairs of its visits.

With x_k the narrowing from baseline to visit k (x_1 = 0), every pair gives ``d_ij = x_j - x_i + e_ij``. Part of the
error belongs to a visit (the position of the joint, the outlines of its bones) and is common to all pairs with that
visit; part is the rotation of the bones times the distance of the point from the middle of the joint, which is the
same in all pairs; the rest belongs to the pair. Generalised least squares with that covariance gives x and its full
covariance. With two visits, the result is the narrowing by their one registration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Share of the variance of a registration that belongs to its two visits, and so cancels in closures: a bone that
#: flexed or rolled has another outline at that visit. On 333 real joints with three or more visits the mean of (closure
#: squared / sum of the three variances) is 0.20 (759 triangles).
VISIT_SHARE = 0.8
#: A triangle is open if its closure exceeds its standard deviation by this factor, as in 1 % of those 759 triangles.
_OPEN = 3.5


@dataclass(frozen=True)
class PairwiseNarrowing:
    """The narrowing from one visit to a later one, in baseline pixels or any other unit.

    Attributes
    ----------
    first, second : int
        Visits by index, 0 is the baseline; ``first < second``.
    jsn, sd : float
        The narrowing and the standard uncertainty of its registration.
    reliable : bool
    lever : float
        Rotation of the bones against each other, times the standard deviation of the distance of the point from the
        middle of the joint; with its sign.
    """

    first: int
    second: int
    jsn: float
    sd: float
    reliable: bool = True
    lever: float = 0.0


Triangle = tuple[PairwiseNarrowing, PairwiseNarrowing, PairwiseNarrowing]


@dataclass(frozen=True)
class Trajectory:
    """Narrowing since baseline at every visit, in the unit of the pairs.

    Attributes
    ----------
    jsn : (V,) float array
        0 at baseline; NaN for visits that no pairs connect to the baseline.
    covariance : (V, V) float array
        Covariance of ``jsn``; 0 at baseline, NaN where ``jsn`` is NaN.
    joined : (V,) bool array
        Whether reliable pairs connect the visit to the baseline.
    closure : (V,) float array
        Root mean square of the closures of the triangles that include a visit; NaN if there are none.
    open : (V,) bool array
        Whether the closure of one of these triangles is larger than its uncertainty explains.
    """

    jsn: Array
    covariance: Array
    joined: NDArray[np.bool_]
    closure: Array
    open: NDArray[np.bool_]

    @property
    def sd(self) -> Array:
        """(V,) standard uncertainties."""
        return np.sqrt(np.diag(self.covariance))


def fit_trajectory(
    visits: int, pairs: Sequence[PairwiseNarrowing], visit_variance: float = 0.0, registration_factor: float = 1.0
) -> Trajectory:
    """Fit the course of one joint to all pairs of visits by generalised least squares.

    Unreliable pairs are used only to connect visits that reliable pairs do not connect. If several triangles are open
    and exactly one pair is common to all of them, this pair is left out.

    Parameters
    ----------
    visits : int
    pairs : sequence of PairwiseNarrowing
        At most one for each pair of visits.
    visit_variance : float
        Variance that repositioning adds to the narrowing between any two visits, half of it from each.
    registration_factor : float
        Factor of the variance of a registration; what exceeds the part of the pair belongs to its visits.
    """
    trusted = _without_outlier([pair for pair in pairs if pair.reliable])
    components = _components(visits, trusted)
    used = trusted + [pair for pair in pairs if not pair.reliable and components[pair.first] != components[pair.second]]
    reached = _components(visits, used) == 0
    jsn, covariance = np.full(visits, np.nan), np.full((visits, visits), np.nan)
    jsn[0] = covariance[0, 0] = 0.0
    counted = [pair for pair in used if reached[pair.first]]
    if counted:
        reached_visits = np.flatnonzero(reached)
        jsn[reached_visits], covariance[np.ix_(reached_visits, reached_visits)] = _solve(
            visits, counted, visit_variance, registration_factor, reached_visits
        )
    residuals: list[list[float]] = [[] for _ in range(visits)]
    is_open = np.zeros(visits, bool)
    for triangle in _triangles(used):
        residual = _residual(triangle)
        for visit in {triangle[0].first, triangle[0].second, triangle[1].second}:
            residuals[visit].append(residual)
            is_open[visit] |= _is_open(triangle)
    closure = np.array([np.sqrt(np.mean(np.square(r))) if r else np.nan for r in residuals])
    return Trajectory(jsn, covariance, components == 0, closure, is_open)


def _solve(
    visits: int,
    pairs: Sequence[PairwiseNarrowing],
    visit_variance: float,
    registration_factor: float,
    reached_visits: NDArray[np.intp],
) -> tuple[Array, Array]:
    """Return narrowing and covariance of the visits that the pairs reach, the baseline first."""
    ends = np.zeros((len(pairs), visits))
    for row, pair in zip(ends, pairs, strict=True):
        row[pair.first], row[pair.second] = -1, 1
    shared = ends @ ends.T / 2
    sd = np.array([pair.sd for pair in pairs])
    own = min(1 - VISIT_SHARE, registration_factor)
    noise = np.outer(sd, sd) * ((registration_factor - own) * shared + own * np.eye(len(pairs)))
    lever = np.array([pair.lever for pair in pairs])
    noise += visit_variance * shared + np.outer(lever, lever)
    design = ends[:, reached_visits[1:]]
    weighted = np.linalg.solve(noise, design)
    covariance = np.linalg.inv(design.T @ weighted)
    jsn = covariance @ (weighted.T @ np.array([pair.jsn for pair in pairs]))
    return np.append(0.0, jsn), np.pad(covariance, ((1, 0), (1, 0)))


def _components(visits: int, pairs: Sequence[PairwiseNarrowing]) -> NDArray[np.intp]:
    """Return the number of the connected component of each visit, (V,); that of the baseline is 0."""
    component = np.arange(visits)
    for pair in pairs:
        low, high = sorted((component[pair.first], component[pair.second]))
        component[component == high] = low
    return component


def _triangles(pairs: Sequence[PairwiseNarrowing]) -> list[Triangle]:
    """Return (i to j, j to k, i to k) for all three visits that are connected by three pairs."""
    by_ends = {(pair.first, pair.second): pair for pair in pairs}
    visits = sorted({visit for ends in by_ends for visit in ends})
    return [
        (by_ends[i, j], by_ends[j, k], by_ends[i, k])
        for i, j, k in combinations(visits, 3)
        if {(i, j), (j, k), (i, k)} <= by_ends.keys()
    ]


def _residual(triangle: Triangle) -> float:
    first, second, direct = triangle
    return first.jsn + second.jsn - direct.jsn


def _is_open(triangle: Triangle) -> bool:
    variance = (1 - VISIT_SHARE) * sum(pair.sd**2 for pair in triangle)
    return abs(_residual(triangle)) > _OPEN * np.sqrt(variance)


def _without_outlier(pairs: list[PairwiseNarrowing]) -> list[PairwiseNarrowing]:
    """Return the pairs without the one that is common to all open triangles, if several are open."""
    open_triangles = [set(triangle) for triangle in _triangles(pairs) if _is_open(triangle)]
    if len(open_triangles) < 2 or len(common := set.intersection(*open_triangles)) != 1:
        return pairs
    return [pair for pair in pairs if pair not in common]
