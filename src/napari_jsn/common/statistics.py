"""Statistics that several packages share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

#: The two-sided 95 % point of the normal distribution.
Z95 = 1.959964


def rmse(errors: ArrayLike) -> float:
    """Root mean square; NaN of nothing."""
    values = np.asarray(errors, dtype=float)
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def share(which: ArrayLike) -> float:
    """Share of True; NaN of nothing."""
    values = np.asarray(which, dtype=bool)
    return float(values.mean()) if len(values) else float("nan")
