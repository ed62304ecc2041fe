"""Totals over the sites of a visit, with an interval that regards the correlation between the errors of the joints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

#: 97.5th percentile of the normal distribution.
NORMAL = float(ndtri(0.975))  # scipy.stats takes half a second to import


@dataclass(frozen=True)
class TotalErrors:
    """How much a total of grades is wrong, estimated on patients that were not trained on.

    The variance of a total is ``factor ** 2`` times that of its sites, whose errors are correlated, and ``unseen`` for
    each site: damage that a network is sure not to see.

    Attributes
    ----------
    correlation : float
        Between the errors of any two sites of a patient.
    factor : float
        Of the standard deviations that the probabilities give.
    unseen : float
        Variance of a site that the probabilities do not state.
    below, above : float
        Ends of the 95 % interval in standard deviations of the total.
    """

    correlation: float = 0.1
    factor: float = 1.0
    unseen: float = 0.0
    below: float = NORMAL
    above: float = NORMAL

    @classmethod
    def of_card(cls, card: Mapping[str, Any], kind: str) -> TotalErrors:
        """Return what a card states of a kind, or of both (``"total"``); the defaults where it states none."""
        return cls(**card.get("totals", {}).get(kind, {}))

    def sd(self, sds: ArrayLike) -> float:
        """Return the standard deviation of a total of sites with these standard deviations."""
        each = np.asarray(sds, float)
        spread = (1 - self.correlation) * (each**2).sum() + self.correlation * each.sum() ** 2
        return float(np.sqrt(self.factor**2 * spread + self.unseen * each.size))

    def interval(self, expected: ArrayLike, sds: ArrayLike) -> tuple[float, float, float]:
        """Return a sum of expected grades and the ends of its 95 % interval, which are not below 0.

        Parameters
        ----------
        expected, sds : (N,) array
            Mean and standard deviation of the grade of each site.

        Examples
        --------
        >>> from napari_jsn.scoring.automatic.total import TotalErrors
        >>> [round(each, 2) for each in TotalErrors(correlation=0.0).interval([1.0, 2.0], [0.5, 0.5])]
        [3.0, 1.61, 4.39]
        """
        total, sd = float(np.sum(expected)), self.sd(sds)
        return total, max(0.0, total - self.below * sd), total + self.above * sd
