"""Headers of the DICOM radiographs of a progression, read from their files, with or without identity."""

from __future__ import annotations

import filecmp
import warnings
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.export.dicom.shared import UTF8, derived_uid
from napari_jsn.progression.narrowing import MeasuredHand
from napari_jsn.progression.progression import Progression
from napari_jsn.radiograph.dicom_header import value

if TYPE_CHECKING:
    from pydicom import Dataset

#: Attributes that a reference to an image needs or that describe it; none identifies patient or day.
IMAGE = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns",
    "PatientOrientation", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
#: Attributes of patient and study that must be present, empty where unknown (DICOM type 2).
STATED = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
DEIDENTIFIED = "Pseudonym for the patient; dates removed; UIDs kept"


def source_images(progression: Progression, keep_identity: bool) -> dict[Path, Dataset]:
    """Return the headers of the radiographs, one for each file, in the order of the hands.

    Parameters
    ----------
    progression : Progression
    keep_identity : bool
        Keep patient and study as the files state them; otherwise the headers have only the pseudonym.

    Raises
    ------
    InputError
        If a radiograph was not read from a DICOM file, if the file is missing or lacks identifiers, or if different
        files have the same SOP Instance UID.
    """
    paths = dict.fromkeys(map(radiograph_path, progression.hands))
    headers = {path: _header(path, progression.patient_id, keep_identity) for path in paths}
    for (one, first), (other, second) in combinations(headers.items(), 2):
        if first.SOPInstanceUID == second.SOPInstanceUID and not filecmp.cmp(one, other, shallow=False):
            raise InputError(
                f"DICOM objects cannot refer to {one} and {other}, which have the same SOP Instance UID. Give each "
                "radiograph a UID of its own, or leave DICOM out.",
                "dicom",
            )
    return headers


def radiograph_path(hand: MeasuredHand) -> Path:
    """Return the file that the radiograph of a hand was read from.

    Raises
    ------
    InputError
        If it was not read from a file.
    """
    path = hand.radiograph.path
    if path is None:
        raise InputError(
            f"DICOM objects refer to the DICOM files of the radiographs, but visit {hand.visit} came from an array. "
            "Read it from a DICOM file, or leave DICOM out.",
            "dicom",
        )
    return path


def tracking_uid(progression: Progression, images: Mapping[Path, Dataset], side: str, *part: str) -> str:
    """Return the identifier of a joint or bone, equal at all visits and in all results with the same baseline."""
    first = next((hand for hand in progression.hands if (hand.side or "") == side), progression.hands[0])
    return derived_uid("tracking", images[radiograph_path(first)].SOPInstanceUID, side, *part)


def _header(path: Path, pseudonym: str, keep_identity: bool) -> Dataset:
    from pydicom import Dataset

    from napari_jsn.radiograph.dicom import read_header

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about faults in a header
        try:
            stated = read_header(path)
        except Exception as error:  # missing, damaged, or another kind of file
            raise InputError(
                f"DICOM objects refer to the DICOM files of the radiographs, but {path} is not a DICOM file or is "
                "missing. Measure DICOM radiographs, or leave DICOM out.",
                "dicom",
            ) from error
        missing = [keyword for keyword in REQUIRED if value(stated, keyword) is None]
        if missing:
            raise InputError(f"DICOM objects cannot refer to {path}: it lacks {', '.join(missing)}.", "dicom")
        header = Dataset()
        if keep_identity:
            header.update(stated)
            for keyword in (
                "FrameOfReferenceUID",
                "PositionReferenceIndicator",
            ):  # a radiograph has no position in space
                header.pop(keyword, None)
        for keyword in IMAGE:
            if (found := value(stated, keyword)) is not None:
                setattr(header, keyword, found)
    for keyword in STATED:
        setattr(header, keyword, _well_formed(keyword, value(header, keyword)))
    if not keep_identity:
        header.PatientID, header.PatientName = pseudonym, f"{pseudonym}^"  # a family name only
        if value(stated, "PatientID") != pseudonym:
            header.PatientIdentityRemoved, header.DeidentificationMethod = "YES", DEIDENTIFIED
    header.SpecificCharacterSet = UTF8
    return header


def _well_formed(keyword: str, stated: Any) -> Any:
    """The value if it is valid, else empty: highdicom refuses invalid values."""
    from pydicom.valuerep import DA, TM

    if stated is None or (keyword == "PatientSex" and stated not in ("M", "F", "O")):
        return ""
    try:
        if keyword.endswith("Date"):
            day = DA(str(stated))
            return "" if day is None else f"{day:%Y%m%d}"
        if keyword.endswith("Time"):
            TM(str(stated))
    except ValueError:
        return ""
    return stated
