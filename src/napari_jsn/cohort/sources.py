"""List the patients of a cohort, from a folder of patients or a table of radiographs, and what is wrong with them."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from napari_jsn.common.csv_files import number_of, read_records
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted, written_notes
from napari_jsn.common.secret_key import keyed_code
from napari_jsn.patient.find_hands import check_facts
from napari_jsn.patient.identity import ANONYMOUS
from napari_jsn.patient.list_files import may_be_dicom
from napari_jsn.patient.patient import Patient
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, StatedFacts
from napari_jsn.patient.read import read_headers
from napari_jsn.radiograph.spacing import check_spacing

#: Columns of the table of a cohort: those that it needs, and those that it may have.
NEEDED, OPTIONAL = ("patient", "visit", "path"), ("date", "side", "spacing", "arm", "age", "sex")


#: Names of other tables for columns of this one, which must not be passed over: figures depend on them.
_SIMILAR = {
    "date": ("acquired", "acquisition_date", "study_date", "visit_date"),
    "side": ("laterality", "hand"),
    "spacing": ("spacing_mm", "pixel_spacing", "pixel_spacing_mm"),
}


@dataclass(frozen=True)
class Source:
    """One patient of a cohort, before anything is read.

    Attributes
    ----------
    name : str
        How messages name the patient: its folder, or its name in the table.
    key : str
        What distinguishes it in a store: the path of the folder, or path of the table and name.
    patient : str
        Pseudonym that is stated; ``""`` if it is made from the identity in the files.
    folder : str
        ``""`` for a patient of a table.
    visits : tuple of tuple of str
        Paths of the radiographs of a table, by visit.
    stated : mapping of path to StatedFacts
    arm, age, sex : str
    faults : tuple of str
        What is wrong in the rows of the table, one sentence each; then nothing is measured.
    notes : tuple of str
    named : tuple of str
        Paths as the table writes them, which faults name.
    """

    name: str
    key: str
    patient: str = ""
    folder: str = ""
    visits: tuple[tuple[str, ...], ...] = ()
    stated: Mapping[str, StatedFacts] = field(default_factory=dict)
    arm: str = ""
    age: str = ""
    sex: str = ""
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The pseudonym if it is stated, else a code of the name that is stable on this computer."""
        return self.patient or self.substitute()

    def substitute(self) -> str:
        """Return a pseudonym made of the name of the folder, for files that state no identity."""
        try:
            return f"F{keyed_code('folder of a patient', self.name)[:8]}"
        except OSError:
            return ANONYMOUS


