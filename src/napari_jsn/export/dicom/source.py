"""Headers of the DICOM radiographs of a progression, read from their files, with or without identity."""

from __future__ import annotations

import filecmp
import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.secret_key import keyed_code
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
#: Attributes of :data:`IMAGE` that identify study, series and image; values that are no UIDs are replaced.
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
#: What the other attributes of :data:`IMAGE` may hold; other text is not passed on.
_VALUES = {
    "Modality": r"[A-Z]{2}",
    "PatientOrientation": r"[ALRPFH]{1,3}",
    "LossyImageCompression": r"0[01]",
    "LossyImageCompressionRatio": r"\d{1,3}(\.\d+)?",
    "LossyImageCompressionMethod": r"ISO_\d{4,5}_\d{1,2}",
}
#: Numbers separated by points, of which the first is 0 (ITU-T), 1 (ISO) or 2 (both).
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
REPLACED = (
    "A radiograph states an identifier of study, series or image that is no UID. The DICOM objects have another one in "
    "its place, so viewers may not find that radiograph."
)
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
    return _headers(map(radiograph_path, progression.hands), progression.patient_id, keep_identity)


def check_sources(paths: Iterable[Path]) -> None:
    """Check, before the long measurement, that DICOM objects can refer to the files of radiographs.

    Raises
    ------
    InputError
        As for :func:`source_images`.
    """
    _headers(paths, "", keep_identity=False)


def _headers(paths: Iterable[Path], pseudonym: str, keep_identity: bool) -> dict[Path, Dataset]:
    headers = {path: _header(path, pseudonym, keep_identity) for path in dict.fromkeys(paths)}
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
        if _valid("SOPClassUID", stated) is None:
            raise InputError(f"DICOM objects cannot refer to {path}: its SOP Class UID is no UID.", "dicom")
        header = Dataset()
        if keep_identity:
            header.update(stated)
            for keyword in (
                "FrameOfReferenceUID",
                "PositionReferenceIndicator",
            ):  # a radiograph has no position in space
                header.pop(keyword, None)
        for keyword in IMAGE:
            found = _valid(keyword, stated)
            if found is None and keyword in UIDS:
                found = derived_uid("replaced", keyword, _code(path, str(value(stated, keyword))))
            if found is not None:
                setattr(header, keyword, found)
            elif keyword in header:
                delattr(header, keyword)
    for keyword in STATED:
        setattr(header, keyword, _well_formed(keyword, value(header, keyword)))
    if not keep_identity:
        header.PatientID, header.PatientName = pseudonym, f"{pseudonym}^"  # a family name only
        if value(stated, "PatientID") != pseudonym:
            header.PatientIdentityRemoved, header.DeidentificationMethod = "YES", DEIDENTIFIED
    header.SpecificCharacterSet = UTF8
    return header


def has_replaced_uids(path: Path) -> bool:
    """Return whether a file states an identifier of study, series or image that is no UID."""
    from napari_jsn.radiograph.dicom import read_header

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about faults in a header
        stated = read_header(path, UIDS)
        return any(_valid(keyword, stated) is None for keyword in UIDS)


def _valid(keyword: str, stated: Dataset) -> Any:
    """Return a value that the attribute may have; None for any other text, which could be the identity of a patient."""
    found = value(stated, keyword)
    if found is None or keyword in ("Rows", "Columns"):
        return found
    if keyword.endswith("UID"):
        return found if len(str(found)) <= 64 and _UID.fullmatch(str(found)) else None
    values = [found] if isinstance(found, str) or not hasattr(found, "__iter__") else list(found)
    return found if all(re.fullmatch(_VALUES[keyword], str(each)) for each in values) else None


def _code(path: Path, text: str) -> str:
    """Return a code from which the text cannot be guessed; equal texts give equal codes where a key can be kept."""
    try:
        return keyed_code("uid", text)
    except OSError:  # no key can be kept
        return hashlib.sha256(path.read_bytes()).hexdigest()


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
