"""Compute the standard uncertainty of a joint space width from the shape and the contrast of its margins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from napari_jsn.width.margins import Margins

#: Terms of the variance of a width: a constant that is the same for all radiographs, the scatter of the widths about a
#: parabola, the inverse squared gradients of the edges, and the squared slope of the widths across the joint.
TERMS = ("constant", "scatter", "edges", "tilt")
CARD = "width-margins"
#: Smaller gradients of an edge are replaced by this one; relative to the typical gradient inside bone.
_MIN_GRADIENT = 0.5


def width_sd_mm(margins: Margins) -> float:
    """Return the standard uncertainty of the mean width; the weights of its terms are read from a card."""
    weights = _weights()
    return float(np.sqrt(variance_terms(margins) @ [weights[term] for term in TERMS]))


def variance_terms(margins: Margins) -> NDArray[np.float64]:
    """Return the (4,) unweighted :data:`TERMS`; scatter and tilt are in mm squared, the others have no unit."""
    widths = margins.widths
    position = margins.across - margins.across.mean()
    position = position / position.max()
    tilt = float(np.polyfit(position, widths, 1)[0])
    residual = widths - np.polyval(np.polyfit(position, widths, 2), position)
    edges = [max(float(np.median(edge)), _MIN_GRADIENT) for edge in (margins.upper_edge, margins.lower_edge)]
    return np.array([1.0, residual.var() / independent(residual), sum(edge**-2 for edge in edges), tilt**2])


def independent(values: NDArray[np.floating]) -> float:
    """Return the effective number of independent values, from the autocorrelation up to its first zero."""
    values = values - values.mean()
    power = float(values @ values)
    if power == 0:
        return float(len(values))
    correlation = np.correlate(values, values, "full")[len(values) :] / power
    not_positive = np.flatnonzero(correlation <= 0)
    used = correlation[: not_positive[0]] if len(not_positive) else correlation
    return float(len(values) / (1 + 2 * used.sum()))


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, float]:
    from napari_jsn.networks import weights

    return dict(weights.card(CARD)["variance_weights"])
