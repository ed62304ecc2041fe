"""What the files of a patient state about date, side and pixel size, and what a person must add."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient.list_files import images_in, list_radiographs
from napari_jsn.patient.order.file_names import all_ranks
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, StatedFacts, read_table
from napari_jsn.patient.read import read_with_facts
from napari_jsn.radiograph.spacing import Spacing


@dataclass(frozen=True)
class FileFacts:
    """What one file and the names of files state; what is not stated is None or ``""``.

    Attributes
    ----------
    name : str
        Path relative to the folder.
    is_dicom : bool
    acquired : datetime.date or None
    visit : int or None
        Number of the visit by ``radiographs.csv``, or by the names of the files where they order all.
    side : {"L", "R", "B", ""}
        ``"B"``: both hands.
    spacing_mm : float, (row, col) or None
    """

    name: str
    is_dicom: bool
    acquired: date | None = None
    visit: int | None = None
    side: str = ""
    spacing_mm: Spacing = None

    @property
    def complete(self) -> bool:
        """Whether nothing need be asked: an image file states date or visit, side and pixel size."""
        dated = self.acquired is not None or self.visit is not None
        return dated and (self.is_dicom or bool(self.side) and self.spacing_mm is not None)


def facts_of_files(folder: Path, all_visits: bool = True) -> list[FileFacts]:
    """Return what the radiographs of a folder state, image files beside DICOM files included; masks are left out.

    Parameters
    ----------
    folder : Path
    all_visits : bool
        Whether these are all visits of the patient; else the names of the files do not number the visits.

    Raises
    ------
    InputError
        If there is no radiograph, or a file cannot be read.
    """
    table = read_table(folder)
    listed = {name: StatedFacts() for name in images_in(folder)} | table
    files, _ = list_radiographs(folder, listed)
    orders = all_ranks([file.name for file in files]) if all_visits else []
    ranks = next((order for order in orders if len(set(order)) > 1), None)
    numbers = {rank: number for number, rank in enumerate(sorted(set(ranks or ())), start=1)}
    found = []
    for k, file in enumerate(files):
        row = table.get(file.name)
        radiograph = read_with_facts(file, row)
        visit = row.visit if row is not None and row.visit is not None else numbers[ranks[k]] if ranks else None
        found.append(
            FileFacts(
                file.name,
                file.is_dicom,
                radiograph.day,
                visit,
                radiograph.side or ("B" if radiograph.side_source.endswith("both") else ""),
                radiograph.spacing_mm,
            )
        )
    return found


def state_facts(folder: Path, stated: Mapping[str, StatedFacts]) -> None:
    """Write what a person states about radiographs into ``radiographs.csv`` of their folder; its lines are replaced.

    Raises
    ------
    InputError
        If neither the dates nor the visits of all files are stated.
    """
    rows = read_table(folder) | dict(stated)
    if any(row.acquired is None and row.visit is None for row in rows.values()):
        name = next(name for name, row in rows.items() if row.acquired is None and row.visit is None)
        raise InputError(f"{name} has neither a date nor a visit. State one of them.", "facts")
    if any(row.acquired is None for row in rows.values()) and any(row.visit is None for row in rows.values()):
        name = next(name for name, row in rows.items() if row.visit is None)
        raise InputError(
            f"{name} has no visit, and another radiograph has no date. State the dates of all radiographs, or the "
            "visits of all.",
            "facts",
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("file", "acquired", "visit", "side", "spacing_mm", "patient"))
    for name, row in rows.items():
        spacing = "" if row.spacing_mm is None else repr(float(np.mean(row.spacing_mm)))
        writer.writerow((name, row.acquired or "", row.visit or "", row.side, spacing, row.patient))
    (folder / RADIOGRAPHS_TABLE).write_text(text.getvalue(), "utf-8")


def checked_facts(given: object, names: Iterable[str]) -> dict[str, StatedFacts]:
    """Return what a person stated by the names of files: ``{"a.png": {"acquired": "2020-01-31", "side": "L"}}``.

    Parameters
    ----------
    given : object
        Objects of JSON with texts ``acquired`` (a date), ``visit`` (1, 2, ...), ``side`` (L, R, B) and ``spacing_mm``,
        each of which may be empty or missing.
    names : iterable of str
        Files that there are.

    Raises
    ------
    InputError
        If one of them cannot be read.
    """
    if not isinstance(given, dict):
        raise InputError("The dates of the radiographs cannot be read. Load the page again.", "facts")
    there, stated = set(names), {}
    for name, facts in given.items():
        if name not in there or not isinstance(facts, dict) or not all(isinstance(v, str) for v in facts.values()):
            raise InputError("The dates of the radiographs do not belong to the files. Load the page again.", "facts")
        stated[name] = _facts(name, {key: value.strip() for key, value in facts.items()})
    return stated


def _facts(name: str, facts: Mapping[str, str]) -> StatedFacts:
    acquired, visit, side, size = (facts.get(key, "") for key in ("acquired", "visit", "side", "spacing_mm"))
    try:
        day = date.fromisoformat(acquired) if acquired else None
    except ValueError:
        day = None
    if acquired and (day is None or not date(1895, 11, 8) <= day <= date.today()):
        raise InputError(f"The date of {name} is {acquired[:40]!r}. Give a day of the past as 2020-01-31.", "facts")
    if visit and not (visit.isascii() and visit.isdigit() and 1 <= int(visit[:4]) <= 999 and len(visit) < 4):
        raise InputError(f"The visit of {name} is {visit[:40]!r}. Give 1, 2, ...", "facts")
    if side not in ("L", "R", "B", ""):
        raise InputError(f"The side of {name} is {side[:40]!r}. Give L, R, or B for both.", "facts")
    return StatedFacts(day, int(visit) if visit else None, side, pixel_size(size, name))


#: Pixel sizes of radiographs of hands.
_PIXEL_MM = (0.01, 2.0)


def pixel_size(text: str, name: str = "") -> float | None:
    """Return a pixel size in mm that was typed, with a point or a comma; None of an empty text.

    Raises
    ------
    InputError
        If it is none of a radiograph of hands.
    """
    if not text.strip():
        return None
    try:
        size = float(text.strip().replace(",", "."))
    except ValueError:
        size = math.nan
    if not _PIXEL_MM[0] <= size <= _PIXEL_MM[1]:
        raise InputError(
            f"The pixel size{f' of {name}' if name else ''} is {text.strip()[:40]!r}. Give that of a radiograph: "
            f"{_PIXEL_MM[0]} to {_PIXEL_MM[1]} mm.",
            "spacing_mm",
        )
    return size
