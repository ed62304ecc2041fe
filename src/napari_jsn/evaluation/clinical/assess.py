"""Compare narrowing in millimetres with the change of a reader's score: the clinical assessment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.common.statistics import (
    PUBLISHED_Z95,
    BlandAltman,
    ReaderAgreement,
    bland_altman,
    reader_agreement,
    resampled_sums,
)
from napari_jsn.evaluation.clinical.mixed_model import fit_random_intercept
from napari_jsn.evaluation.clinical.table import ClinicalTable

if TYPE_CHECKING:
    import pandas as pd

Interval = tuple[float, float]
_NAN = (float("nan"), float("nan"))
#: Number of bootstrap samples of patients, and the smallest number of patients for an interval.
_SAMPLES, _MIN_PATIENTS = 4000, 5


@dataclass(frozen=True)
class Assessment:
    """The results of the paper's assessment, and the same with the joints of one patient as a cluster.

    Attributes
    ----------
    joints : DataFrame
        ``patient joint side jsn_mm score_change``, one row per joint.
    patients, patients_read : int
        Number of patients, and of those with joints that were read several times.
    changed, unchanged : (n,) float arrays
        Narrowing of joints whose score rose, and of joints whose score did not change, in mm.
    difference_mm : float
        Mean of ``changed`` minus mean of ``unchanged``.
    difference_ci95 : tuple of float
        By Welch's t, with joints as independent.
    t, degrees_of_freedom, p : float
        Unpaired t-test (Welch), one-tailed: joints whose score rose narrowed more.
    r : float
        Pearson's correlation of narrowing and score change over all joints.
    r_ci95 : tuple of float
        By Fisher's transformation, with joints as independent.
    difference_clustered_ci95, r_clustered_ci95 : tuple of float
        95 % intervals by resampling patients with all their joints (cluster bootstrap).
    mixed_mm, mixed_p : float
        Difference and one-tailed p by a linear mixed model with a random intercept per patient.
    mixed_ci95 : tuple of float
    agreement : ReaderAgreement or None
        None where no joint was read twice.
    bland_altman : BlandAltman or None
        Of the first two readings.
    readings : tuple of str
        Names of the readings, in order.
    sdc_mm : float
        Smallest detectable change: from the stated uncertainties, otherwise from repeated readings; NaN where neither
        is known.
    sdc_source : str
        Source of the SDC.
    notes : tuple of str
        What was left out, and what could not be computed.
    """

    joints: pd.DataFrame = field(repr=False)
    patients: int
    patients_read: int
    changed: NDArray[np.float64] = field(repr=False)
    unchanged: NDArray[np.float64] = field(repr=False)
    difference_mm: float
    difference_ci95: Interval
    t: float
    degrees_of_freedom: float
    p: float
    r: float
    r_ci95: Interval
    difference_clustered_ci95: Interval
    r_clustered_ci95: Interval
    mixed_mm: float
    mixed_ci95: Interval
    mixed_p: float
    agreement: ReaderAgreement | None
    bland_altman: BlandAltman | None
    readings: tuple[str, ...]
    sdc_mm: float
    sdc_source: str
    notes: tuple[str, ...]


def assess(table: ClinicalTable, seed: int = 0) -> Assessment:
    """Compare narrowing with score change (Wang et al. 2023, Fig. 8).

    Parameters
    ----------
    table : ClinicalTable
    seed : int
        Seed of the cluster bootstrap.

    Raises
    ------
    InputError
        If there are fewer than two joints with and two without a score change.
    """
    from scipy import stats

    joints = table.joints
    score = joints["score_change"].to_numpy(float)
    jsn = joints["jsn_mm"].to_numpy(float)
    changed, unchanged = jsn[score > 0], jsn[score == 0]
    for group, change in ((changed, "rose"), (unchanged, "did not change")):
        if len(group) < 2:
            raise InputError(
                f"The score of {len(group)} joint{'s' * (len(group) != 1)} {change}, but the comparison needs at least "
                f"2. Give more joints.{' '.join(['', *table.notes])}",
                "table",
            )
    if np.ptp(changed) == 0 and np.ptp(unchanged) == 0:
        raise InputError("The narrowing does not differ between the joints of a group. Give measured joints.", "table")
    notes = list(table.notes)
    if (fell := int((score < 0).sum())) > 0:
        notes.append(
            f"The score of {fell} joint{'s' * (fell != 1)} fell; it counts in the correlation, not in the t-test."
        )
    one_tailed = stats.ttest_ind(changed, unchanged, equal_var=False, alternative="greater")
    interval = stats.ttest_ind(changed, unchanged, equal_var=False).confidence_interval(0.95)
    pearson = stats.pearsonr(jsn, score)
    r_interval = pearson.confidence_interval(0.95) if len(jsn) > 3 else _NAN
    mixed, mixed_note = _mixed(joints[score >= 0])
    patients = joints["patient"].nunique()
    clustered = _cluster_bootstrap(joints, seed)
    if patients < _MIN_PATIENTS:
        notes.append(
            f"Only {counted(patients, 'patient')}: too few for an interval with the joints of a patient as a cluster."
        )
    notes += mixed_note
    agreed, compared, names = _repeated(table)
    sdc_mm, sdc_source = _sdc(joints, agreed)
    return Assessment(
        joints=joints,
        patients=patients,
        patients_read=0 if table.readings is None else table.readings.index.get_level_values("patient").nunique(),
        changed=changed,
        unchanged=unchanged,
        difference_mm=float(changed.mean() - unchanged.mean()),
        difference_ci95=(float(interval[0]), float(interval[1])),
        t=float(one_tailed.statistic),
        degrees_of_freedom=float(one_tailed.df),
        p=float(one_tailed.pvalue),
        r=float(pearson.statistic),
        r_ci95=(float(r_interval[0]), float(r_interval[1])),
        difference_clustered_ci95=clustered[0],
        r_clustered_ci95=clustered[1],
        mixed_mm=mixed[0],
        mixed_ci95=(mixed[1], mixed[2]),
        mixed_p=mixed[3],
        agreement=agreed,
        bland_altman=compared,
        readings=names,
        sdc_mm=sdc_mm,
        sdc_source=sdc_source,
        notes=tuple(notes),
    )


def _mixed(joints: pd.DataFrame) -> tuple[tuple[float, float, float, float], list[str]]:
    """Return difference, interval and one-tailed p of a mixed model, with notes; NaN where it cannot be fitted."""
    from scipy.stats import norm

    unknown = (float("nan"),) * 4
    if joints["patient"].nunique() < 2:
        return unknown, ["The mixed model needs at least two patients."]
    fit = fit_random_intercept(joints["jsn_mm"], joints["score_change"] > 0, joints["patient"])
    if fit is None:
        return unknown, ["The mixed model could not be fitted to these joints."]
    notes = []
    if fit.at_boundary:
        notes.append(
            "The mixed model found no variance between patients beyond that of their joints (it is at its limit of 0), "
            "so its figures are those of independent joints."
        )
    half_width = PUBLISHED_Z95 * fit.sd
    ends = fit.effect - half_width, fit.effect + half_width
    return (fit.effect, *ends, float(norm.sf(fit.effect / fit.sd))), notes


Sums = NDArray[np.float64]


def _cluster_bootstrap(joints: pd.DataFrame, seed: int) -> tuple[Interval, Interval]:
    """Return the 95 % intervals of difference and correlation by resampling patients, each with all of its joints."""
    jsn, score = (joints[name].to_numpy(float) for name in ("jsn_mm", "score_change"))
    rose, same = score > 0, score == 0
    each = np.stack([rose, rose * jsn, same, same * jsn, np.ones(len(jsn)), jsn, score, jsn**2, score**2, jsn * score])
    codes = np.unique(joints["patient"].to_numpy(str), return_inverse=True)[1]
    sums = np.stack([np.bincount(codes, row).astype(float) for row in each], axis=1)  # one row a patient
    if len(sums) < _MIN_PATIENTS:
        return _NAN, _NAN
    with np.errstate(all="ignore"):
        drawn = np.concatenate(list(resampled_sums(sums, _SAMPLES, seed))).T
        found = [np.nanquantile(statistic(drawn), [0.025, 0.975]) for statistic in (_difference, _correlation)]
    (low, high), (r_low, r_high) = found  # NaN, and not counted, is a sample without a changed joint
    return (float(low), float(high)), (float(r_low), float(r_high))


def _difference(sums: Sums) -> Sums:
    """Return the mean narrowing of joints whose score rose minus that of joints without change, from sums."""
    return np.asarray(sums[1] / sums[0] - sums[3] / sums[2])


def _correlation(sums: Sums) -> Sums:
    """Return Pearson's r from sums."""
    n, x, y, xx, yy, xy = sums[4:]
    return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x**2) * (n * yy - y**2)))


def _repeated(table: ClinicalTable) -> tuple[ReaderAgreement | None, BlandAltman | None, tuple[str, ...]]:
    if table.readings is None:
        return None, None, ()
    values = table.readings.to_numpy(float)
    names = tuple(str(name) for name in table.readings.columns)
    return reader_agreement(values), bland_altman(values[:, 0], values[:, 1]), names


def _sdc(joints: pd.DataFrame, agreed: ReaderAgreement | None) -> tuple[float, str]:
    if "jsn_sd_mm" in joints and joints["jsn_sd_mm"].notna().any():
        mean_square = np.nanmean(joints["jsn_sd_mm"].to_numpy(float) ** 2)
        return float(PUBLISHED_Z95 * np.sqrt(mean_square)), "stated uncertainties"
    return (agreed.sdc, "repeated readings") if agreed else (float("nan"), "")
