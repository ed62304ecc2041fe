"""One course of narrowing for each joint, from the registrations of all pairs of its visits.

With x_k the narrowing from baseline to visit k (x_1 = 0), every pair tells ``d_ij = x_j - x_i + e_ij``. Part of the
error belongs to a visit (how the joint lay, how its bones were outlined) and is shared by all pairs with that visit;
the rest is the pair's own. Generalised least squares with that covariance gives x and its full covariance. With two
visits it is the direct figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Share of a pair's variance that belongs to its two visits, and so does not show in closures. On 70 development joints
#: seen three times or more the mean of (closure squared / sum of the three pairs' variances) is 0.47 (183 triangles).
VISIT_SHARE = 0.5
#: A triangle is open where its closure exceeds its standard deviation by this factor: 1 % of those triangles.
_OPEN = 3.5


@dataclass(frozen=True)
class Step:
    """The narrowing from one visit to a later one, in baseline pixels or any other one unit.

    Attributes
    ----------
    first, second : int
        Visits by index, 0 is the baseline; ``first < second``.
    jsn, sd : float
        The narrowing and its standard uncertainty.
    reliable : bool
    """

    first: int
    second: int
    jsn: float
    sd: float
    reliable: bool = True


@dataclass(frozen=True)
class Trajectory:
    """Narrowing since baseline at every visit, in the unit of the steps.

    Attributes
    ----------
    jsn : (V,) float array
        0 at baseline; NaN where no step leads.
    covariance : (V, V) float array
        Of ``jsn``; 0 at baseline, NaN where no step leads.
    joined : (V,) bool array
        Whether reliable steps lead from the baseline to the visit.
    closure : (V,) float array
        Root mean square of what the triangles that hold a visit leave open; NaN where there is none.
    open : (V,) bool array
        Whether one of them is open by more than its uncertainty allows.
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


def follow(visits: int, steps: Sequence[Step], visit_variance: float = 0.0) -> Trajectory:
    """The course that fits all steps best.

    Steps that are not reliable count only where no reliable ones lead. Where several triangles are open and one step
    is common to all of them, it is left out.

    Parameters
    ----------
    visits : int
    steps : sequence of Step
        At most one for each pair of visits.
    visit_variance : float
        Variance that laying down the hand anew adds to the narrowing between any two visits, half of it from each.
    """
    trusted = _without_culprit([step for step in steps if step.reliable])
    parts = _parts(visits, trusted)
    used = trusted + [step for step in steps if not step.reliable and parts[step.first] != parts[step.second]]
    reached = _parts(visits, used) == 0
    jsn, covariance = np.full(visits, np.nan), np.full((visits, visits), np.nan)
    jsn[0] = covariance[0, 0] = 0.0
    counted = [step for step in used if reached[step.first]]
    if counted:
        inside = np.flatnonzero(reached)
        jsn[inside], covariance[np.ix_(inside, inside)] = _solve(visits, counted, visit_variance, inside)
    residuals: list[list[float]] = [[] for _ in range(visits)]
    opened = np.zeros(visits, bool)
    for triangle in _triangles(used):
        residual = _residual(triangle)
        for visit in {triangle[0].first, triangle[0].second, triangle[1].second}:
            residuals[visit].append(residual)
            opened[visit] |= _is_open(triangle)
    closure = np.array([np.sqrt(np.mean(np.square(r))) if r else np.nan for r in residuals])
    return Trajectory(jsn, covariance, parts == 0, closure, opened)


def _solve(visits: int, steps: Sequence[Step], visit_variance: float, inside: NDArray[np.intp]) -> tuple[Array, Array]:
    """Narrowing and covariance of the visits that the steps reach, the baseline first."""
    ends = np.zeros((len(steps), visits))
    for row, step in zip(ends, steps, strict=True):
        row[step.first], row[step.second] = -1, 1
    shared = ends @ ends.T / 2
    sd = np.array([step.sd for step in steps])
    noise = np.outer(sd, sd) * (VISIT_SHARE * shared + (1 - VISIT_SHARE) * np.eye(len(steps)))
    noise += visit_variance * shared
    design = ends[:, inside[1:]]
    weighted = np.linalg.solve(noise, design)
    covariance = np.linalg.inv(design.T @ weighted)
    jsn = covariance @ (weighted.T @ np.array([step.jsn for step in steps]))
    return np.append(0.0, jsn), np.pad(covariance, ((1, 0), (1, 0)))


def _parts(visits: int, steps: Sequence[Step]) -> NDArray[np.intp]:
    """(V,) number of the part that each visit is in, parts being what steps join; the baseline's is 0."""
    part = np.arange(visits)
    for step in steps:
        low, high = sorted((part[step.first], part[step.second]))
        part[part == high] = low
    return part


def _triangles(steps: Sequence[Step]) -> list[tuple[Step, Step, Step]]:
    """(i to j, j to k, i to k) of every three visits that three steps join."""
    by_ends = {(step.first, step.second): step for step in steps}
    visits = sorted({visit for ends in by_ends for visit in ends})
    return [
        (by_ends[i, j], by_ends[j, k], by_ends[i, k])
        for i, j, k in combinations(visits, 3)
        if {(i, j), (j, k), (i, k)} <= by_ends.keys()
    ]


def _residual(triangle: tuple[Step, Step, Step]) -> float:
    there, on, direct = triangle
    return there.jsn + on.jsn - direct.jsn


def _is_open(triangle: tuple[Step, Step, Step]) -> bool:
    variance = (1 - VISIT_SHARE) * sum(step.sd**2 for step in triangle)
    return abs(_residual(triangle)) > _OPEN * np.sqrt(variance)


def _without_culprit(steps: list[Step]) -> list[Step]:
    """The steps but for one that is common to all open triangles, if there are several."""
    opened = [set(triangle) for triangle in _triangles(steps) if _is_open(triangle)]
    if len(opened) < 2 or len(common := set.intersection(*opened)) != 1:
        return steps
    return [step for step in steps if step not in common]
