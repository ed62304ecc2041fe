"""How far a joint space width may be off, from what its margins look like."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_jsn.width.margins import Margins

#: Parts of the variance of a width, in mm squared: what every film has, the scatter of the margins about a smooth
#: course, how blunt the edges are, and how much wider the joint space is on one side than on the other.
TERMS = ("film", "scatter", "edges", "tilt")
_CARD = "width-margins"
#: Steepness below which an edge counts no less, against the usual steepness inside bone.
_BLUNTEST = 0.5


def width_sd_mm(margins: Margins) -> float:
    """Standard uncertainty of the mean width, as the weights of the card have it."""
    weights = _weights()
    return float(np.sqrt(variance_terms(margins) @ [weights[term] for term in TERMS]))


def variance_terms(margins: Margins) -> NDArray[np.float64]:
    """(4,) terms as in :data:`TERMS`, in mm squared but for ``edges``, before they are weighted."""
    widths = margins.widths
    place = margins.across - margins.across.mean()
    place = place / place.max()
    tilt = float(np.polyfit(place, widths, 1)[0])
    rest = widths - np.polyval(np.polyfit(place, widths, 2), place)
    edges = [max(float(np.median(edge)), _BLUNTEST) for edge in (margins.upper_edge, margins.lower_edge)]
    return np.array([1.0, rest.var() / independent(rest), sum(edge**-2 for edge in edges), tilt**2])


def independent(values: NDArray[np.floating]) -> float:
    """How many independent figures a row of values is worth, from its autocorrelation up to the first zero."""
    values = values - values.mean()
    power = float(values @ values)
    if power == 0:
        return float(len(values))
    correlation = np.correlate(values, values, "full")[len(values) :] / power
    ends = np.flatnonzero(correlation <= 0)
    used = correlation[: ends[0]] if len(ends) else correlation
    return float(len(values) / (1 + 2 * used.sum()))


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    from napari_jsn.networks import weights

    return dict(weights.card(_CARD)["variance_weights"])
