"""The DICOM radiographs that a progression was measured on: their headers, read again, with or without identity."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.export.dicom.objects import UTF8, uid
from napari_jsn.progression.progression import MeasuredHand, Progression
from napari_jsn.radiograph.dicom_header import value

if TYPE_CHECKING:
    from pydicom import Dataset

#: What a reference to an image needs, and what describes it; none of it names patient or day.
IMAGE = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns",
    "PatientOrientation", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
#: What patient and study must state, if only as unknown (DICOM type 2).
STATED = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
DEIDENTIFIED = "Pseudonym for the patient; dates removed; UIDs kept"


def source_images(p: Progression, keep_identity: bool) -> dict[Path, Dataset]:
    """The headers of the films, one per file, in the order of the films.

    Parameters
    ----------
    p : Progression
    keep_identity : bool
        Keep patient and study as the files state them; otherwise they carry the pseudonym and no more.

    Raises
    ------
    InputError
        If a film was not read from a DICOM file, or the file is gone or lacks its identifiers.
    """
    return {path: _header(path, p.patient, keep_identity) for path in dict.fromkeys(map(film_path, p.films))}


def film_path(film: MeasuredHand) -> Path:
    """The file that a film was read from."""
    path = film.radiograph.path
    if path is None:
        raise InputError(
            f"DICOM objects point to the DICOM files of the radiographs, but visit {film.visit} came from an array. "
            "Read it from a DICOM file, or leave DICOM out.",
            "dicom",
        )
    return path


def tracking_uid(p: Progression, images: Mapping[Path, Dataset], side: str, *part: str) -> str:
    """The identifier of one joint or bone over the visits: the same in every measurement that shares the baseline."""
    first = next((film for film in p.films if (film.side or "") == side), p.films[0])
    return uid("tracking", images[film_path(first)].SOPInstanceUID, side, *part)


def _header(path: Path, pseudonym: str, keep_identity: bool) -> Dataset:
    from pydicom import Dataset, dcmread

    from napari_jsn.radiograph.dicom import is_dicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # slips in a header
        try:
            if not is_dicom(path):
                raise ValueError("no DICOM file")
            stated = dcmread(path, stop_before_pixels=True, force=True)
            stated.decode()
        except Exception as error:  # gone, another kind of file, or damaged
            raise InputError(
                f"DICOM objects point to the DICOM files of the radiographs, but {path} is none, or is gone. "
                "Measure DICOM radiographs, or leave DICOM out.",
                "dicom",
            ) from error
        missing = [keyword for keyword in REQUIRED if value(stated, keyword) is None]
        if missing:
            raise InputError(f"{path} cannot be pointed to: it lacks {', '.join(missing)}.", "dicom")
        header = Dataset()
        if keep_identity:
            header.update(stated)
            for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):  # a radiograph lies in no volume
                header.pop(keyword, None)
        for keyword in IMAGE:
            if (found := value(stated, keyword)) is not None:
                setattr(header, keyword, found)
    for keyword in STATED:
        setattr(header, keyword, _well_formed(keyword, value(header, keyword)))
    if not keep_identity:
        header.PatientID, header.PatientName = pseudonym, f"{pseudonym}^"  # a family name alone
        if value(stated, "PatientID") != pseudonym:
            header.PatientIdentityRemoved, header.DeidentificationMethod = "YES", DEIDENTIFIED
    header.SpecificCharacterSet = UTF8
    return header


def _well_formed(keyword: str, stated: Any) -> Any:
    """The value as DICOM asks, empty where it is not there or no such thing: highdicom refuses others."""
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
