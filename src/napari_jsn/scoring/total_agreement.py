"""Agreement of readers' totals: ICC, limits of agreement and smallest detectable change, of status and of change."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn.common.notes import counted
from napari_jsn.common.statistics import (
    Z80,
    bland_altman,
    reader_agreement,
    resampled_sums,
    smallest_detectable_change,
)
from napari_jsn.scoring.long_table import ordered_visits
from napari_jsn.scoring.measures import Floats
from napari_jsn.scoring.schemes import Scheme
from napari_jsn.scoring.totals import totals

if TYPE_CHECKING:
    import pandas as pd

#: The formula of the smallest detectable change, as it is printed.
SDC_FORMULA = "SDC = 1.96 * SEM / sqrt(k); with two readers SEM = SD(difference of their change scores) / sqrt(2)"
_ICC = ("icc_2_1", "icc_3_1", "icc_2_k", "icc_3_k")
_ENDS = [f"{name}_{end}" for name in _ICC for end in ("low", "high")]
_SDC = ["sdc", "sdc_low", "sdc_high", "sdc_mean", "sdc_80", "sdc_80_mean", "formula"]
TOTAL_COLUMNS = ["kind", "of", "visit", "readers", "n", *_ICC, *_ENDS, "sem", *_SDC]
DIFFERENCE_COLUMNS = [
    *("reader_a", "reader_b", "kind", "of", "visit", "n", "bias", "bias_low", "bias_high", "sd"),
    *("limit_low", "limit_low_low", "limit_low_high", "limit_high", "limit_high_low", "limit_high_high", "sdc"),
]
SUM_COLUMNS = ["patient", "kind", "of", "visit", "reader", "value"]
_LEAST_PATIENTS = 3
#: With fewer patients than this, the SDC has no interval.
_LEAST_RESAMPLED = 5


@dataclass(frozen=True)
class TotalAgreement:
    """Agreement of readers' sums over the sites of a patient.

    Attributes
    ----------
    totals : DataFrame
        One row a kind and visit (``of`` is ``"status"``), and one a kind for the change from the first to the last
        visit (``"change"``): ICC(2,1), ICC(3,1), ICC(2,k), ICC(3,k) with 95 % intervals, the standard error of
        measurement, and for changes the SDC of one reader with its 95 % interval by resampling of patients, of the mean
        of all, and the 80 % form of both.
    differences : DataFrame
        Bias, its interval, limits of agreement and their intervals for each pair of readers; SDC of changes.
    sums : DataFrame
        ``patient kind of visit reader value``.
    """

    totals: pd.DataFrame
    differences: pd.DataFrame
    sums: pd.DataFrame


def total_agreement(
    table: pd.DataFrame, used: Scheme | None, missing: str, notes: list[str], replicates: int = 0, seed: int = 0
) -> TotalAgreement:
    """Return the agreement of the totals of a scheme, or of sums over the sites that every reader graded.

    Parameters
    ----------
    table : DataFrame
        Long table in which every reader has the same sessions.
    used : Scheme or None
    missing : str
    notes : list of str
        Notes are added to it.
    replicates, seed : int
        Of the bootstrap of patients for the interval of the SDC.
    """
    import pandas as pd

    graded = table[table["grade"].notna()]
    readers = graded["reader"].nunique()
    if readers < 2:
        return TotalAgreement(
            *(pd.DataFrame(columns=each) for each in (TOTAL_COLUMNS, DIFFERENCE_COLUMNS, SUM_COLUMNS))
        )
    sums = _of_common_sites(graded, notes) if used is None else _of_scheme(table, used, missing)
    rows, differences, few = [], [], 0
    for (kind, of, visit), own in sums.groupby(["kind", "of", "visit"], sort=False):
        wide = own.pivot(index="patient", columns="reader", values="value")
        full = wide.dropna()
        few += len(wide) - len(full)
        head = {"kind": kind, "of": of, "visit": visit}
        if full.shape[1] == readers and len(full) >= _LEAST_PATIENTS:
            rows.append(head | _coefficients(full, of, replicates, seed))
        for a, b in itertools.combinations(wide.columns, 2):
            pair = wide[[a, b]].dropna()
            if len(pair) >= _LEAST_PATIENTS:
                differences.append({"reader_a": a, "reader_b": b, **head, **_limits(pair, of)})
    if few:
        notes.append(f"{counted(few, 'total')} not known from every reader left out of the ICC.")
    if not rows:
        notes.append(f"Fewer than {_LEAST_PATIENTS} patients have totals from every reader, so there is no ICC.")
    return TotalAgreement(
        pd.DataFrame(rows, columns=TOTAL_COLUMNS), pd.DataFrame(differences, columns=DIFFERENCE_COLUMNS), sums
    )


def _of_common_sites(graded: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return sums over the sites that every reader graded; for a change, at the first and at the last visit."""
    keys = ["patient", "session", "kind", "side", "site", "visit"]
    wide = graded.pivot(index=keys, columns="reader", values="grade")
    common = wide.dropna()
    if len(common) < len(wide):
        notes.append(
            f"{counted(len(wide) - len(common), 'grade')} of sites that not every reader graded left out of the sums."
        )
    common = common.reset_index()
    readers = list(wide.columns)
    status = _with_both_kinds(common.groupby(["patient", "session", "kind", "visit"], sort=False)[readers].sum())
    place = common["visit"].map(ordered_visits(common["visit"]))
    changes = []
    by_patient = place.groupby(common["patient"])
    for end, sign in ((by_patient.transform("min"), -1), (by_patient.transform("max"), 1)):
        rows = common[place == end].drop(columns="visit").set_index(keys[:-1])[readers]
        changes.append(sign * rows)
    several = common.groupby("patient")["visit"].transform("nunique") > 1
    change = changes[1].add(changes[0]).dropna()
    change = change[change.index.get_level_values("patient").isin(set(common["patient"][several]))]
    change = _with_both_kinds(change.groupby(["patient", "session", "kind"], sort=False).sum())
    return _long(status, change)


