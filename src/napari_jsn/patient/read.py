"""The radiographs of one patient, from a folder or one by one, put in order of time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.patient import file_names as names
from napari_jsn.patient.identity import Identity, check_one_patient
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.list_files import IMAGE_SUFFIXES, film_files, header_of
from napari_jsn.patient.order import RadiographWithOrderHints, check_names, in_visits
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, read_table, stated
from napari_jsn.patient.split import by_side, split_study
from napari_jsn.patient.view_position import without_oblique
from napari_jsn.radiograph import Radiograph, read_radiograph
from napari_jsn.radiograph.dicom import is_dicom

#: What a patient is called unless a pseudonym is given or the identity is asked for.
ANONYMOUS = "anonymous"


def read_patient(
    folder: str | os.PathLike[str],
    split: bool = True,
    *,
    patient: str | None = None,
    keep_identity: bool = False,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Patient:
    """Read the hand radiographs of one patient and group them into visits by date, or by name.

    Takes the DICOM radiographs in the folder and up to three folders deep, whatever their names; other modalities,
    other parts of the body and other files are left alone. Without any, takes the image files that ``radiographs.csv``
    lists, or all image files if their names, or those of their folders, tell dates, weeks or visits. What
    ``radiographs.csv`` states of a file comes before what the file says.

    Parameters
    ----------
    folder : str or path
    split : bool
        Cut films of both hands in two, and tell the side of films that do not state it. Without it the films stay as
        they are, nothing is looked for on them, and reading is fast.
    patient : str, optional
        Pseudonym; by default ``"anonymous"``.
    keep_identity : bool
        Name the study after the Patient ID, if no pseudonym is given.
    model, device : str
        Of the localiser that tells hands apart.
    progress : Progress, optional
        Of the same.

    Returns
    -------
    Patient
        Radiographs are named after visit and side. No name, note or source tells who the patient is.

    Raises
    ------
    InputError
        If there is no such folder or no radiograph in it, if neither dates nor names tell the order or they contradict
        each other, if it shows more than one patient, if hands lie over one another, or if a file is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}. Give the folder with the radiographs of one patient.", "folder")
    table = read_table(folder)
    files, notes = film_files(folder, table)  # all headers before any pixels
    notes += check_one_patient({file.name: file.identity for file in files}, str(folder), "folder")
    if not table and all(file.path.suffix.lower() in IMAGE_SUFFIXES for file in files):
        check_names([file.name for file in files], folder)
    placed = []
    for file in files:
        radiograph, row = read_radiograph(file.path), table.get(file.name)
        radiograph = stated(radiograph, row) if row else _by_name(radiograph, file.name)
        placed.append(RadiographWithOrderHints(radiograph, file.name, file.image, row.visit if row else None))
    visits, told = in_visits(placed, folder)
    study = Patient(visits, _called(patient, keep_identity, [file.identity for file in files]), (*notes, *told))
    return split_study(without_oblique(study), model, device, progress) if split else study


def patient_of(
    *visits: Any,
    split: bool = True,
    patient: str | None = None,
    keep_identity: bool = False,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Patient:
    """A study of radiographs that are given one by one, in the order of the visits.

    Parameters
    ----------
    *visits : path, Radiograph, (H, W) array, or sequence of these
        One a visit, the baseline first; a sequence where a visit has a film of each hand. The files must be one
        patient's; of a Radiograph that is not asked.
    split, patient, keep_identity, model, device, progress
        As for :func:`read_patient`.

    Returns
    -------
    Patient

    Raises
    ------
    InputError
        If a file cannot be read, if the files show more than one patient, or if hands lie over one another.
    """
    identities: dict[str, Identity] = {}
    made = []
    for number, visit in enumerate(visits, start=1):
        given = [visit] if isinstance(visit, (str, os.PathLike, Radiograph)) or hasattr(visit, "shape") else list(visit)
        films = [_radiograph(film, identities) for film in given]
        if not films:
            raise InputError(f"Visit {number} holds no radiograph. Give one, or leave the visit out.", "followup")
        day = min((film.day for film in films if film.day is not None), default=None)
        named = (replace(film, name=radiograph_label(number, film.side)) for film in films)
        made.append(Visit(number, day, tuple(sorted(named, key=by_side))))
    if not made:
        raise InputError("No radiographs are given. Give a baseline and a follow-up.", "baseline")
    notes = check_one_patient(identities, "What is given", "followup")
    study = Patient(tuple(made), _called(patient, keep_identity, list(identities.values())), tuple(notes))
    return split_study(without_oblique(study), model, device, progress) if split else study


def _radiograph(film: Any, identities: dict[str, Identity]) -> Radiograph:
    if isinstance(film, Radiograph):
        return film
    if hasattr(film, "shape"):
        return Radiograph(film)
    radiograph = read_radiograph(film)
    if radiograph.path is not None and is_dicom(radiograph.path):
        identities[str(film)] = header_of(radiograph.path, str(film))[0].identity
    return _by_name(radiograph, Path(film).name)


def _by_name(radiograph: Radiograph, name: str) -> Radiograph:
    """What a file's name tells and the file itself does not: the day, and the side."""
    day, side = names.day_in(name), names.side_in(name)
    if radiograph.acquired is None and day is not None:
        radiograph = replace(radiograph, acquired=day, acquired_source=names.SOURCE)
    if side is not None and not radiograph.side and not radiograph.side_source:
        one = None if side == "B" else side
        radiograph = replace(radiograph, side=one, side_source=names.SOURCE if one else f"{names.SOURCE}: both")
    return radiograph


def _called(patient: str | None, keep_identity: bool, identities: Sequence[Identity]) -> str:
    """What to call the patient."""
    if patient is not None:
        return patient
    number = next((identity.number for identity in identities if identity.number), "")
    return number if keep_identity and number else ANONYMOUS


__all__ = ["ANONYMOUS", "RADIOGRAPHS_TABLE", "read_patient", "patient_of"]
