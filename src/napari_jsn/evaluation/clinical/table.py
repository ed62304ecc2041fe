"""Read the table of a clinical assessment: narrowing and score change of joints."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_jsn.common.csv_files import read_csv
from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Columns that identify a joint, and columns that an assessment needs in addition.
JOINT = ["patient", "joint", "side"]
NEEDED = ["jsn_mm", "score_change"]
#: Column that identifies repeated readings of the same joint.
READING = "reading"


@dataclass(frozen=True)
class ClinicalTable:
    """Joints with their narrowing and score change.

    Attributes
    ----------
    joints : DataFrame
        ``patient joint side jsn_mm score_change`` and, where known, ``jsn_sd_mm``; one row per joint, the mean of its
        readings.
    readings : DataFrame or None
        Narrowing in mm: one row per joint that is in every reading, one column per reading.
    notes : tuple of str
        What was left out.
    """

    joints: pd.DataFrame
    readings: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


def read_table(
    path: str | os.PathLike[str], truth: str | os.PathLike[str] | None = None, visit: int | None = None
) -> ClinicalTable:
    """Read a CSV table with the columns ``patient, joint, side, jsn_mm`` and ``score_change``.

    Rows that are not ``reliable`` or have no narrowing are left out and counted in the notes.

    Parameters
    ----------
    path : path
        One row per joint, or per joint and visit (column ``visit``), or per joint and reading (column ``reading``).
    truth : path, optional
        The ``truth.csv`` of simulated patients; the change of its ``svdh_narrowing`` since visit 1 is the score change.
    visit : int, optional
        Visit whose narrowing since baseline is used; by default the last visit of each joint.

    Raises
    ------
    InputError
        If a file cannot be read, lacks a column, or has one joint twice.
    """
    rows = _read(path, "table")
    if truth is not None:
        rows = _with_scores(rows, _read(truth, "truth"))
    return tidy(rows, visit)


def tidy(rows: pd.DataFrame, visit: int | None = None) -> ClinicalTable:
    """Return the table of rows that are already in memory; see :func:`read_table`."""
    _check(rows, [*JOINT, *NEEDED], "table", " For simulated patients, give their truth.csv (--truth).")
    notes: list[str] = []
    rows = _with_numbers(rows, "table")
    for name in JOINT:
        rows[name] = rows[name].fillna("").astype(str)
    rows = _of_visit(rows, visit, notes)
    if "reliable" in rows:
        good = rows["reliable"].astype(str).str.lower().isin(("true", "1", "yes"))
        _count(notes, int((~good).sum()), "not reliable")
        rows = rows[good]
    known = rows[NEEDED].notna().all(axis=1)
    _count(notes, int((~known).sum()), "without narrowing or score")
    rows = rows[known]
    if READING in rows and rows[READING].nunique() > 1:
        return _repeated(rows, notes)
    twice = rows.duplicated(JOINT)
    if twice.any():
        _refuse_twice(rows[twice].iloc[0], "Add a column 'reading' with the name of each reading.")
    return ClinicalTable(_columns(rows).reset_index(drop=True), None, tuple(notes))


def _repeated(rows: pd.DataFrame, notes: list[str]) -> ClinicalTable:
    twice = rows.duplicated([*JOINT, READING])
    if twice.any():
        _refuse_twice(rows[twice].iloc[0], f"Each reading (column {READING!r}) must have it once.")
    wide = rows.pivot(index=JOINT, columns=READING, values="jsn_mm")
    full = wide.dropna()
    if len(full) < len(wide):
        notes.append(f"{len(wide) - len(full)} joints are not in every reading; they do not count in the agreement.")
    means = _columns(rows).groupby(JOINT, sort=False, as_index=False).mean(numeric_only=True)
    return ClinicalTable(means, full if len(full) >= 3 else None, tuple(notes))


def _columns(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*JOINT, *NEEDED, *(name for name in ("jsn_sd_mm",) if name in rows)]]


def _of_visit(rows: pd.DataFrame, visit: int | None, notes: list[str]) -> pd.DataFrame:
    """Return the rows of one visit; without a visit, those of the last visit of each joint."""
    if "visit" not in rows:
        return rows
    if visit is not None:
        chosen = rows[rows["visit"] == visit]
        if chosen.empty:
            visits = ", ".join(f"{number:g}" for number in sorted(set(rows["visit"].dropna())))
            raise InputError(f"The table has no visit {visit}. It has: {visits}.", "visit")
        return chosen
    later = rows[rows["visit"] > 1]  # the baseline has no narrowing
    last = later["visit"] == later.groupby(JOINT)["visit"].transform("max")
    if not last.all():
        notes.append("The last visit of each joint counts.")
    return later[last]


def _with_scores(rows: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the true change of the simulated score since visit 1."""
    _check(truth, [*JOINT, "visit", "svdh_narrowing"], "truth")
    _check(rows, ["joint", "side", "visit", "jsn_mm"], "table")
    if "patient" not in rows:
        names = truth["patient"].unique()
        if len(names) != 1:
            raise InputError(
                f"The table has no column 'patient', but the truth has {len(names)} patients. Add the column.",
                "table",
            )
        rows = rows.assign(patient=names[0])
    first = truth[truth["visit"] == 1].set_index(JOINT)["svdh_narrowing"].rename("first")
    changes = truth.join(first, on=JOINT)
    changes = changes.assign(score_change=changes["svdh_narrowing"] - changes["first"])
    keys = [*JOINT, "visit"]
    rows = rows.drop(columns="score_change", errors="ignore")
    joined = rows.merge(changes[[*keys, "score_change"]].drop_duplicates(keys), on=keys, how="left")
    if joined["score_change"].isna().all():
        raise InputError(
            "No joint of the table is in the truth. Give the truth.csv of the same patients, joints and visits.",
            "truth",
        )
    return joined


def _read(path: str | os.PathLike[str], argument: str) -> pd.DataFrame:
    import pandas as pd

    try:
        rows = read_csv(path, dtype=dict.fromkeys((*JOINT, READING), str))
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Give the path of a CSV file.", argument) from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a CSV table: {error}. Give a CSV file.", argument) from error
    return _with_numbers(rows, argument)


def _with_numbers(rows: pd.DataFrame, argument: str) -> pd.DataFrame:
    """Return the table with its figures as finite numbers or NaN; refuse a visit or a score that is not a number."""
    import numpy as np
    import pandas as pd

    for name in (*NEEDED, "jsn_sd_mm", "visit", "svdh_narrowing"):
        if name in rows:
            numbers = pd.to_numeric(rows[name], errors="coerce").replace([np.inf, -np.inf], np.nan)
            wrong = rows[name][numbers.isna() & rows[name].notna()]
            if len(wrong) and name in ("visit", "svdh_narrowing"):
                raise InputError(
                    f"The column {name} of the table contains {str(wrong.iloc[0])!r}. Give a number.", argument
                )
            rows = rows.assign(**{name: numbers})
    return rows


def _check(rows: pd.DataFrame, needed: list[str], argument: str, hint: str = "") -> None:
    missing = [name for name in needed if name not in rows]
    if missing:
        hint = hint if missing == ["score_change"] else ""
        raise InputError(f"The table lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.{hint}", argument)


def _count(notes: list[str], number: int, what: str) -> None:
    if number:
        notes.append(f"{number} row{'s' * (number != 1)} {what} left out.")


def _refuse_twice(row: pd.Series, hint: str) -> None:
    raise InputError(f"The table has {row['joint']} {row['side']} of patient {row['patient']} twice. {hint}", "table")