def _with_both_kinds(sums: pd.DataFrame) -> pd.DataFrame:
    """Return the sums with those over both kinds, where a patient has both."""
    import pandas as pd

    others = [name for name in sums.index.names if name != "kind"]
    grouped = sums.groupby(level=others, sort=False)
    both = grouped.sum()[grouped.size() == 2]
    return pd.concat([sums, both.assign(kind="total").set_index("kind", append=True).reorder_levels(sums.index.names)])


def _of_scheme(table: pd.DataFrame, used: Scheme, missing: str) -> pd.DataFrame:
    """Return the totals of a scheme of the readings that are compared."""
    found = totals(table, used, missing)
    keys = ["patient", "session", "kind", "visit"]
    status = found.pivot(index=keys, columns="reader", values="total")
    place = ordered_visits(found["visit"])
    at = status.reset_index()
    order = at["visit"].map(place)
    by_patient = order.groupby(at["patient"])
    first_visit, last_visit = by_patient.transform("min"), by_patient.transform("max")
    readers = list(status.columns)
    ends = [at[(order == end) & (first_visit < last_visit)] for end in (first_visit, last_visit)]
    change = ends[1].set_index(keys[:3])[readers] - ends[0].set_index(keys[:3])[readers]
    return _long(status, change)


def _long(status: pd.DataFrame, change: pd.DataFrame) -> pd.DataFrame:
    """Return sums in long form; several sessions of a patient are averaged."""
    import pandas as pd

    parts = []
    for wide, of in ((status, "status"), (change, "change")):
        long = wide.stack().rename("value").rename_axis([*wide.index.names, "reader"]).reset_index().assign(of=of)
        parts.append(long if "visit" in long else long.assign(visit="first to last"))
    known = [part.astype({"visit": object}) for part in parts if len(part)]
    if not known:  # no site has a grade of every reader
        return pd.DataFrame(columns=SUM_COLUMNS)
    rows = pd.concat(known, ignore_index=True)
    return rows.groupby(SUM_COLUMNS[:-1], sort=False, as_index=False)["value"].mean()


def _coefficients(full: pd.DataFrame, of: Any, replicates: int, seed: int) -> dict[str, Any]:
    found = reader_agreement(full.to_numpy(float))
    row: dict[str, Any] = {"readers": found.readings, "n": found.subjects, "sem": found.sem}
    for name in _ICC:
        low, high = getattr(found, f"{name}_ci95")
        row |= {name: getattr(found, name), f"{name}_low": low, f"{name}_high": high}
    if of == "change":
        for name, averaged in (("", 1), ("_mean", found.readings)):
            row[f"sdc{name}"] = smallest_detectable_change(found.sem, averaged)
            row[f"sdc_80{name}"] = smallest_detectable_change(found.sem, averaged, Z80)
        row["sdc_low"], row["sdc_high"] = _sdc_interval(full.to_numpy(float), replicates, seed)
        row["formula"] = SDC_FORMULA
    return row


def _sdc_interval(values: Floats, replicates: int, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the SDC of one reader by resampling of patients; NaN for few patients."""
    patients, readers = values.shape
    if patients < _LEAST_RESAMPLED or not replicates:
        return float("nan"), float("nan")
    within = ((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    sums = np.concatenate(list(resampled_sums(np.column_stack([within, values]), replicates, seed)))
    of_readers = sums[:, 1:]
    between = ((of_readers - of_readers.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / patients
    sem = np.sqrt(np.maximum(sums[:, 0] - between, 0) / ((patients - 1) * (readers - 1)))
    low, high = np.quantile(sem, [0.025, 0.975])
    return smallest_detectable_change(float(low)), smallest_detectable_change(float(high))


def _limits(pair: pd.DataFrame, of: Any) -> dict[str, Any]:
    found = bland_altman(pair.iloc[:, 0], pair.iloc[:, 1])
    row: dict[str, Any] = {"n": len(pair), "bias": found.bias, "sd": found.sd}
    row["bias_low"], row["bias_high"] = found.bias_ci95
    row["limit_low"], row["limit_high"] = found.limits
    row["limit_low_low"], row["limit_low_high"] = found.low_ci95
    row["limit_high_low"], row["limit_high_high"] = found.high_ci95
    row["sdc"] = smallest_detectable_change(found.sd / np.sqrt(2)) if of == "change" else np.nan
    return row
