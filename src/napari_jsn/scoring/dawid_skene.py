"""Dawid and Skene's model of readers: the true grade of each item and each reader's confusions, by EM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Least count of a confusion. A confusion of exactly zero could never grow again.
_LEAST_COUNT = 1e-10
#: Share of the pseudo-counts of smoothing that lies on the diagonal; the rest is on the neighbouring grades.
_ON_DIAGONAL = 0.8
#: Change of every probability below which EM has converged.
TOLERANCE = 1e-10


@dataclass(frozen=True)
class DawidSkeneFit:
    """Probabilities of the true grades, and readers' confusions.

    Attributes
    ----------
    probabilities : (items, grades) float array
    confusions : (readers, grades, grades) float array
        Probability that a reader gives the grade of the last axis where the one before is true. NaN for a true grade
        that no item has.
    priors : (grades,) float array
    iterations : int
    converged : bool
    log_likelihood : float
    """

    probabilities: Floats
    confusions: Floats
    priors: Floats
    iterations: int
    converged: bool
    log_likelihood: float


def dawid_skene(votes: Floats, smoothing: float = 0.0, most_iterations: int = 5000) -> DawidSkeneFit:
    """Fit the model of Dawid and Skene, started from the shares of votes.

    Parameters
    ----------
    votes : (items, readers, grades) array
        How often a reader gave an item a grade. Every item has a vote.
    smoothing : float
        Pseudo-counts that are added to each row of each reader's confusions, most of them on the diagonal.
    most_iterations : int

    References
    ----------
    Dawid AP, Skene AM. Maximum likelihood estimation of observer error-rates using the EM algorithm. J R Stat Soc C
    1979;28:20-8.
    """
    grades = votes.shape[2]
    # Items with equal votes have equal probabilities, and there are few different ones.
    different, which, weights = _patterns(votes)
    added = smoothing * _towards_diagonal(grades)
    shares = different.sum(axis=1)
    probabilities = shares / shares.sum(axis=1, keepdims=True)
    iterations, converged = 0, False
    while not converged and iterations < most_iterations:
        logarithms = _log_joint(different, *_maximised(different, weights, probabilities, added))
        highest = logarithms.max(axis=1, keepdims=True)
        updated = np.exp(logarithms - highest)
        updated /= updated.sum(axis=1, keepdims=True)
        converged = bool(np.abs(updated - probabilities).max() < TOLERANCE)
        probabilities, iterations = updated, iterations + 1
    priors, confusions = _maximised(different, weights, probabilities, added)
    logarithms = _log_joint(different, priors, confusions)
    likelihood = float(weights @ np.logaddexp.reduce(logarithms, axis=1))
    confusions = np.where(priors[None, :, None] > 0, confusions, np.nan)
    return DawidSkeneFit(probabilities[which], confusions, priors, iterations, converged, likelihood)


def _patterns(votes: Floats) -> tuple[Floats, NDArray[np.intp], Floats]:
    """Return the different votes, which of them each item has, and how many items have each."""
    flat = np.ascontiguousarray(votes.reshape(len(votes), -1))
    different, which, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    return different.reshape(-1, *votes.shape[1:]), which.reshape(-1), counts.astype(float)


def _maximised(votes: Floats, weights: Floats, probabilities: Floats, added: Floats) -> tuple[Floats, Floats]:
    """Return the priors and confusions of highest likelihood (the M step)."""
    weighted = probabilities * weights[:, None]
    counts = np.einsum("ic,irg->rcg", weighted, votes) + added
    counts = np.maximum(counts, _LEAST_COUNT)
    return weighted.sum(axis=0) / weights.sum(), counts / counts.sum(axis=2, keepdims=True)


def _log_joint(votes: Floats, priors: Floats, confusions: Floats) -> Floats:
    """Return the logarithm of the probability of each item's votes and each true grade."""
    with np.errstate(divide="ignore"):
        prior = np.log(priors)
    return np.asarray(prior + np.einsum("irg,rcg->ic", votes, np.log(confusions)))


def _towards_diagonal(grades: int) -> Floats:
    beside = np.eye(grades, k=1) + np.eye(grades, k=-1)
    beside *= (1 - _ON_DIAGONAL) / beside.sum(axis=1, keepdims=True)
    return _ON_DIAGONAL * np.eye(grades) + beside
