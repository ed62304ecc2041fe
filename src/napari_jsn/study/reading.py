"""The radiographs of one patient in a folder, put in order of time."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from pathlib import Path

from napari_jsn.errors import InputError
from napari_jsn.radiograph import Radiograph, read_radiograph
from napari_jsn.study.study import Study, Visit

#: Tells date, side and pixel size of image files, which do not: columns ``file``, ``acquired`` (2020-01-31), and
#: where known ``side`` (L, R or B for both) and ``spacing_mm``.
FILMS_TABLE = "films.csv"

DICOM_SUFFIXES = (".dcm", ".dicom")
#: Modalities of plain radiographs: computed, digital, digitised film, other, not stated.
MODALITIES = ("CR", "DX", "RG", "OT", "")
#: Exports lie in folders by patient, study and series.
DEEPEST = 3


def read_study(folder: str | os.PathLike[str]) -> Study:
    """Read the hand radiographs of one patient and group them into visits by date.

    Takes the DICOM radiographs in the folder and up to three folders deep, whatever their names; other modalities
    and other files are left alone. Image files are taken where ``films.csv`` beside them tells their dates.

    Parameters
    ----------
    folder : str or path

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If there is no such folder or no radiograph in it, if a radiograph has no date, or if they show more than
        one patient.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give the folder with the radiographs of one patient.", "folder")
    found = list(_radiograph_files(folder))  # all headers before any pixels
    radiographs = [read_radiograph(path) for path in found] or list(_listed(folder))
    if not radiographs:
        raise InputError(
            f"{folder} holds no DICOM radiographs (CR, DX) and no {FILMS_TABLE} that lists image files.", "folder"
        )
    return Study(tuple(_visits(radiographs)))


def holds_study(folder: str | os.PathLike[str], most_entries: int) -> bool:
    """Whether a short look at file names finds DICOM files or the table of films; reads at most a few bytes.

    Parameters
    ----------
    folder : str or path
    most_entries : int
        A folder with more files and folders in it is taken for something else.
    """
    folder, found = Path(folder), False
    for number, path in enumerate(_entries(folder)):
        if number >= most_entries:
            return False
        found = found or path == folder / FILMS_TABLE or _may_be_dicom(path)
    return found


def _entries(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Files and folders in a folder and in those below it; hidden ones are left out."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                yield Path(entry.path)
                if depth < DEEPEST and entry.is_dir():
                    yield from _entries(Path(entry.path), depth + 1)
    except OSError:  # no folder, or one that may not be read
        return


def _may_be_dicom(path: Path) -> bool:
    """By its ending; a file without one, as exports write them, by its first bytes."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    if path.suffix and not path.suffix[1:].isdigit():  # "1.2.840.113" is a name, not an ending
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _radiograph_files(folder: Path) -> Iterator[Path]:
    """The DICOM files of plain radiographs, all of one patient."""
    from pydicom import dcmread

    patients: set[str] = set()
    for path in sorted(filter(_may_be_dicom, _entries(folder))):
        try:
            header = dcmread(path, stop_before_pixels=True, specific_tags=["Modality", "Rows", "PatientID"])
        except Exception as error:  # pydicom raises many kinds on damaged files
            raise InputError(f"{path} is no DICOM file, or damaged. Take it out of the folder.", "folder") from error
        if "Rows" not in header or (header.get("Modality") or "") not in MODALITIES:
            continue
        patients.add(str(header.get("PatientID") or ""))
        if len(patients - {""}) > 1:
            raise InputError(f"{folder} holds radiographs of more than one patient. Give the folder of one.", "folder")
        yield path


def _listed(folder: Path) -> Iterator[Radiograph]:
    """The image files that ``films.csv`` lists."""
    table = folder / FILMS_TABLE
    if not table.is_file():
        return
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        try:
            path, acquired = folder / row["file"], date.fromisoformat(row["acquired"])
            spacing_mm = float(row["spacing_mm"]) if row.get("spacing_mm") else None
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"Line {number} of {table} cannot be read. It needs the columns file and acquired "
                "(a date like 2020-01-31), and may have side (L, R or B) and spacing_mm.",
                "folder",
            ) from error
        read, side = read_radiograph(path, spacing_mm), row.get("side") or ""
        yield Radiograph(
            read.pixels, read.spacing_mm, side if side in ("L", "R") else None, acquired,
            spacing_source=read.spacing_source, side_source=FILMS_TABLE if side else "", acquired_source=FILMS_TABLE,
            path=path,
        )  # fmt: skip


def _visits(radiographs: list[Radiograph]) -> Iterator[Visit]:
    def day(radiograph: Radiograph) -> date:
        if radiograph.day is None:
            raise InputError(f"{radiograph.path} does not say when it was taken, so its visit is not known.", "folder")
        return radiograph.day

    def order(radiograph: Radiograph) -> tuple[date, str, str]:
        return day(radiograph), {"R": "0", "L": "1"}.get(radiograph.side or "", "2"), radiograph.name

    grouped = groupby(sorted(radiographs, key=order), key=day)
    for number, (when, group) in enumerate(grouped, start=1):
        yield Visit(number, when, tuple(group))
