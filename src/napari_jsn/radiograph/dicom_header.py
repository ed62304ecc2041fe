"""Read pixel spacing, side and view from a DICOM header, with their source; nothing is guessed."""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_description, tag_for_keyword

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Spacings whose relative difference is below this are equal: headers round to few decimals.
SAME_SPACING = 1e-3

#: Codes of left and right: SNOMED CT, and SNOMED RT in older files.
LEFT_CODES, RIGHT_CODES = ("7771000", "G-A101"), ("24028007", "G-A100")

#: SOP classes of digital radiographs.
DX_FOR_PRESENTATION, DX_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1"


def value(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an attribute; None where it is absent, empty or malformed."""
    try:
        found = dataset.get(keyword)
    except Exception:  # pydicom converts on access, and raises many types for malformed text
        return None
    return None if found is None or found == "" else found


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return the finite numbers of an attribute; empty where it is absent or malformed."""
    found = value(dataset, keyword)
    if found is None:
        return ()
    if isinstance(found, str):  # a text VR in place of a number
        found = found.split("\\")
    try:
        values = tuple(float(number) for number in (found if hasattr(found, "__iter__") else [found]))
    except (TypeError, ValueError):
        return ()
    return values if all(math.isfinite(number) for number in values) else ()


def raw_text(dataset: Dataset, keyword: str) -> str:
    """Return what the file holds for an attribute, as text; empty where it is absent or empty."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return ""
    found = dataset.get_item(tag).value
    if isinstance(found, bytes):
        found = found.decode("ascii", "replace")
    elif not isinstance(found, str) and hasattr(found, "__iter__"):
        found = "\\".join(str(each) for each in found)
    return "" if found is None else str(found).strip(" \0")


#: Source of a spacing at the detector that is divided by the stated magnification.
CORRECTED = "magnification corrected"


def spacing(dataset: Dataset) -> tuple[Spacing, str]:
    """Return the pixel spacing in mm, and its source.

    DICOM PS3.3 10.7.1: Pixel Spacing is the distance in the patient. If the image is not calibrated, it is equal to
    Imager Pixel Spacing (at the front of the detector) or Nominal Scanned Pixel Spacing (digitised film).

    1. Pixel Spacing with Pixel Spacing Calibration Type: ``"calibrated"``.
    2. Pixel Spacing that differs from Imager (or Nominal Scanned) Pixel Spacing, without a type: Pixel Spacing; how it
       was corrected is unknown: ``"calibration unknown"``.
    3. Nominal Scanned Pixel Spacing: ``"nominal scanned"``.
    4. Imager Pixel Spacing over Estimated Radiographic Magnification Factor: ``"magnification corrected"``;
       without the factor: ``"at detector"``, larger than in the patient.
    5. Pixel Spacing alone: ``"uncalibrated"``.
    6. None of them: None, ``""``.

    Raises
    ------
    InputError
        Unless the spacing is calibrated: if an attribute states something that is not a pair of lengths, or if the
        magnification of a spacing at the detector is not a number of 1 or more.
    """
    patient = _pair(dataset, "PixelSpacing")
    detector = _pair(dataset, "ImagerPixelSpacing")
    scanned = _pair(dataset, "NominalScannedPixelSpacing")
    uncorrected = scanned or detector
    if patient and value(dataset, "PixelSpacingCalibrationType"):
        return check_spacing(patient), "calibrated"
    # an attribute that cannot be read may have had priority, or have shown what another one means
    for keyword in ("PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing"):
        if not _pair(dataset, keyword):
            _refuse_unreadable(dataset, keyword, "a pair of lengths in mm (row spacing and column spacing)")
    if patient and uncorrected and not _same(patient, uncorrected):
        return check_spacing(patient), "calibration unknown"
    if scanned:
        return check_spacing(scanned), "nominal scanned"
    if detector:
        factor = magnification(dataset)
        if factor is not None:  # a point source always magnifies
            return check_spacing([size / factor for size in detector]), CORRECTED
        _refuse_unreadable(dataset, "EstimatedRadiographicMagnificationFactor", "a number of 1 or more")
        return check_spacing(detector), "at detector"
    if patient:
        return check_spacing(patient), "uncalibrated"
    return None, ""


def magnification(dataset: Dataset) -> float | None:
    """Return the Estimated Radiographic Magnification Factor; None where there is none that :func:`spacing` uses."""
    factor = numbers(dataset, "EstimatedRadiographicMagnificationFactor")
    return float(factor[0]) if len(factor) == 1 and factor[0] >= 1 else None


def _pair(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return (row, col) spacing; empty where it is absent or not a pair of lengths."""
    found = numbers(dataset, keyword)
    return found if len(found) == 2 and min(found) > 0 else ()


def _refuse_unreadable(dataset: Dataset, keyword: str, meaning: str) -> None:
    """Refuse an attribute that states something else than it should, unless it is absent or empty."""
    if text := raw_text(dataset, keyword):
        raise InputError(
            f"{dictionary_description(keyword)} is {text!r}, which is not {meaning}. Correct the attribute, or give "
            "spacing_mm.",
            "spacing_mm",
        )


def pixel_aspect(dataset: Dataset) -> float:
    """Return the height of a pixel over its width, by Pixel Aspect Ratio (1 where it is absent).

    Raises
    ------
    InputError
        If Pixel Aspect Ratio is not two numbers above 0.
    """
    text = raw_text(dataset, "PixelAspectRatio")
    if not text:
        return 1.0
    ratio = numbers(dataset, "PixelAspectRatio")
    if len(ratio) != 2 or min(ratio) <= 0:
        raise InputError(
            f"Pixel Aspect Ratio is {text!r}, which is not two numbers above 0 (vertical and horizontal). Correct the "
            "attribute, or remove it if pixels are square.",
            "spacing_mm",
        )
    return ratio[0] / ratio[1]


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(math.isclose(a, b, rel_tol=SAME_SPACING) for a, b in zip(one, other))


def side(dataset: Dataset) -> tuple[str | None, str]:
    """Return ``"L"``, ``"R"`` or None, and the attribute that states it.

    In order: Image Laterality, Laterality (of the series), Frame Laterality, and the modifier of the coded anatomic
    region. The first attribute with a value is used, even if it states both sides ("B").
    """
    for keyword in ("ImageLaterality", "Laterality"):
        stated = _side_of(value(dataset, keyword))
        if stated:
            return (None, f"{keyword}: both") if stated == "B" else (stated, keyword)
    for group in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for frame in _items(dataset, group)[:1]:
            for anatomy in _items(frame, "FrameAnatomySequence"):
                stated = _side_of(value(anatomy, "FrameLaterality"))
                if stated:
                    return (None, "FrameLaterality: both") if stated == "B" else (stated, "FrameLaterality")
    codes = {
        str(value(modifier, "CodeValue"))
        for region in _items(dataset, "AnatomicRegionSequence")
        for modifier in _items(region, "AnatomicRegionModifierSequence")
    }
    left, right = not codes.isdisjoint(LEFT_CODES), not codes.isdisjoint(RIGHT_CODES)
    if left != right:
        return ("L" if left else "R"), "AnatomicRegionSequence"
    return (None, "AnatomicRegionSequence: both") if left else (None, "")


def _side_of(stated: Any) -> str | None:
    """Return ``"L"``, ``"R"``, ``"B"`` (both), or None for any other value (such as "U", unpaired)."""
    word = str(stated or "").strip().upper()
    return word if word in ("L", "R", "B") else None


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    return list(value(dataset, keyword) or [])


def view(dataset: Dataset) -> str:
    """Return the View Position, or ``""``."""
    return str(value(dataset, "ViewPosition") or "").strip()


def view_code(dataset: Dataset) -> str:
    """Return the view in words, as View Code Sequence and Projection Eponymous Name Code Sequence state it, or ``""``.

    A code of DICOM CID 4010 (SNOMED CT, or SNOMED RT in older files) is given by its standard meaning, followed by the
    meaning in the file, which may be in another language; View Modifier Code Sequence is added.
    """
    codes = _items(dataset, "ViewCodeSequence")
    modifiers = [modifier for code in codes for modifier in _items(code, "ViewModifierCodeSequence")]
    eponyms = _items(dataset, "ProjectionEponymousNameCodeSequence")
    words = [_view_in_words(code) for code in (*codes, *modifiers, *eponyms)]
    return ", ".join(dict.fromkeys(filter(None, words)))


def _view_in_words(item: Dataset) -> str:
    code, scheme, meaning = (
        str(value(item, keyword) or "").strip() for keyword in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
    )
    standard = _standard_view(code, scheme) if code else ""
    if not standard or standard.lower() in meaning.lower():
        return meaning
    return f"{standard} ({meaning})" if meaning else standard


def _standard_view(code: str, scheme: str) -> str:
    """Return the meaning of a code of CID 4010 (views) or CID 4012 (eponymous projections); ``""`` for another one."""
    from pydicom.sr.codedict import Code, codes  # slow to import

    # older files name SNOMED RT "99SDM", "SNM3" or "SRT"
    stated = Code(code, "SRT" if scheme in ("99SDM", "SNM3") else scheme, "")
    for group in (codes.cid4010, codes.cid4012):
        for name in group.dir():
            known = getattr(group, name)
            if known == stated:
                return str(known.meaning)
    return ""


#: Words of descriptions that mean a lateral or oblique view, and those that mean a posteroanterior or anteroposterior
#: one. Only whole words, because descriptions also hold names.
_DESCRIBED_OBLIQUE = re.compile(
    r"LAT|LATERALE?|OBL|OBLIQ|OBLIQUE|OBLIQUA|OBLICUA|SEITLICH|SCHR(?:AE|\u00c4|A)G|PROFIL|BALLCATCHER"
)
_DESCRIBED_FRONTAL = re.compile(r"PA|AP|DP|PD|DV|VD|(?:ANTERO|POSTERO)(?:ANTERIOR|POSTERIOR)|DORSO(?:PALMAR|VOLAR)")
_DESCRIPTIONS = ("SeriesDescription", "AcquisitionDeviceProcessingDescription", "ProtocolName")


def describes_oblique(dataset: Dataset) -> bool:
    """Return whether a free text of the series names a lateral or oblique view, and no posteroanterior one."""
    texts = (str(value(dataset, keyword) or "").upper() for keyword in _DESCRIPTIONS)
    words = [word for text in texts for word in re.split(r"[\W_\d]+", text)]
    return any(map(_DESCRIBED_OBLIQUE.fullmatch, words)) and not any(map(_DESCRIBED_FRONTAL.fullmatch, words))


def presentation_intent(dataset: Dataset) -> str:
    """Return ``"FOR PROCESSING"``, ``"FOR PRESENTATION"`` or ``""``: by Presentation Intent Type, else by SOP Class."""
    stated = " ".join(str(value(dataset, "PresentationIntentType") or "").upper().split())
    if stated in ("FOR PROCESSING", "FOR PRESENTATION"):
        return stated
    of_class = str(value(dataset, "SOPClassUID") or "")
    return {DX_FOR_PROCESSING: "FOR PROCESSING", DX_FOR_PRESENTATION: "FOR PRESENTATION"}.get(of_class, "")
