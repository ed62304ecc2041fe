"""Read ``radiographs.csv``, in which a person states what radiograph files do not state, or state wrongly."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from napari_jsn.common.csv_files import read_records
from napari_jsn.common.errors import InputError
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Columns ``file`` and ``acquired`` (2020-01-31) or ``visit`` (1, 2, ...), and optionally ``side`` (L, R or B for
#: both), ``spacing_mm`` and ``patient``.
RADIOGRAPHS_TABLE = "radiographs.csv"

#: Relative difference below which two spacings are equal, since tables contain rounded numbers.
_SAME_SPACING = 1e-3


@dataclass(frozen=True)
class StatedFacts:
    """Facts that the table states about one file; None or "" for an empty cell."""

    acquired: date | None = None
    visit: int | None = None
    side: str = ""
    spacing_mm: Spacing = None
    patient: str = ""


def read_table(folder: Path) -> dict[str, StatedFacts]:
    """Return the rows by file (a path relative to the folder); empty where there is no table.

    Raises
    ------
    InputError
        If a line cannot be read, or two lines state different facts about one file.
    """
    table = folder / RADIOGRAPHS_TABLE
    if not os.path.isfile(table):
        return {}
    rows: dict[str, StatedFacts] = {}
    try:
        lines = read_records(table)
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read ({error}). Save it as CSV text in UTF-8.", "folder") from error
    for number, line in enumerate(lines, start=2):
        try:
            name, row = Path(line["file"]).as_posix(), _row(line)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"Line {number} of {table} cannot be read. It needs the columns file and acquired (a date like "
                "2020-01-31) or visit (1, 2, ...), and may have side (L, R or B) and spacing_mm.",
                "folder",
            ) from error
        if rows.setdefault(name, row) != row:
            raise InputError(
                f"Line {number} of {table} contradicts an earlier line about {name}. Keep the one that is right.",
                "folder",
            )
    return rows


def _row(line: dict[str, str]) -> StatedFacts:
    acquired, visit, side, spacing_mm, patient = (
        (line.get(name) or "").strip() for name in ("acquired", "visit", "side", "spacing_mm", "patient")
    )
    if not acquired and not visit:
        raise ValueError("neither date nor visit")
    if side not in ("L", "R", "B", ""):
        raise ValueError("unknown side")
    return StatedFacts(
        date.fromisoformat(acquired) if acquired else None,
        int(visit) if visit else None,
        side,
        check_spacing(float(spacing_mm)) if spacing_mm else None,
        patient,
    )


def with_stated_facts(radiograph: Radiograph, row: StatedFacts) -> Radiograph:
    """Return the radiograph with the facts of the table that its file does not state or states differently."""
    if row.acquired is not None and row.acquired != radiograph.day:
        radiograph = replace(radiograph, acquired=row.acquired, acquired_source=RADIOGRAPHS_TABLE)
    if row.acquired is not None:
        radiograph = replace(radiograph, other_dates=())  # the table settles the date
    if row.side and (row.side != radiograph.side if row.side != "B" else not _states_both_hands(radiograph)):
        side = row.side if row.side != "B" else None
        radiograph = replace(
            radiograph, side=side, side_source=RADIOGRAPHS_TABLE if side else f"{RADIOGRAPHS_TABLE}: both"
        )
    if row.spacing_mm is not None and not _has_spacing(radiograph, row.spacing_mm):
        radiograph = radiograph.with_spacing(row.spacing_mm)
    return radiograph


def _states_both_hands(radiograph: Radiograph) -> bool:
    return radiograph.side is None and radiograph.side_source.endswith("both")


def _has_spacing(radiograph: Radiograph, spacing_mm: Spacing) -> bool:
    known = radiograph.spacing_mm
    return (
        known is not None
        and spacing_mm is not None
        and bool(np.allclose(known, spacing_mm, rtol=_SAME_SPACING, atol=0))
    )
