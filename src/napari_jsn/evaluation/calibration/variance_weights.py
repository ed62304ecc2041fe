"""Fit the weights of variance terms to the errors of a measurement on pairs of known motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.common.statistics import Z95
from napari_jsn.evaluation.registration.known_motion import KnownPair
from napari_jsn.simulation.joint_pair import joint_pairs

#: Presets of known motion in the calibration of registration, and the number of parts of each.
PRESETS = {"easy": 2, "hard": 1, "roll-half": 1, "roll": 2, "hard-roll": 1}
#: Standard deviation of the Gaussian that makes a follow-up less sharp, in mm, and the exponent of its intensities.
_BLUR_MM, _GAMMA = (0.05, 0.4), (0.5, 3.0)
#: Degrees of freedom of the Student t distribution of the errors, which has a few large errors.
_DEGREES_OF_FREEDOM = 8.0
#: Share of the calibration errors that the 95 % interval covers: above 95 %, because real joints are a little harder.
_COVERAGE = 0.96


def simulated_known_pairs(count: int, seed: int) -> list[KnownPair]:
    """Simulate pairs of all joints that move as between two visits, each joint equally often."""
    return [KnownPair.from_simulated(pair) for pair in islice(joint_pairs(seed), count)]


def with_other_exposure(known: Sequence[KnownPair], seed: int) -> list[KnownPair]:
    """Return pairs whose follow-up is less sharp (every second pair), or has another intensity curve."""
    rng = np.random.default_rng(seed)
    changed = []
    for k, pair in enumerate(known):
        if k % 2:
            sigma_px = rng.uniform(*_BLUR_MM) / pair.spacing_mm
            moving = ndimage.gaussian_filter(pair.moving, sigma_px).astype(np.float32)
        else:
            moving = (pair.moving ** np.exp(rng.uniform(*np.log(_GAMMA)))).astype(np.float32)
        changed.append(replace(pair, moving=moving))
    return changed


def fit_weights(terms: NDArray[np.float64], errors: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Fit weights (K,) of variance terms (N, K) to errors (N,); return the weights and their coverage.

    The weights maximise the likelihood under a Student t distribution. Then one common factor makes 96 % of the
    errors lie within 1.96 standard deviations.
    """
    from scipy.optimize import minimize

    def cost(logs: NDArray[np.float64]) -> float:
        variance = terms @ np.exp(logs)
        tail = np.log1p(errors**2 / (_DEGREES_OF_FREEDOM * variance))
        return float(np.sum(np.log(variance) + (_DEGREES_OF_FREEDOM + 1) * tail))

    starts = ([0.0, -1.0, -2.0, -4.0], [0.5, 0.0, -1.0, -2.0], [-0.5, -2.0, -4.0, -6.0])
    count = terms.shape[1]
    bounds = [(-12.0, 4.0)] * count
    best = min((minimize(cost, start[:count], bounds=bounds) for start in starts), key=lambda fit: float(fit.fun))
    weights = np.exp(best.x)
    ratio = np.abs(errors) / np.sqrt(terms @ weights)
    weights = weights * (float(np.quantile(ratio, _COVERAGE)) / Z95) ** 2
    return weights, float(np.mean(np.abs(errors) <= Z95 * np.sqrt(terms @ weights)))


def fit_added_weights(
    terms: NDArray[np.float64], variance: NDArray[np.float64], errors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return weights (K,) of further variance terms (N, K), which are added to known variances (N,).

    They maximise the likelihood under a Student t distribution; then one common factor, 1 or more, makes 96 % of the
    errors (N,) lie within 1.96 standard deviations, in the half of the pairs where most is added: the errors that a
    difference of sharpness causes have one sign, and the likelihood makes their intervals too narrow.
    """
    from scipy.optimize import minimize

    def cost(logs: NDArray[np.float64]) -> float:
        total = variance + terms @ np.exp(logs)
        tail = np.log1p(errors**2 / (_DEGREES_OF_FREEDOM * total))
        return float(np.sum(np.log(total) + (_DEGREES_OF_FREEDOM + 1) * tail))

    starts = ([0.0] * terms.shape[1], [-3.0] * terms.shape[1], [2.0] * terms.shape[1])
    best = min((minimize(cost, start, bounds=[(-12.0, 6.0)] * len(start)) for start in starts), key=lambda fit: fit.fun)
    weights = np.exp(best.x)
    added = terms @ weights
    most = added / variance >= np.median(added / variance)
    factors = np.geomspace(1.0, 16.0, 200)
    held = [np.mean((np.abs(errors) <= Z95 * np.sqrt(variance + factor * added))[most]) for factor in factors]
    enough = np.flatnonzero(np.array(held) >= _COVERAGE)
    return np.asarray(weights * factors[enough[0] if enough.size else -1])


def named_weights(names: Sequence[str], weights: NDArray[np.float64], digits: int = 6) -> dict[str, float]:
    """Return weights by the name of their term, rounded to significant digits as a card has them."""
    return {name: float(f"{weight:.{digits}g}") for name, weight in zip(names, weights.tolist(), strict=True)}
