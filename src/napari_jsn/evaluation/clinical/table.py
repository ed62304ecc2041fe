"""Read the table of a clinical assessment: narrowing and score change of joints."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_jsn.common.csv_files import read_rows
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.evaluation.clinical.cells import JOINT, READING, normalised
from napari_jsn.patient.identity import Identity, pseudonym

if TYPE_CHECKING:
    import pandas as pd

#: Columns that an assessment needs beside those that identify a joint.
NEEDED = ["jsn_mm", "score_change"]


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
        What was left out, and what was read in another spelling.
    """

    joints: pd.DataFrame
    readings: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()


def read_table(
    path: str | os.PathLike[str], truth: str | os.PathLike[str] | None = None, visit: int | None = None
) -> ClinicalTable:
    """Read a CSV table with the columns ``patient, joint, side, jsn_mm`` and ``score_change``.

    Commas, semicolons and tabs are read, and decimal commas. Joints, sides and patients may be in other spellings.
    Rows that are not ``reliable`` or have no narrowing are left out and counted in the notes.

    Parameters
    ----------
    path : path
        One row per joint, or per joint and visit (column ``visit``), or per joint and reading (column ``reading``).
    truth : path, optional
        The ``truth.csv`` of simulated patients; the change of its ``svdh_narrowing`` since baseline is the score
        change. Pseudonyms that this computer gave to these patients are recognised.
    visit : int, optional
        Visit whose narrowing since baseline is used; by default the last visit of each joint.

    Raises
    ------
    InputError
        If a file cannot be read, lacks a column, has a cell that cannot be used, or has one joint twice.
    """
    rows = _read(path, "table")
    if truth is None:
        return tidy(rows, visit)
    _check(rows, ["joint", "side", "visit", "jsn_mm"], "table")
    rows, notes = normalised(rows, "table")
    of_truth = _read(truth, "truth")
    _check(of_truth, [*JOINT, "visit", "svdh_narrowing"], "truth")
    return _tidied(_with_scores(rows, normalised(of_truth, "truth")[0], notes), visit, notes)


def tidy(rows: pd.DataFrame, visit: int | None = None) -> ClinicalTable:
    """Return the table of rows that are already in memory; see :func:`read_table`."""
    _check(rows, [*JOINT, *NEEDED], "table", " For simulated patients, give their truth.csv (--truth).")
    rows, notes = normalised(rows, "table")
    return _tidied(rows, visit, notes)


def _tidied(rows: pd.DataFrame, visit: int | None, notes: list[str]) -> ClinicalTable:
    rows = _of_visit(rows, visit, notes)
    if "reliable" in rows:
        good = rows["reliable"].astype(bool)
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
    differ = int((rows.groupby(JOINT)["score_change"].nunique() > 1).sum())
    if differ:
        notes.append(f"The change of score of {counted(differ, 'joint')} differs between readings; its mean counts.")
    means = _columns(rows).groupby(JOINT, sort=False, as_index=False).mean(numeric_only=True)
    return ClinicalTable(means, full if len(full) >= 3 else None, tuple(notes))


def _columns(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[*JOINT, *NEEDED, *(name for name in ("jsn_sd_mm",) if name in rows)]]


def _of_visit(rows: pd.DataFrame, visit: int | None, notes: list[str]) -> pd.DataFrame:
    """Return the rows of one visit; without a visit, those of the last visit of each joint.

    Visits are numbered from 1, or from 0 if the table has a visit 0; the first one is the baseline.
    """
    if "visit" not in rows:
        return rows
    if visit is not None:
        chosen = rows[rows["visit"] == visit]
        if chosen.empty:
            visits = ", ".join(f"{number:g}" for number in sorted(set(rows["visit"].dropna())))
            raise InputError(f"The table has no visit {visit}. It has: {visits or 'none'}.", "visit")
        return chosen
    baseline = 0 if (rows["visit"] == 0).any() else 1
    if baseline == 0:
        notes.append("Visit 0 is the baseline.")
    follow_ups = rows[~(rows["visit"] <= baseline)]  # the baseline has no narrowing; an empty cell is no baseline
    if follow_ups.empty and len(rows):
        raise InputError(
            f"The table has rows of the baseline (visit {baseline}) only. Give rows of a later visit.", "table"
        )
    blank = follow_ups["visit"].isna()
    if blank.any():
        both = follow_ups.groupby(JOINT)["visit"].transform("count")[blank] > 0
        if both.any():
            row = follow_ups[blank][both].iloc[0]
            raise InputError(
                f"{row['joint']} {row['side']} of patient {row['patient']} has a row with a visit and one without. "
                "State the visit of both.",
                "table",
            )
        notes.append(f"{counted(int(blank.sum()), 'row')} without a visit counted as the last visit of their joint.")
    last = blank | (follow_ups["visit"] == follow_ups.groupby(JOINT)["visit"].transform("max"))
    if not last.all():
        notes.append("The last visit of each joint counts.")
    return follow_ups[last]


