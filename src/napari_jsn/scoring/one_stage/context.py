"""Calibrated probabilities of the grades of a hand: how damaged the other joints are says how likely damage is.

The network grades every joint by itself. Among patients most joints have no damage, in trials of active disease many
have some; one temperature cannot make the probabilities of both right. The other joints of the hand show which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from napari_jsn.scoring.grades import HIGHEST

Floats = NDArray[np.float64]

#: Least probability whose logarithm is taken, and weight of the squared coefficients in the fit.
_LEAST, _RIDGE = 1e-9, 1e-3
#: Kinds whose probabilities need the context. Those of erosion, from regions, are right for both with a temperature.
_NEEDED = ("jsn",)


class Context(NamedTuple):
    """Calibration of one kind of damage.

    Attributes
    ----------
    temperature : float
        The logarithms of the probabilities are divided by it.
    coefficients : (3, K + 1) array
        Added to them: a constant, and what is multiplied by the mean expected grade of the hand's other joints, as a
        share of the highest grade, of narrowing and of erosion.
    """

    temperature: float
    coefficients: Floats

    @classmethod
    def of_card(cls, card: Mapping[str, Any], kind: str) -> Context:
        """Return what the card of a model states; nothing is changed where it states nothing."""
        temperature = float(card.get("temperature", {}).get(kind, 1.0))
        stated: Sequence[Sequence[float]] | None = card.get("context", {}).get(kind)
        none = np.zeros((1 + len(HIGHEST), HIGHEST[kind] + 1))
        return cls(temperature, none if stated is None else np.asarray(stated, float))


def calibrated(given: Mapping[str, Floats], contexts: Mapping[str, Context]) -> dict[str, Floats]:
    """Return the calibrated probabilities (..., 14, K + 1) of the grades of the joints of hands, by kind.

    Parameters
    ----------
    given : mapping of kind to (..., 14, K + 1) array
        NaN where a joint is not marked.
    contexts : mapping of kind to Context
    """
    around = _around(given)
    found = {}
    for kind, each in given.items():
        logs = np.log(np.maximum(each, _LEAST)) / contexts[kind].temperature + around @ contexts[kind].coefficients
        raised = np.exp(logs - logs.max(-1, keepdims=True))
        found[kind] = raised / raised.sum(-1, keepdims=True)
    return found


def fit_context(
    given: Mapping[str, Floats], truth: Mapping[str, NDArray[np.signedinteger]], weights: Floats
) -> dict[str, Context]:
    """Return the calibrations under which the true grades are likeliest, by kind.

    Parameters
    ----------
    given : mapping of kind to (N, 14, K + 1) array
        Of N hands; NaN where a joint is not marked.
    truth : mapping of kind to (N, 14) array
        Grades, -1 where there is none.
    weights : (N,) array
        Of the hands.
    """
    around = _around(given)
    found = {}
    for kind, each in given.items():
        known = (truth[kind] >= 0) & np.isfinite(each).all(-1)
        of_joints = np.broadcast_to(weights[:, None], known.shape)[known]
        used = around[known] if kind in _NEEDED else np.zeros((int(known.sum()), around.shape[-1]))
        found[kind] = _fitted(each[known], truth[kind][known], used, of_joints)
    return found


def _around(given: Mapping[str, Floats]) -> Floats:
    """Return 1 and, for each kind, the mean expected grade of the other joints as a share of the highest one."""
    parts = []
    for kind in HIGHEST:
        share = given[kind] @ np.arange(HIGHEST[kind] + 1) / HIGHEST[kind]
        known = np.isfinite(share)
        own = np.where(known, share, 0.0)
        others = known.sum(-1, keepdims=True) - known
        parts.append((own.sum(-1, keepdims=True) - own) / np.maximum(others, 1))
    return np.stack([np.ones_like(parts[0]), *parts], -1)


def _fitted(given: Floats, truth: NDArray[np.signedinteger], around: Floats, weights: Floats) -> Context:
    size = given.shape[-1]
    if not len(truth) or weights.sum() <= 0:
        return Context(1.0, np.zeros((around.shape[-1], size)))
    logs, shares, wanted = np.log(np.maximum(given, _LEAST)), weights / weights.sum(), np.eye(size)[truth]

    def loss(parameters: Floats) -> tuple[float, Floats]:
        power, coefficients = np.exp(parameters[0]), parameters[1:].reshape(-1, size)
        scores = power * logs + around @ coefficients
        scores = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
        missed = shares[:, None] * (np.exp(scores) - wanted)
        slopes = around.T @ missed + 2 * _RIDGE * coefficients
        value = -(shares * (scores * wanted).sum(-1)).sum() + _RIDGE * (coefficients**2).sum()
        return float(value), np.concatenate([[power * (missed * logs).sum()], slopes.ravel()])

    best = minimize(loss, np.zeros(1 + around.shape[-1] * size), jac=True, method="L-BFGS-B").x
    return Context(round(float(np.exp(-best[0])), 4), best[1:].reshape(-1, size).round(4))
