"""Statistics that several packages share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError

#: The two-sided 95 % point of the normal distribution.
Z95 = 1.959964
#: The factor of the published definitions SDC = 1.96 SEM (Bruynesteyn et al. 2005) and limits of agreement = bias -+
#: 1.96 SD (Bland and Altman 1999). The publications round it to 1.96, so figures of agreement do too.
PUBLISHED_Z95 = 1.96
#: The factor of the 80 % form of the SDC.
Z80 = 1.28

Interval = tuple[float, float]


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


@dataclass(frozen=True)
class ReaderAgreement:
    """Agreement of k readings of n subjects (joints, or patients).

    Attributes
    ----------
    subjects, readings : int
    icc_2_1, icc_3_1 : float
        Intraclass correlation of a single reading: absolute agreement of random readers, and consistency of these
        readers (Shrout & Fleiss 1979).
    icc_2_1_ci95, icc_3_1_ci95 : tuple of float
    sem : float
        Standard error of measurement: root of the residual mean square, in the unit of the values.
    """

    subjects: int
    readings: int
    icc_2_1: float
    icc_2_1_ci95: Interval
    icc_3_1: float
    icc_3_1_ci95: Interval
    sem: float

    @property
    def icc_2_k(self) -> float:
        """ICC(2,k): absolute agreement of the mean of the readings."""
        return self._of_mean(self.icc_2_1)

    @property
    def icc_3_k(self) -> float:
        """ICC(3,k): consistency of the mean of the readings."""
        return self._of_mean(self.icc_3_1)

    @property
    def icc_2_k_ci95(self) -> Interval:
        """The 95 % interval of ICC(2,k)."""
        return self._of_mean(self.icc_2_1_ci95[0]), self._of_mean(self.icc_2_1_ci95[1])

    @property
    def icc_3_k_ci95(self) -> Interval:
        """The 95 % interval of ICC(3,k)."""
        return self._of_mean(self.icc_3_1_ci95[0]), self._of_mean(self.icc_3_1_ci95[1])

    @property
    def sdc(self) -> float:
        """Smallest detectable change of a single reading; see :func:`smallest_detectable_change`."""
        return smallest_detectable_change(self.sem)

    def _of_mean(self, single: float) -> float:
        """Return the coefficient of the mean of k readings from that of one (Spearman and Brown)."""
        below = 1 + (self.readings - 1) * single
        return self.readings * single / below if below > 0 else float("nan")


@dataclass(frozen=True)
class BlandAltman:
    """The differences of two readings and their limits of agreement.

    Attributes
    ----------
    mean, difference : (n,) float arrays
        Mean of the two readings of each subject, and first minus second reading.
    bias, sd : float
    bias_ci95 : tuple of float
    limits : tuple of float
        Limits of agreement, bias -+ 1.96 SD.
    low_ci95, high_ci95 : tuple of float
        Intervals of the two limits (Bland & Altman 1999).
    """

    mean: NDArray[np.float64]
    difference: NDArray[np.float64]
    bias: float
    sd: float
    bias_ci95: Interval
    limits: Interval
    low_ci95: Interval
    high_ci95: Interval


def reader_agreement(values: ArrayLike) -> ReaderAgreement:
    """Return ICC, SEM and SDC of readings; the coefficients are NaN if all values are equal.

    Parameters
    ----------
    values : (n, k) array
        n subjects, k readings, without missing values.

    Raises
    ------
    InputError
        If there are fewer than 3 subjects or 2 readings.

    References
    ----------
    Shrout PE, Fleiss JL. Intraclass correlations: uses in assessing rater reliability. Psychol Bull 1979;86:420-8.
    McGraw KO, Wong SP. Forming inferences about some intraclass correlation coefficients. Psychol Methods 1996;1:30-46.
    """
    from scipy.stats import f as f_distribution

    x = np.asarray(values, dtype=float)
    n, k = _shape(x)
    rows, columns, rest = _mean_squares(x)
    tiny = np.finfo(float).tiny
    icc3 = (rows - rest) / max(rows + (k - 1) * rest, tiny)
    icc2 = (rows - rest) / max(rows + (k - 1) * rest + k * (columns - rest) / n, tiny)
    degrees = (n - 1) * (k - 1)
    ratio = rows / max(rest, 1e-12 * max(rows, tiny))  # readings without any difference have no residual
    low = ratio / f_distribution.ppf(0.975, n - 1, degrees)
    high = ratio * f_distribution.ppf(0.975, degrees, n - 1)
    ci3 = ((low - 1) / (low + k - 1), (high - 1) / (high + k - 1))
    # McGraw & Wong: Satterthwaite's degrees of freedom of the sum of the mean squares of readers and residual
    a = k * icc2 / (n * max(1 - icc2, tiny))
    b = 1 + k * icc2 * (n - 1) / (n * max(1 - icc2, tiny))
    v = (a * columns + b * rest) ** 2 / max((a * columns) ** 2 / (k - 1) + (b * rest) ** 2 / degrees, tiny)
    v = max(v, 1e-3)
    upper, lower = f_distribution.ppf(0.975, n - 1, v), f_distribution.ppf(0.975, v, n - 1)
    spread = k * columns + (k * n - k - n) * rest
    ci2 = (
        n * (rows - upper * rest) / max(upper * spread + n * rows, tiny),
        n * (lower * rows - rest) / max(spread + n * lower * rows, tiny),
    )
    if not np.ptp(x):
        icc2, icc3, ci2, ci3 = float("nan"), float("nan"), (float("nan"),) * 2, (float("nan"),) * 2
    return ReaderAgreement(n, k, float(icc2), _interval(ci2), float(icc3), _interval(ci3), sem=float(np.sqrt(rest)))


def smallest_detectable_change(sem: float, averaged: int = 1, z: float = PUBLISHED_Z95) -> float:
    """Return the smallest detectable change, ``z * SEM / sqrt(averaged)``.

    With two readers, SEM is SD(difference of the readers' change scores) / sqrt(2).

    Parameters
    ----------
    sem : float
        Standard error of measurement of one reader's change.
    averaged : int
        Number of readers whose mean is the result.
    z : float
        1.96 for 95 %, 1.28 for 80 %.

    References
    ----------
    Bruynesteyn K et al. Determination of the minimal clinically important difference in rheumatoid arthritis joint
    damage of the Sharp/van der Heijde and Larsen/Scott scoring methods. Ann Rheum Dis 2005;64:179-82.
    """
    return z * sem / math.sqrt(averaged)


def bland_altman(first: ArrayLike, second: ArrayLike) -> BlandAltman:
    """Return the limits of agreement of two readings, (n,) each (Bland and Altman).

    Raises
    ------
    InputError
        If there are fewer than 3 subjects.

    References
    ----------
    Bland JM, Altman DG. Measuring agreement in method comparison studies. Stat Methods Med Res 1999;8:135-60.
    """
    from scipy.stats import t as t_distribution

    both = np.stack([np.asarray(first, dtype=float), np.asarray(second, dtype=float)], axis=1)
    n, _ = _shape(both)
    difference = both[:, 0] - both[:, 1]
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = float(t_distribution.ppf(0.975, n - 1))
    of_bias = t * sd / np.sqrt(n)
    of_limit = t * sd * np.sqrt(1 / n + PUBLISHED_Z95**2 / (2 * (n - 1)))
    low, high = bias - PUBLISHED_Z95 * sd, bias + PUBLISHED_Z95 * sd
    return BlandAltman(
        both.mean(axis=1),
        difference,
        bias,
        sd,
        _interval((bias - of_bias, bias + of_bias)),
        (low, high),
        _interval((low - of_limit, low + of_limit)),
        _interval((high - of_limit, high + of_limit)),
    )


def resampled_sums(
    each: NDArray[np.float64], replicates: int, seed: int, at_once: int = 100
) -> Iterator[NDArray[np.float64]]:
    """Yield the sums over clusters that are drawn with replacement: the bootstrap of statistics of sums.

    Parameters
    ----------
    each : (clusters, k) float array
        The sums of each cluster, such as a patient.
    replicates : int
    seed : int
    at_once : int
        Replicates that are yielded at once, to limit the memory.

    Yields
    ------
    (replicates, k) float array
        At most ``at_once`` rows.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.common.statistics import resampled_sums
    >>> [part.shape for part in resampled_sums(np.ones((4, 2)), 150, seed=0)]
    [(100, 2), (50, 2)]
    """
    rng = np.random.default_rng(seed)
    count = len(each)
    for start in range(0, replicates, at_once):
        some = min(at_once, replicates - start)
        yield rng.multinomial(count, np.full(count, 1 / count), size=some).astype(float) @ each


def _shape(x: NDArray[np.float64]) -> tuple[int, int]:
    if x.ndim != 2 or x.shape[0] < 3 or x.shape[1] < 2 or not np.isfinite(x).all():
        raise InputError(
            "Agreement needs at least 3 joints or patients with at least two readings and no missing values. Give more "
            "readings.",
            "table",
        )
    return x.shape[0], x.shape[1]


def _mean_squares(x: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean squares of a two-way analysis of variance: subjects, readings and residual."""
    n, k = x.shape
    by_subject, by_reading, whole = x.mean(axis=1), x.mean(axis=0), x.mean()
    rest = x - by_subject[:, None] - by_reading[None, :] + whole
    return (
        float(k * np.sum((by_subject - whole) ** 2) / (n - 1)),
        float(n * np.sum((by_reading - whole) ** 2) / (k - 1)),
        float(np.sum(rest**2) / ((n - 1) * (k - 1))),
    )


def _interval(pair: tuple[float, float]) -> Interval:
    return float(pair[0]), float(pair[1])
