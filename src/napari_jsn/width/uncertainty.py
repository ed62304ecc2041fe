"""Standard uncertainty of a joint space width, from the shape and the contrast of its margins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_jsn.width.margins import Margins

#: Terms of the variance of a width: a constant of every radiograph, the scatter of the width about a smooth curve, the
#: bluntness of the edges, and the difference of the width between the two sides of the joint.
TERMS = ("constant", "scatter", "edges", "tilt")
_CARD = "width-margins"
#: Floor of the gradient of an edge, relative to the typical gradient inside bone.
_LEAST_GRADIENT = 0.5


def width_sd_mm(margins: Margins) -> float:
    """Return the standard uncertainty of the mean width, with the weights of the card."""
    weights = _weights()
    return float(np.sqrt(variance_terms(margins) @ [weights[term] for term in TERMS]))


def variance_terms(margins: Margins) -> NDArray[np.float64]:
    """Return the (4,) terms of :data:`TERMS` before weighting, in mm squared except ``constant`` and ``edges``."""
    widths = margins.widths
    position = margins.across - margins.across.mean()
    position = position / position.max()
    tilt = float(np.polyfit(position, widths, 1)[0])
    residual = widths - np.polyval(np.polyfit(position, widths, 2), position)
    edges = [max(float(np.median(edge)), _LEAST_GRADIENT) for edge in (margins.upper_edge, margins.lower_edge)]
    return np.array([1.0, residual.var() / independent(residual), sum(edge**-2 for edge in edges), tilt**2])


def independent(values: NDArray[np.floating]) -> float:
    """Return the effective number of independent values, from the autocorrelation up to its first zero."""
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
