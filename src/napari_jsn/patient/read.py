"""Read the radiographs of one patient, from a folder or one by one, and put them in order of time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.patient import file_names
from napari_jsn.patient.find_hands import split_hands
from napari_jsn.patient.identity import Identity, check_one_patient
from napari_jsn.patient.list_files import IMAGE_SUFFIXES, header_of, list_radiographs
from napari_jsn.patient.order import RadiographWithOrderHints, check_names, order_in_visits
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, read_table, with_stated_facts
from napari_jsn.radiograph import Radiograph, as_radiograph, read_radiograph
from napari_jsn.radiograph.dicom import is_dicom
from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: The pseudonym of a patient unless one is given or the identity is asked for.
ANONYMOUS = "anonymous"


def read_patient(
    folder: str | os.PathLike[str],
    split: bool = True,
    *,
    patient_id: str | None = None,
    keep_identity: bool = False,
    spacing_mm: Any = None,
    dicom_only: bool = False,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Patient:
    """Read the hand radiographs of one patient, group them into visits, and split radiographs of both hands.

    DICOM radiographs are read from the folder and from three levels of subfolders, whatever their names; other
    modalities, other parts of the body and other files are left out. If there are none, the image files that
    ``radiographs.csv`` lists are read, or all image files if their names, or those of their folders, state dates, weeks
    or visits. What ``radiographs.csv`` states about a file has priority over what the file states.

    Parameters
    ----------
    folder : str or path
    split : bool
        Split radiographs of both hands, and determine the side of radiographs that do not state it. If False, the
        radiographs are not searched and not changed, and reading is fast.
    patient_id : str, optional
        Pseudonym; by default ``"anonymous"``.
    keep_identity : bool
        Use the Patient ID of the files as ``patient_id``, if no pseudonym is given.
    spacing_mm : float or (row, col), optional
        Size of a pixel of all radiographs in mm; by default what each file states.
    dicom_only : bool
        Refuse image files, because DICOM objects can refer only to DICOM files.
    model, device : str
        Of the localization; see :func:`napari_jsn.find_joints`.
    progress : Progress, optional
        When aborted, radiographs that were not searched yet stay as they are.

    Returns
    -------
    Patient
        Radiographs are named after visit and side. No name, note or source identifies the patient. A radiograph of
        one hand that was searched for its side keeps the joints found.

    Raises
    ------
    InputError
        If there is no such folder or no radiograph in it, if neither dates nor names give the order or they contradict
        each other, if there is more than one patient, if hands overlap, or if a file is damaged.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> patient = jsn.read_patient(jsn.sample_folder("hand_pair"))
    >>> patient
    <Patient anonymous: 2 visits, 2 radiographs, joints not searched>
    >>> [hand.side for hand in patient.hands]
    ['L', 'L']
    """
    folder = Path(folder)
    if not os.path.isdir(folder):  # also False where the path is too long
        raise InputError(f"There is no folder {folder}. Give the folder with the radiographs of one patient.", "folder")
    spacing = check_spacing(spacing_mm)
    table = read_table(folder)
    files, notes = list_radiographs(folder, table)  # reads all headers before any pixels
    if missing := [name for name in table if not (folder / name).is_file()]:
        notes.append(f"{RADIOGRAPHS_TABLE} lists files that are not in the folder: {', '.join(missing)}.")
    notes += check_one_patient({file.name: file.identity for file in files}, str(folder), "folder")
    if dicom_only:
        _check_dicom([file.path for file in files])
    if not table and all(file.path.suffix.lower() in IMAGE_SUFFIXES for file in files):
        check_names([file.name for file in files], folder)
    with_hints = []
    for file in files:
        row = table.get(file.name)
        radiograph = _read_file(file.path, spacing, None if row is None else row.spacing_mm)
        radiograph = with_stated_facts(radiograph, row) if row else _with_facts_of_name(radiograph, file.name)
        if spacing is not None:
            radiograph = radiograph.with_spacing(spacing)
        with_hints.append(RadiographWithOrderHints(radiograph, file.name, file.image, row.visit if row else None))
    visits, order_notes = order_in_visits(with_hints, folder)
    identities = [file.identity for file in files]
    patient = Patient(visits, _pseudonym(patient_id, keep_identity, identities), (*notes, *order_notes))
    return split_hands(patient, None, model, device, progress) if split else patient


def patient_from_radiographs(
    *visits: Any,
    split: bool = True,
    patient_id: str | None = None,
    keep_identity: bool = False,
    spacing_mm: Any = None,
    dicom_only: bool = False,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Patient:
    """Return a patient made of radiographs that are given one by one, in the order of the visits.

    Parameters
    ----------
    *visits : path, Radiograph, (H, W) array, or sequence of these
        One argument per visit, the baseline first; for a visit with a radiograph of each hand, a sequence of both.
        All must be of one patient; this is checked for files, but not for a Radiograph or an array.
    split, patient_id, keep_identity, spacing_mm, dicom_only, model, device, progress
        As for :func:`read_patient`.

    Returns
    -------
    Patient

    Raises
    ------
    InputError
        If a file cannot be read, if the files are of more than one patient, or if hands overlap.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.patient.read import patient_from_radiographs
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> patient_from_radiographs(baseline, followup, patient_id="P001")
    <Patient P001: 2 visits, 2 radiographs, joints not searched>
    """
    spacing = check_spacing(spacing_mm)
    identities: dict[str, Identity] = {}
    ordered = []
    for number, visit in enumerate(visits, start=1):
        given = [visit] if isinstance(visit, (str, os.PathLike, Radiograph)) or hasattr(visit, "shape") else list(visit)
        if dicom_only:
            _check_dicom([each for each in given if isinstance(each, (str, os.PathLike))])
        radiographs = [_radiograph(each, identities, spacing) for each in given]
        if not radiographs:
            raise InputError(f"Visit {number} has no radiograph. Give one, or leave the visit out.", "followup")
        day = min((each.day for each in radiographs if each.day is not None), default=None)
        ordered.append(Visit.from_radiographs(number, day, radiographs))
    if not ordered:
        raise InputError("No radiographs are given. Give a baseline and a follow-up.", "baseline")
    notes = check_one_patient(identities, "The input", "followup")
    patient = Patient(tuple(ordered), _pseudonym(patient_id, keep_identity, list(identities.values())), tuple(notes))
    return split_hands(patient, None, model, device, progress) if split else patient


def _radiograph(given: Any, identities: dict[str, Identity], spacing: Spacing) -> Radiograph:
    radiograph = as_radiograph(given, spacing)
    if not isinstance(given, (str, os.PathLike)):
        return radiograph
    if radiograph.path is not None and is_dicom(radiograph.path):
        identities[str(given)] = header_of(radiograph.path, str(given))[0].identity
    return _with_facts_of_name(radiograph, Path(given).name)


def _read_file(path: Path, spacing: Spacing, stated: Spacing) -> Radiograph:
    """Read a radiograph; a spacing of ``radiographs.csv`` replaces one of the file that cannot be read."""
    try:
        return read_radiograph(path, spacing)
    except InputError as error:
        if error.argument != "spacing_mm" or stated is None:
            raise
        return read_radiograph(path, stated)


def _with_facts_of_name(radiograph: Radiograph, name: str) -> Radiograph:
    """Add the day and the side that the name of a file states, if the file itself states none."""
    day, side = file_names.day_in(name), file_names.side_in(name)
    if radiograph.acquired is None and day is not None:
        radiograph = replace(radiograph, acquired=day, acquired_source=file_names.SOURCE)
    if side is not None and not radiograph.side and not radiograph.side_source:
        one = None if side == "B" else side
        source = file_names.SOURCE if one else f"{file_names.SOURCE}: both"
        radiograph = replace(radiograph, side=one, side_source=source)
    return radiograph


def _check_dicom(paths: Sequence[Any]) -> None:
    if not all(is_dicom(Path(path)) for path in paths if Path(path).is_file()):
        raise InputError(
            "DICOM objects refer to the DICOM files of the radiographs, but some radiographs are image files. "
            "Leave --dicom out, or give DICOM files.",
            "dicom",
        )


def _pseudonym(patient_id: str | None, keep_identity: bool, identities: Sequence[Identity]) -> str:
    if patient_id is not None:
        return patient_id
    number = next((identity.number for identity in identities if identity.number), "")
    return number if keep_identity and number else ANONYMOUS
