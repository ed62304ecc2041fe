"""Compute the mean narrowing of a hand, and the smallest detectable change.

The smallest detectable change (SDC) of Bruynesteyn et al. (Ann Rheum Dis 64:179-182, 2005) is ``1.96 * SD / sqrt(2)``,
with SD the standard deviation of the difference between two measurements of the same change. Two measurements with
standard uncertainty s differ with an SD of ``sqrt(2) * s``, so the SDC is ``1.96 * s``. Here s is the root mean square
of the stated uncertainties. For comparison, s is also computed from the closures r of triangles of visits, as
``sqrt(mean(r^2) / 3)``. This is a lower bound, because an error that is common to all pairs with a visit cancels in r.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from napari_jsn.common.statistics import Z95
from napari_jsn.progression.narrowing import NAN, Narrowing
from napari_jsn.progression.progression import Progression
from napari_jsn.progression.repositioning import narrowing_uncertainty

if TYPE_CHECKING:
    import pandas as pd

#: Groups of joints that are summarised besides the whole hand, by the start of their names.
KINDS = ("MCP", "PIP", "IP", "DIP")


def sdc_mm(sd_mm: Iterable[float]) -> float:
    """Return the smallest detectable change of one joint, in mm, from standard uncertainties of narrowings.

    Parameters
    ----------
    sd_mm : iterable of float
        Standard uncertainties of the narrowings; NaN values are ignored.

    References
    ----------
    Bruynesteyn et al., Ann Rheum Dis 64:179-182 (2005).
    """
    known = np.array([sd for sd in sd_mm if np.isfinite(sd)], dtype=float)
    return float(Z95 * np.sqrt(np.mean(known**2))) if known.size else NAN


def closure_sdc_mm(closure_mm: Iterable[float]) -> float:
    """Return the smallest detectable change implied by the closure of triangles of visits, in mm: a lower bound.

    Parameters
    ----------
    closure_mm : iterable of float
        Root mean squares over triangles; NaN values are ignored.
    """
    return sdc_mm(np.asarray(list(closure_mm), dtype=float) / np.sqrt(3))


def summaries(progression: Progression) -> pd.DataFrame:
    """Return the mean narrowing of each hand, and of each kind of its joints, at every follow-up visit.

    All joints with a figure in mm that have not failed are included, weighted by their inverse variance. The
    uncertainty of a mean contains the part of the error that all joints of a hand share.

    Returns
    -------
    DataFrame
        ``side visit group joints reliable mean_jsn_mm mean_jsn_sd_mm ci_low_mm ci_high_mm largest_jsn_mm
        largest_joint sdc_mm closure_sdc_mm``; the group is ``"all"``, ``"MCP"``, ``"PIP"``, ``"IP"`` or ``"DIP"``, and
        the side is ``"both"`` in rows on both hands. ``mean_jsn_sd_mm`` is the uncertainty of the mean, not the spread
        of the joints.
    """
    import pandas as pd

    rows = progression.narrowings
    sides = list(dict.fromkeys(row.side for row in rows))
    named = [(side, [row for row in rows if row.side == side]) for side in sides]
    if len(sides) > 1:
        named.append(("both", list(rows)))
    records = []
    for side, of_side in named:
        for visit in sorted({row.visit for row in of_side}):
            at_visit = [row for row in of_side if row.visit == visit]
            records.append(_summary(side, visit, "all", at_visit))
            groups = {kind: [row for row in at_visit if row.joint.rstrip("12345") == kind] for kind in KINDS}
            records += [_summary(side, visit, kind, group) for kind, group in groups.items() if group]
    return pd.DataFrame(records)


def weighted_mean(values: ArrayLike, sds: ArrayLike, hands: Sequence[str]) -> tuple[float, float]:
    """Return the mean of figures of joints, weighted by their inverse variance, and its standard uncertainty.

    Parameters
    ----------
    values, sds : (N,) arrays
    hands : sequence of str
        The side of each joint: the errors of joints of one hand are correlated.
    """
    value, sd = (np.asarray(each, dtype=float) for each in (values, sds))
    if not value.size:
        return NAN, NAN
    weights = sd**-2 / np.sum(sd**-2)
    same_hand = np.array([[one == other for other in hands] for one in hands])
    correlation = np.where(np.eye(len(value), dtype=bool), 1.0, narrowing_uncertainty().shared * same_hand)
    variance = (weights * sd) @ correlation @ (weights * sd)
    return float(weights @ value), float(np.sqrt(variance))


def _summary(side: str, visit: int, group: str, rows: Sequence[Narrowing]) -> dict[str, object]:
    counted = [row for row in rows if row.reliable and np.isfinite(row.jsn_mm)]
    jsn = np.array([row.jsn_mm for row in counted], dtype=float)
    sd = np.array([row.jsn_sd_mm for row in counted], dtype=float)
    mean, mean_sd = weighted_mean(jsn, sd, [row.side for row in counted])
    largest = max(counted, key=lambda row: row.jsn_mm, default=None)
    return {
        "side": side,
        "visit": visit,
        "group": group,
        "joints": len(rows),
        "reliable": len(counted),
        "mean_jsn_mm": mean,
        "mean_jsn_sd_mm": mean_sd,
        "ci_low_mm": mean - Z95 * mean_sd,
        "ci_high_mm": mean + Z95 * mean_sd,
        "largest_jsn_mm": NAN if largest is None else largest.jsn_mm,
        "largest_joint": "" if largest is None else f"{largest.joint} {largest.side}".strip(),
        "sdc_mm": sdc_mm(sd),
        "closure_sdc_mm": closure_sdc_mm(row.closure_mm for row in counted),
    }
