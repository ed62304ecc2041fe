"""Fit the uncertainty of ``refined`` on pairs whose motion is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.registration.known_motion import KnownPair
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.registration.quality import TERMS, combined, variance_terms
from napari_jsn.registration.solutions import Solutions

#: Errors of calibration pairs follow a Student t with these degrees of freedom: a few are far off.
_TAIL = 8.0
#: An error above this is a mismatch, which no interval is meant to hold, in pixels.
_MISMATCH_PX = 1.0
#: Share of the calibration errors that the 95 % interval is made to hold: a little more than 95 %, for joints that
#: are a little harder than these.
_HELD = 0.96


@dataclass(frozen=True)
class Calibration:
    """Weights of the variance terms, and the share of the calibration pairs whose truth the 95 % interval holds."""

    weights: dict[str, float]
    coverage: float
    pairs: int


def calibrate(known: Sequence[KnownPair]) -> Calibration:
    """Find the weights under which the errors of known pairs are most likely, then bring coverage to 96 %.

    Parameters
    ----------
    known : sequence of KnownPair
        With and without roll, of joints on which nothing is reported.
    """
    import torch

    from napari_jsn.registration.gauss_newton.refined import solve_native

    pairs = [as_pair(each) for each in known]
    terms, errors = [], []
    for first in range(0, len(pairs), 16):
        some = pairs[first : first + 16]
        for pair, solved, each in zip(
            some, solve_native(some, torch.device("cpu")), known[first : first + 16], strict=True
        ):
            terms.append(variance_terms(pair, solved))
            found_px = _narrowing(pair, solved)
            errors.append(found_px - each.jsn_px_at(pair.point, pair.axis))
    found = np.abs(errors) <= _MISMATCH_PX
    weights, coverage = fit_weights(np.array(terms)[found], np.array(errors)[found])
    return Calibration(dict(zip(TERMS, weights.tolist(), strict=True)), coverage, len(known))


def as_pair(known: KnownPair) -> PreparedPair:
    """The question a known pair asks, without its answer."""
    return PreparedPair(
        known.fixed, known.moving, known.fixed_masks, known.moving_masks, known.point, known.axis, known.spacing_mm
    )


def _narrowing(pair: PreparedPair, solved: Solutions) -> float:
    upper, lower = combined(solved)
    return joint_space_narrowing(upper, lower, pair.point, pair.axis)


def fit_weights(terms: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Weights (K,) of variance terms (N, K) for errors (N,), and the coverage they reach.

    Greatest likelihood under a Student t, then one common factor so that 96 % of the errors lie within
    1.96 standard deviations.
    """
    from scipy.optimize import minimize

    def cost(logs: NDArray[np.float64]) -> float:
        variance = terms @ np.exp(logs)
        return float(np.sum(np.log(variance) + (_TAIL + 1) * np.log1p(errors**2 / (_TAIL * variance))))

    starts = ([0.0, -1.0, -2.0, -4.0], [0.5, 0.0, -1.0, -2.0], [-0.5, -2.0, -4.0, -6.0])
    count = terms.shape[1]
    bounds = [(-12.0, 4.0)] * count
    best = min((minimize(cost, start[:count], bounds=bounds) for start in starts), key=lambda fit: float(fit.fun))
    weights = np.exp(best.x)
    ratio = np.abs(errors) / np.sqrt(terms @ weights)
    weights = weights * (float(np.quantile(ratio, _HELD)) / Z95) ** 2
    return weights, float(np.mean(np.abs(errors) <= Z95 * np.sqrt(terms @ weights)))
