"""Statistics that several packages share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

#: The two-sided 95 % point of the normal distribution.
Z95 = 1.959964


def rmse(errors: ArrayLike) -> float:
    """Return the root mean square; NaN without values."""
    values = np.asarray(errors, dtype=float)
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


def share(which: ArrayLike) -> float:
    """Return the share of True; NaN without values."""
    values = np.asarray(which, dtype=bool)
    return float(values.mean()) if len(values) else float("nan")


@dataclass(frozen=True)
class Estimate:
    """A figure with its standard uncertainty.

    Parameters
    ----------
    value : float
        NaN where nothing was measured.
    sd : float
        Standard uncertainty, in the unit of the value.

    Examples
    --------
    >>> from napari_jsn.common.statistics import Estimate
    >>> low, high = Estimate(0.20, 0.05).ci95
    >>> print(f"{low:.2f} {high:.2f}")
    0.10 0.30
    """

    value: float = float("nan")
    sd: float = float("nan")

    @property
    def ci95(self) -> tuple[float, float]:
        """Lower and upper end of the 95 % interval."""
        return self.value - Z95 * self.sd, self.value + Z95 * self.sd

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)

    def scaled(self, factor: float | None) -> Estimate:
        """Return the figure in another unit; a factor of None (an unknown pixel size) gives NaN.

        Examples
        --------
        >>> from napari_jsn import Estimate
        >>> Estimate(3.0, 0.5).scaled(0.25)
        Estimate(value=0.75, sd=0.125)
        """
        return Estimate() if factor is None else Estimate(self.value * factor, self.sd * factor)

    def plus(self, shift: float) -> Estimate:
        """Return the figure with a constant added.

        Examples
        --------
        >>> from napari_jsn import Estimate
        >>> Estimate(3.0, 0.5).plus(1.0)
        Estimate(value=4.0, sd=0.5)
        """
        return Estimate(self.value + shift, self.sd)
