"""Totals over the sites of a visit, with an interval that regards the correlation between the errors of the joints."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import norm

#: Where a card states none: the correlation between the errors of two joints of a patient, and the factor of the
#: standard deviations.
DEFAULT = {"correlation": 0.1, "factor": 1.0}
_Z = float(norm.ppf(0.975))


def total_interval(
    expected: Sequence[float], sds: Sequence[float], correlation: float, factor: float
) -> tuple[float, float, float]:
    """Return a sum of expected grades and the ends of its 95 % interval, which are not below 0.

    Parameters
    ----------
    expected, sds : sequence of float
        Mean and standard deviation of the grade of each site.
    correlation : float
        Between the errors of any two sites.
    factor : float
        Of the standard deviations.

    Examples
    --------
    >>> from napari_jsn.scoring.automatic.total import total_interval
    >>> [round(each, 2) for each in total_interval([1.0, 2.0], [0.5, 0.5], 0.0, 1.0)]
    [3.0, 1.61, 4.39]
    """
    total = sum(expected)
    variance = (1 - correlation) * sum(sd**2 for sd in sds) + correlation * sum(sds) ** 2
    half = _Z * factor * math.sqrt(max(variance, 0.0))
    return total, max(0.0, total - half), total + half
