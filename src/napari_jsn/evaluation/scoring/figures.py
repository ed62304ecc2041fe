"""Figures of merit of grades: of the grade, of the expected grade, and of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_jsn.scoring.grades import nearest_grade
from napari_jsn.scoring.measures import MEASURES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Bins of the expected calibration error.
_BINS = 10


@dataclass(frozen=True)
class GradedSites:
    """True grades of sites and the probabilities that a method gives.

    Attributes
    ----------
    truth : (N,) int array
    probabilities : (N, K + 1) array
    patients, joints : (N,) int array
        Number of the patient, and index of the joint in :data:`napari_jsn.anatomy.JOINTS`.
    not_scored : int
        Sites with a true grade that the method did not score; they are not among the others.
    """

    truth: Ints
    probabilities: Floats = field(repr=False)
    patients: Ints = field(repr=False)
    joints: Ints = field(repr=False)
    not_scored: int = 0

    @property
    def grades(self) -> Ints:
        """The grades nearest to the expected ones."""
        return np.asarray(nearest_grade(self.probabilities))

    @property
    def expected(self) -> Floats:
        """The expected grades."""
        return np.asarray(self.probabilities @ np.arange(self.probabilities.shape[1]))

    def confusion(self) -> Floats:
        """Return the number of sites by true grade (rows) and grade found (columns)."""
        size = self.probabilities.shape[1]
        return np.bincount(self.truth * size + self.grades, minlength=size**2).reshape(size, size).astype(float)

    def of_joint(self, joint: int) -> GradedSites:
        """Return the sites of one joint."""
        which = self.joints == joint
        parts = (each[which] for each in (self.truth, self.probabilities, self.patients, self.joints))
        return GradedSites(*parts)


def figures(sites: GradedSites, rmse_weights: Mapping[int, float] | None = None) -> dict[str, float]:
    """Return the figures of a method.

    Parameters
    ----------
    sites : GradedSites
    rmse_weights : mapping of grade to float, optional
        Weights of the weighted RMSE; by default each grade that occurs counts equally.

    Returns
    -------
    dict of str to float
        ``n``, the measures of :mod:`napari_jsn.scoring.measures` (the truth is the first reader), ``macro_f1``, ``mae``
        of the grade, ``rmse`` and ``rmse_nonzero`` (sites whose true grade is above 0) of the expected
        grade, ``rmse_weighted``, ``rps`` (ranked probability score), ``ece`` (expected calibration error of the most
        probable grade).

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.evaluation.scoring.figures import GradedSites, figures
    >>> sites = GradedSites(np.array([0, 2]), np.eye(5)[[0, 1]], np.zeros(2, int), np.zeros(2, int))
    >>> found = figures(sites)
    >>> found["exact"], found["within_one"], round(found["rmse"], 2), found["rps"]
    (0.5, 1.0, 0.71, 0.125)
    """
    confusion = sites.confusion()
    error = (sites.expected - sites.truth) ** 2
    known = np.unique(sites.truth)
    weights = dict.fromkeys(map(int, known), 1.0) if rmse_weights is None else rmse_weights
    means = {int(grade): float(error[sites.truth == grade].mean()) for grade in known}
    weighted = sum(weights.get(grade, 0.0) * mean for grade, mean in means.items())
    nonzero = sites.truth > 0
    return {
        "n": len(sites.truth),
        "not_scored": sites.not_scored,
        **{name: float(measure(confusion)) for name, measure in MEASURES.items()},
        "macro_f1": macro_f1(confusion),
        "mae": float(np.abs(sites.grades - sites.truth).mean()),
        "rmse": float(np.sqrt(error.mean())),
        "rmse_nonzero": float(np.sqrt(error[nonzero].mean())) if nonzero.any() else float("nan"),
        "rmse_weighted": float(np.sqrt(weighted / max(sum(weights.get(grade, 0.0) for grade in means), 1e-9))),
        "rps": ranked_probability_score(sites.truth, sites.probabilities),
        "ece": calibration_error(sites.truth, sites.probabilities),
    }


def macro_f1(confusion: Floats) -> float:
    """Return the F1 score of each grade that occurs in the truth (rows) or is found (columns), averaged."""
    occurring = confusion.sum(0) + confusion.sum(1)
    scores = 2 * np.diag(confusion)[occurring > 0] / occurring[occurring > 0]
    return float(scores.mean()) if len(scores) else float("nan")


def ranked_probability_score(truth: Ints, probabilities: Floats) -> float:
    """Return the mean squared difference of the cumulative probabilities over the limits between grades; 0 is best."""
    limits = np.arange(probabilities.shape[1] - 1)
    below = probabilities.cumsum(1)[:, :-1]
    return float(((below - (truth[:, None] <= limits)) ** 2).mean())


def calibration_error(truth: Ints, probabilities: Floats) -> float:
    """Return the mean difference of the probability of the grade found and of its share that is right, over 10 bins."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return float(
        sum(
            abs(confidence[bins == k].mean() - right[bins == k].mean()) * (bins == k).mean()
            for k in range(_BINS)
            if (bins == k).any()
        )
    )
