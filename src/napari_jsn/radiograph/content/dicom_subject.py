"""Read from a DICOM header what an image shows: a radiograph of hands, another part of the body, or no radiograph.

Coded attributes count before descriptions, and those of the series before those of the whole study. A word that is not
known excludes nothing, and a hand that is named together with another part is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pydicom import Dataset

from napari_jsn.anatomy.body_parts import HAND, part_of_code, parts_in_words
from napari_jsn.radiograph.dicom_header import value

#: Modalities of plain radiographs: computed, digital, digitised film, other, not stated.
MODALITIES = ("CR", "DX", "RG", "OT", "")
#: Defined terms of Modality (DICOM PS3.3 C.7.3.1.1.1), retired ones included; another value could be a name.
_KNOWN_MODALITIES = (
    "ANN AR ASMT AU BDUS BI BMD CD CF CFM CP CR CS CT CTPROTOCOL DD DF DG DM DMS DOC DS DX EC ECG EEG EMG EOG EPS ES "
    "FA FID FS GM HC HD IO IOL IVOCT IVUS KER KO LEN LP LS M3D MA MG MR MS NM OAM OCT OP OPM OPR OPT OPTBSV OPTENF "
    "OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT "
    "RWV SEG SM SMR SR SRF ST STAIN TEXTUREMAP TG US VA VF XA XC XAPROTOCOL"
)
_SERIES_TEXTS = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")
_STUDY_TEXTS = ("StudyDescription", "RequestedProcedureDescription", "PerformedProcedureStepDescription")
_REGIONS = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")
#: The attributes that this module reads.
TAGS = (
    "SOPClassUID", "Modality", "Rows", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "ImageType",
    "ConversionType", "BodyPartExamined", *_REGIONS, *_SERIES_TEXTS, *_STUDY_TEXTS,
)  # fmt: skip

_RADIOGRAPH_CLASSES = ("1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_DIRECTORY = "1.2.840.10008.1.3.10"
#: Conversion types of films and pages that a scanner or a camera digitised.
_DIGITISED = ("DV", "DI", "DF", "SD", "SI")
_SCREENSHOT = re.compile(r"screen ?(save|shot|capture)|dose|report", re.IGNORECASE)
#: Words of descriptions of reports, in the languages of :mod:`napari_jsn.anatomy.body_parts`.
_REPORT = re.compile(
    r"screen ?-?(save|shot|capture)|bildschirm|\bdos(e|is|imetr)|report|protokoll|bericht|befund|rapport|compte rendu|"
    r"informe|referto|verslag",
    re.IGNORECASE,
)


def is_directory(header: Dataset) -> bool:
    """Return whether a file is a DICOMDIR, the index of a disc."""
    return str(getattr(header, "file_meta", Dataset()).get("MediaStorageSOPClassUID", "")) == _DIRECTORY


def is_incomplete(header: Dataset) -> bool:
    """Return whether a header lacks the size of the image that its class must have: the file is cut off."""
    kind = str(value(header, "SOPClassUID") or "")
    return "Rows" not in header and (not kind or kind in _RADIOGRAPH_CLASSES or _is_secondary_class(kind))


def not_a_radiograph(header: Dataset) -> str:
    """Return why a file is not a plain radiograph, as ``"modality MR"``; ``""`` if it may be one."""
    modality = str(value(header, "Modality") or "").upper()
    if modality not in MODALITIES:
        return f"modality {modality}" if modality in _KNOWN_MODALITIES.split() else "another modality"
    if "Rows" not in header:
        return "type report (no image)"
    frames = str(value(header, "NumberOfFrames") or "1")
    if frames.isdigit() and int(frames) > 1:
        return "type multi-frame image"
    image_type = " ".join(_texts(header, "ImageType"))
    if "LOCALIZER" in image_type.upper():
        return "type localizer"
    described = " ".join(text for keyword in _SERIES_TEXTS for text in _texts(header, keyword))
    if _SCREENSHOT.search(image_type.replace("_", " ")) or (is_secondary(header) and _REPORT.search(described)):
        return "type screenshot or report"
    return ""


def other_part(header: Dataset) -> tuple[str, str]:
    """Return the part of the body other than a hand that a header states, and what it leaves open.

    Returns
    -------
    part : str
        ``"FOOT"``, ``"KNEE"``, ...; ``""`` if it states a hand or nothing that is known.
    doubt : str
        Why a hand is assumed though the header names another part too; ``""`` without such a contradiction.
    """
    coded = _coded_parts(header)
    series, study = (
        frozenset[str]().union(*(parts_in_words(text) for name in names for text in _texts(header, name)))
        for names in (_SERIES_TEXTS, _STUDY_TEXTS)
    )
    if others := [parts for parts in coded if parts and HAND not in parts]:
        if series == {HAND}:
            return "", f"states {_listed(others[0])}, but its description names a hand"
        return _listed(others[0]), ""
    if any(coded):
        contradicts = series and HAND not in series
        return "", f"states a hand, but its description names {_listed(series)}" if contradicts else ""
    described = series or study
    if HAND in described:
        more = described - {HAND}
        return "", f"has a description that names a hand and {_listed(more)}" if more else ""
    return _listed(described), ""


def states_hand(header: Dataset) -> bool:
    """Return whether a coded attribute or the description of the series names a hand."""
    described = (parts_in_words(text) for keyword in _SERIES_TEXTS for text in _texts(header, keyword))
    return any(HAND in parts for parts in (*_coded_parts(header), *described))


def is_secondary(header: Dataset) -> bool:
    """Return whether an image is a secondary capture that no scanner of films made."""
    kind, conversion = (str(value(header, keyword) or "") for keyword in ("SOPClassUID", "ConversionType"))
    return _is_secondary_class(kind) and conversion not in _DIGITISED


def _is_secondary_class(kind: str) -> bool:
    return kind == _SECONDARY_CAPTURE or kind.startswith(f"{_SECONDARY_CAPTURE}.")


def _coded_parts(header: Dataset) -> list[frozenset[str]]:
    """Return the parts that Body Part Examined and each code sequence name."""
    return [parts_in_words(" ".join(_texts(header, "BodyPartExamined"))), *(_region(header, name) for name in _REGIONS)]


def _region(header: Dataset, keyword: str) -> frozenset[str]:
    """Return the parts that the items of a code sequence name, by their codes or else by their meanings."""
    found = set[str]()
    for item in value(header, keyword) or []:
        code = part_of_code(str(value(item, "CodeValue") or ""))
        found |= {code} if code else parts_in_words(str(value(item, "CodeMeaning") or ""))
    return frozenset(found)


def _texts(header: Dataset, keyword: str) -> Sequence[str]:
    """Return the values of an attribute as texts."""
    found = value(header, keyword)
    if found is None:
        return []
    return [str(found)] if isinstance(found, str) or not isinstance(found, Iterable) else [str(each) for each in found]


def _listed(parts: Iterable[str]) -> str:
    return " and ".join(sorted(parts))