def storable(text: str) -> str:
    """Return a text in which characters that no database can hold are escaped."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def list_sources(place: str | os.PathLike[str], pseudonyms: bool = False) -> list[Source]:
    """Return the patients of a cohort, in the order of their names or of the table.

    Parameters
    ----------
    place : path
        A folder with one folder for each patient, or a CSV table with a row for each radiograph: ``patient``,
        ``visit``, ``path`` (relative to the table) and perhaps ``date``, ``side``, ``spacing``, ``arm``, ``age``,
        ``sex``.
    pseudonyms : bool
        Whether names of folders are pseudonyms, so that results may have them. Names in a table always are.

    Raises
    ------
    InputError
        If there is no such folder or table, it holds no patient, or the table cannot be read.
    """
    path = _path(place)
    sources = _of_folder(path, pseudonyms) if path.is_dir() else _of_table(path)
    if not sources:
        raise InputError(
            f"{path} holds no patient. Give a folder with one folder for each patient, or a table.", "source"
        )
    return sources


def patient_by_headers(source: Source) -> Patient:
    """Return a patient as the headers of its files state it; no pixel is read.

    Raises
    ------
    InputError
        If the patient cannot be measured, as far as headers show.
    """
    if source.faults:
        raise InputError(" ".join(source.faults))
    patient = read_headers(source.folder or None, source.visits, source.stated, source.patient or None)
    check_visits(patient)
    return patient


def check_visits(patient: Patient) -> None:
    """Raise an error that says why there are fewer than two visits."""
    if len(patient.visits) > 1:
        return
    count = len(check_facts(patient).hands)  # two radiographs of one hand on one day have an error of their own
    of_visit = f" Its {count} radiographs are of one visit, by their dates and names." if count > 1 else ""
    notes = "".join(f" {note}" for note in written_notes(patient.notes))
    raise InputError(
        f"There is only one visit, and narrowing is a change between two. Give a follow-up radiograph.{of_visit}{notes}"
    )


def _path(place: str | os.PathLike[str]) -> Path:
    try:
        path = Path(os.fsdecode(place))
    except TypeError as error:
        raise InputError(
            f"The source is a {type(place).__name__}. Give the path of a folder or table.", "source"
        ) from error
    if not path.exists():
        raise InputError(f"There is no folder or table {path}. Give one with the patients of the cohort.", "source")
    return path


# ------------------------------------------------------------------------------------------------- folder of patients


def _of_folder(folder: Path, pseudonyms: bool) -> list[Source]:
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise InputError(f"{folder} cannot be searched: {error.strerror}.", "source") from error
    own = [path for path in entries if path.is_file() and (path.name == RADIOGRAPHS_TABLE or may_be_dicom(path))]
    if own:
        raise InputError(
            f"{folder} holds radiographs itself ({own[0].name}). Give the folder above it, which has one folder for "
            "each patient, or use napari-jsn measure for one patient.",
            "source",
        )
    folders = [path for path in entries if path.is_dir() and not path.name.startswith(".")]
    return [_of_patient(path, pseudonyms) for path in folders]


def _of_patient(folder: Path, pseudonyms: bool) -> Source:
    place = str(folder.absolute())
    source = Source(folder.name, storable(place), storable(folder.name) if pseudonyms else "", place)
    if pseudonyms and source.patient != folder.name:
        fault = "The name of the folder is no text, so it cannot be a pseudonym. Rename the folder."
        return replace(source, faults=(fault,))
    return source


# ------------------------------------------------------------------------------------------------ table of radiographs


@dataclass
class _Rows:
    """The rows of one patient of a table, while they are read."""

    radiographs: list[tuple[str, str, StatedFacts]] = field(default_factory=list)  # visit, path, facts
    named: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def _of_table(table: Path) -> list[Source]:
    try:
        records = read_records(table, None)
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read ({error}). Save it as CSV text in UTF-8.", "source") from error
    lines = [{name and name.strip().lower(): cell for name, cell in record.items()} for record in records]
    _check_columns(table, [name for name in (lines[0] if lines else ()) if name])
    patients: dict[str, _Rows] = {}
    owner: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        cells = {name: (line.get(name) or "").strip() for name in (*NEEDED, *OPTIONAL)}
        if not any(cells.values()):
            continue
        name = cells["patient"]
        if not name:
            raise InputError(f"Line {number} of {table} names no patient. Fill in the cell.", "source")
        rows = patients.setdefault(name, _Rows())
        if None in line:
            rows.faults.append(f"Line {number} has more cells than the first line has columns.")
        _add_line(rows, cells, number, table.parent)
        first = owner.setdefault(os.path.realpath(rows.radiographs[-1][1]), name) if cells["path"] else name
        if first != name:
            for each in (first, name):
                patients[each].faults.append(f"The radiograph of line {number} is also one of another patient.")
    return [_source(table, name, rows) for name, rows in patients.items()]


def _check_columns(table: Path, names: Sequence[str]) -> None:
    """Refuse a table without a needed column, or whose column would be passed over because of its name."""
    absent = [name for name in NEEDED if names and name not in names]
    if absent:
        raise InputError(
            f"{table} lacks the column{'s' * (len(absent) > 1)} {', '.join(absent)}. It needs {', '.join(NEEDED)}, and "
            f"may have {', '.join(OPTIONAL)}.",
            "source",
        )
    for name, others in _SIMILAR.items():
        for other in others:
            if other in names and name not in names:
                raise InputError(
                    f"{table} has a column {other}. Name it {name} if it is to be used, or remove it.", "source"
                )


def _add_line(rows: _Rows, cells: Mapping[str, str], number: int, folder: Path) -> None:
    """Add the radiograph of one line, or what is wrong with the line."""
    path = (folder / cells["path"]).absolute()
    side = {"": "", "L": "L", "LEFT": "L", "R": "R", "RIGHT": "R", "B": "B", "BOTH": "B"}.get(cells["side"].upper())
    spacing = number_of(cells["spacing"])
    day, undated = _day(cells["date"])
    for wrong, fault in (
        (not cells["visit"], f"Line {number} states no visit."),
        (not cells["path"], f"Line {number} states no path."),
        (bool(cells["path"]) and not os.path.isfile(path), f"There is no file {cells['path']} (line {number})."),
        (side is None, f"The side of line {number} is {cells['side']!r}, not L, R or B."),
        (spacing is None, f"The spacing of line {number} is {cells['spacing']!r}, no number in mm."),
        (undated, f"The date of line {number} is {cells['date']!r}, not like 2020-01-31."),
    ):
        if wrong:
            rows.faults.append(fault)
    for name in ("arm", "age", "sex"):
        if cells[name] and rows.facts.setdefault(name, cells[name]) != cells[name] and name == "arm":
            rows.faults.append(f"The arm of line {number} is {cells[name]!r}, but {rows.facts[name]!r} before.")
    try:
        mm = check_spacing(spacing) if cells["spacing"] and spacing is not None else None
    except InputError as error:
        rows.faults.append(f"Line {number}: {error}")
        mm = None
    if cells["path"] and os.path.realpath(path) in [os.path.realpath(known) for _, known, _ in rows.radiographs]:
        rows.faults.append(f"Line {number} names the same radiograph again.")
    rows.named.append(cells["path"])
    rows.radiographs.append((cells["visit"], str(path), StatedFacts(day, None, side or "", mm)))


def _day(text: str) -> tuple[date | None, bool]:
    """Return the day of a cell, and whether the cell has another text."""
    try:
        return (date.fromisoformat(text) if text else None), False
    except ValueError:
        return None, True


def _source(table: Path, name: str, rows: _Rows) -> Source:
    source = Source(name, storable(f"{table.absolute()}#{name}"), name, arm=rows.facts.get("arm", ""))
    source = replace(source, age=rows.facts.get("age", ""), sex=rows.facts.get("sex", ""), named=tuple(rows.named))
    if rows.faults:
        return replace(source, faults=tuple(dict.fromkeys(rows.faults)))
    names = list(dict.fromkeys(visit for visit, _, _ in rows.radiographs))
    ordered, fault = _ordered(names, rows)
    if len(names) < 2:
        fault = "There is only one visit, and narrowing is a change between two."
    if fault:
        return replace(source, faults=(fault,))
    visits = tuple(tuple(path for visit, path, _ in rows.radiographs if visit == each) for each in ordered)
    numbered = [str(number) for number in range(1, len(ordered) + 1)]
    notes: tuple[str, ...] = ()
    if [f"{number_of(each):g}" if number_of(each) is not None else each for each in ordered] != numbered:
        pairs = ", ".join(f"{number} ({each})" for number, each in zip(numbered, ordered, strict=True))
        notes = (f"Visits are numbered in their order: {pairs}.",)
    return replace(source, visits=visits, stated={path: facts for _, path, facts in rows.radiographs}, notes=notes)


def _ordered(names: Sequence[str], rows: _Rows) -> tuple[list[str], str]:
    """Return the visits in order of time, by their numbers or else by their dates, and what is wrong with it."""
    days: dict[str, date] = {}
    for visit, _, facts in rows.radiographs:
        if facts.acquired is not None and days.setdefault(visit, facts.acquired) != facts.acquired:
            return [], f"The radiographs of visit {visit} have different dates."
    numbers = {name: number_of(name) for name in names}
    if all(number is not None for number in numbers.values()):
        ordered = sorted(names, key=lambda name: numbers[name] or 0.0)
    elif len(days) == len(names):
        ordered = sorted(names, key=lambda name: days[name])
    else:
        return [], "The visits have names, not numbers, and not all have a date. Number them, or state their dates."
    dated = [days[name] for name in ordered if name in days]
    if dated != sorted(dated) or len(set(dated)) < len(dated):
        return [], f"The dates of the {counted(len(dated), 'visit')} contradict their numbers."
    return ordered, ""
