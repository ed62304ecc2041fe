"""Read the radiographs of one patient, from a folder or one by one, and put them in order of time."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import Note, shortened
from napari_jsn.common.progress import Progress
from napari_jsn.patient.find_hands import check_facts, split_hands
from napari_jsn.patient.identity import Identity, check_one_patient, identity_codes, pseudonym
from napari_jsn.patient.list_files import RadiographFile, header_of, list_radiographs, notes_on_doubts
from napari_jsn.patient.order import file_names
from napari_jsn.patient.order.dates import notes_on_dates
from napari_jsn.patient.order.visits import (
    RadiographWithOrderHints,
    check_names,
    order_in_visits,
    visits_in_given_order,
)
from napari_jsn.patient.patient import Patient
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE, StatedFacts, read_table, with_stated_facts
from napari_jsn.radiograph import Radiograph, as_radiograph, read_radiograph
from napari_jsn.radiograph.dicom import is_dicom
from napari_jsn.radiograph.read import read_facts
from napari_jsn.radiograph.spacing import Spacing, check_spacing


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

    DICOM radiographs are read from the folder and all folders below it, whatever their names, and the image files that
    ``radiographs.csv`` lists; other modalities, other parts of the body and other files are left out, with a note that
    names them. Without both, all image files are read if their names, or those of their folders, state dates, weeks or
    visits. What ``radiographs.csv`` states about a file has priority over what the file states.

    Parameters
    ----------
    folder : str or path
    split : bool
        Split radiographs of both hands, and determine the side of radiographs that do not state it. If False, the
        radiographs are not searched and not changed, and reading is fast.
    patient_id : str, optional
        Pseudonym; by default ``P`` and eight digits that are stable for one patient, on this computer and account.
        ``"anonymous"`` if the files state no identity.
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
    >>> patient = jsn.read_patient(jsn.sample_folder("hand_pair"), patient_id="P07")
    >>> patient
    <Patient P07: 2 visits, 2 radiographs, joints not searched>
    >>> [hand.side for hand in patient.hands]
    ['L', 'L']
    """
    patient = _from_folder(folder, patient_id, keep_identity, spacing_mm, dicom_only)
    return split_hands(patient, None, model, device, progress) if split else patient


def _from_folder(
    folder: str | os.PathLike[str],
    patient_id: str | None,
    keep_identity: bool = False,
    spacing_mm: Any = None,
    dicom_only: bool = False,
    read: Callable[[Path, Spacing], Radiograph] = read_radiograph,
) -> Patient:
    """Return the patient of a folder before hands are split; see :func:`read_patient`."""
    try:
        folder = Path(folder)
    except TypeError:
        raise InputError(
            f"The folder of a patient is {reprlib.repr(folder)}. Give its path, as text or a Path.", "folder"
        ) from None
    if not folder.parts or not os.path.isdir(folder):  # False where the path is too long
        shown = shortened(str(folder), 200)
        raise InputError(f"There is no folder {shown}. Give the folder with the radiographs of one patient.", "folder")
    spacing = check_spacing(spacing_mm)
    table = read_table(folder)
    files, notes = list_radiographs(folder, table)  # reads all headers before any pixels
    if missing := [name for name in table if not os.path.isfile(folder / name)]:
        text = f"{RADIOGRAPHS_TABLE} lists files that are not in the folder"
        notes.append(Note(f"{text}: {', '.join(missing)}.", public=f"{text}."))
    notes += check_one_patient({file.name: file.identity for file in files}, str(folder), "folder")
    if dicom_only:
        _check_dicom(all(file.is_dicom for file in files))
    if not table and not any(file.is_dicom for file in files):
        check_names([file.name for file in files], folder)
    with_hints = []
    for file in files:
        row = table.get(file.name)
        radiograph = read_with_facts(file, row, spacing, read)
        if spacing is not None:
            radiograph = radiograph.with_spacing(spacing)
        with_hints.append(RadiographWithOrderHints(radiograph, file.name, file.image, row.visit if row else None))
    visits, order_notes = order_in_visits(with_hints, folder)
    name, name_notes = _patient_id(patient_id, keep_identity, [file.identity for file in files])
    codes = identity_codes(file.identity for file in files)
    return Patient(visits, name, (*notes, *order_notes, *name_notes), identity=codes)


def read_with_facts(
    file: RadiographFile,
    row: StatedFacts | None,
    spacing: Spacing = None,
    read: Callable[[Path, Spacing], Radiograph] = read_radiograph,
) -> Radiograph:
    """Return a radiograph with what ``radiographs.csv`` states about it; without a line, with what its name states."""
    radiograph = _read_file(file.path, spacing, None if row is None else row.spacing_mm, read)
    return with_stated_facts(radiograph, row) if row else _with_facts_of_name(radiograph, file.name)


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
    stated: Mapping[str, StatedFacts] = {},  # noqa: B006  # is not changed
) -> Patient:
    """Return a patient made of radiographs that are given one by one, in the order of the visits.

    Parameters
    ----------
    *visits : path, Radiograph, (H, W) array, or sequence of these
        One argument per visit, the baseline first; for a visit with a radiograph of each hand, a sequence of both.
        All must be of one patient; this is checked for files, but not for a Radiograph or an array.
    split, patient_id, keep_identity, spacing_mm, dicom_only, model, device, progress
        As for :func:`read_patient`.
    stated : mapping of path to StatedFacts
        What the user states about files; it has priority over what they state.

    Returns
    -------
    Patient

    Raises
    ------
    InputError
        If a file cannot be read or is not a radiograph of hands, if the files are of more than one patient, or if
        hands overlap.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.patient.read import patient_from_radiographs
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> patient_from_radiographs(baseline, followup, patient_id="P001")
    <Patient P001: 2 visits, 2 radiographs, joints not searched>
    """
    patient = _from_visits(visits, patient_id, keep_identity, spacing_mm, dicom_only, stated)
    return split_hands(patient, None, model, device, progress) if split else patient