def _with_scores(rows: pd.DataFrame, truth: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the rows with the true change of the simulated score since baseline."""
    rows = _with_names_of_truth(rows, truth, notes)
    baseline = truth["visit"].min()
    first = truth[truth["visit"] == baseline].set_index(JOINT)["svdh_narrowing"].rename("first")
    changes = truth.join(first[~first.index.duplicated()], on=JOINT)
    changes = changes.assign(score_change=changes["svdh_narrowing"] - changes["first"])
    keys = [*JOINT, "visit"]
    rows = rows.drop(columns="score_change", errors="ignore")
    joined = rows.merge(changes[[*keys, "score_change"]].drop_duplicates(keys), on=keys, how="left")
    if joined["score_change"].isna().all():
        raise InputError(
            "No joint of the table is in the truth. Give the truth.csv of the same patients, joints and visits; "
            "`measure --keep-identity` keeps the names of the patients.",
            "truth",
        )
    return joined


def _with_names_of_truth(rows: pd.DataFrame, truth: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Return the rows with the patients of the truth, where the table has pseudonyms or only one patient."""
    names = [str(name) for name in truth["patient"].unique()]
    if "patient" not in rows and len(names) != 1:
        raise InputError(
            f"The table has no column 'patient', but the truth has {len(names)} patients. Add the column.", "table"
        )
    given = rows["patient"].unique() if "patient" in rows else []
    if "patient" not in rows or (len(names) == len(given) == 1 and given[0] != names[0]):
        notes.append("The table and the truth have one patient each; they count as the same.")
        return rows.assign(patient=names[0])
    if set(given) & set(names):
        return rows
    of_pseudonym = {pseudonym([_identity(name)])[0]: name for name in names}
    recognised = rows["patient"].isin(list(of_pseudonym))
    if recognised.any():
        notes.append(f"{counted(int(rows['patient'][recognised].nunique()), 'patient')} recognised by the pseudonym.")
    return rows.assign(patient=rows["patient"].map(lambda name: of_pseudonym.get(name, name)))


def _identity(name: str) -> Identity:
    """Return the identity that radiographs of a simulated patient state."""
    return Identity(number=name, name=f"SIM^{name.removeprefix('SIM')}")


def _read(path: str | os.PathLike[str], argument: str) -> pd.DataFrame:
    import pandas as pd

    try:
        lines = [line for line in read_rows(path, None) if any(cell.strip() for cell in line)]
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Give the path of a CSV file.", argument) from error
    except UnicodeError as error:
        raise InputError(f"{path} is not a text in UTF-8. Save it as 'CSV UTF-8'.", argument) from error
    except (OSError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a CSV table: {error}. Give a CSV file.", argument) from error
    if not lines:
        raise InputError(f"{path} is empty. Give a CSV table with one row per joint.", argument)
    head = ["_".join(re.split(r"[\s_-]+", name.strip().lower())) for name in lines[0]]
    for number, line in enumerate(lines[1:], start=1):
        if any("\n" in cell or "\r" in cell for cell in line):
            raise InputError(f"Row {number} of {path} has a line break inside a cell. Remove it.", argument)
        if len(line) > len(head) and any(cell.strip() for cell in line[len(head) :]):
            raise InputError(
                f"Row {number} of {path} has {len(line)} cells, but the table has {len(head)} columns. If the decimal "
                "sign is a comma, separate the columns with semicolons.",
                argument,
            )
    rows = [(line + [""] * len(head))[: len(head)] for line in lines[1:]]
    return pd.DataFrame(rows, columns=head, dtype=object)


def _check(rows: pd.DataFrame, needed: list[str], argument: str, hint: str = "") -> None:
    missing = [name for name in needed if name not in rows]
    if missing:
        hint = hint if missing == ["score_change"] else ""
        raise InputError(f"The table lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}.{hint}", argument)
    if twice := [name for name in dict.fromkeys(rows.columns) if list(rows.columns).count(name) > 1]:
        raise InputError(f"The table has the column {twice[0]} twice. Keep one.", argument)


def _count(notes: list[str], number: int, what: str) -> None:
    if number:
        notes.append(f"{counted(number, 'row')} {what} left out.")


def _refuse_twice(row: pd.Series, hint: str) -> None:
    raise InputError(f"The table has {row['joint']} {row['side']} of patient {row['patient']} twice. {hint}", "table")