def read_headers(
    folder: str | os.PathLike[str] | None = None,
    visits: Sequence[Sequence[str]] = (),
    stated: Mapping[str, StatedFacts] = {},  # noqa: B006  # is not changed
    patient_id: str | None = None,
) -> Patient:
    """Return the patient of a folder, or of visits, as headers and tables state it; pixels are placeholders.

    Tags are checked, and sides where all are stated.

    Raises
    ------
    InputError
        As :func:`read_patient` and :func:`patient_from_radiographs`, and if the radiographs cannot be compared.
    """
    if folder is not None:
        patient = _from_folder(folder, patient_id, read=read_facts)
    else:
        patient = _from_visits(visits, patient_id, stated=stated, read=read_facts)
    return check_facts(patient)


def _from_visits(
    visits: Sequence[Any],
    patient_id: str | None,
    keep_identity: bool = False,
    spacing_mm: Any = None,
    dicom_only: bool = False,
    stated: Mapping[str, StatedFacts] = {},  # noqa: B006  # is not changed
    read: Callable[[Path, Spacing], Radiograph] = read_radiograph,
) -> Patient:
    """Return the patient of visits before hands are split; see :func:`patient_from_radiographs`."""
    spacing = check_spacing(spacing_mm)
    files: dict[str, RadiographFile] = {}
    ordered = []
    for number, visit in enumerate(visits, start=1):
        given = _given(visit, number)
        if dicom_only:
            paths = [Path(each) for each in given if isinstance(each, (str, os.PathLike))]
            _check_dicom(all(is_dicom(path) for path in paths if os.path.isfile(path)))
        radiographs = [_radiograph(each, files, spacing, stated.get(str(each)), read) for each in given]
        if not radiographs:
            raise InputError(f"Visit {number} has no radiograph. Give one, or leave the visit out.", "followup")
        ordered.append(radiographs)
    if not ordered:
        raise InputError("No radiographs are given. Give a baseline and a follow-up.", "baseline")
    identities = {name: file.identity for name, file in files.items()}
    notes = [*check_one_patient(identities, "The input", "followup"), *notes_on_doubts(files.values())]
    given_visits = visits_in_given_order(ordered)
    name, name_notes = _patient_id(patient_id, keep_identity, list(identities.values()))
    codes = identity_codes(identities.values())
    return Patient(given_visits, name, (*notes, *notes_on_dates(given_visits), *name_notes), identity=codes)


def _given(visit: Any, number: int) -> list[Any]:
    """Return the radiographs of a visit that are given as one or as a sequence."""
    if isinstance(visit, (str, os.PathLike, Radiograph)) or hasattr(visit, "shape"):
        return [visit]
    if isinstance(visit, Iterable) and not isinstance(visit, (bytes, Mapping)):
        return list(visit)
    raise InputError(
        f"Visit {number} is {reprlib.repr(visit)}. Give the path of a radiograph, a Radiograph, an array, or a list of "
        "these.",
        "baseline" if number == 1 else "followup",
    )


def _radiograph(
    given: Any,
    files: dict[str, RadiographFile],
    spacing: Spacing,
    stated: StatedFacts | None,
    read: Callable[[Path, Spacing], Radiograph],
) -> Radiograph:
    if stated is not None:
        radiograph = _read_file(Path(given), spacing, stated.spacing_mm, read)
    else:
        radiograph = as_radiograph(given, spacing)
    if not isinstance(given, (str, os.PathLike)):
        return radiograph
    if radiograph.path is not None and is_dicom(radiograph.path):
        file, why = header_of(radiograph.path, Path(given).name)
        if why:
            raise InputError(
                f"{given} is not a radiograph of hands ({why}). Give hand radiographs; if the "
                "header is wrong, correct it.",
                "followup",
            )
        files[str(given)] = file
    radiograph = _with_facts_of_name(radiograph, Path(given).name)
    if stated is None:
        return radiograph
    radiograph = with_stated_facts(radiograph, stated)
    return radiograph if spacing is None else radiograph.with_spacing(spacing)


def _read_file(
    path: Path, spacing: Spacing, stated: Spacing, read: Callable[[Path, Spacing], Radiograph]
) -> Radiograph:
    """Read a radiograph; a spacing of ``radiographs.csv`` replaces one of the file that cannot be read."""
    try:
        return read(path, spacing)
    except InputError as error:
        if error.argument != "spacing_mm" or stated is None:
            raise
        return read(path, stated)


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


def _check_dicom(are_dicom: bool) -> None:
    if not are_dicom:
        raise InputError(
            "DICOM objects refer to the DICOM files of the radiographs, but some radiographs are image files. "
            "Leave --dicom out, or give DICOM files.",
            "dicom",
        )


def _patient_id(
    patient_id: str | None, keep_identity: bool, identities: Sequence[Identity]
) -> tuple[str, Sequence[str]]:
    """Return the name of the patient in results, and notes on it."""
    if patient_id is not None:
        return patient_id, []
    number = next((identity.number for identity in identities if identity.number), "")
    return (number, []) if keep_identity and number else pseudonym(identities)
