"""Read pixel spacing, side, view and date from a DICOM header, with their source; nothing is guessed."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

from pydicom import Dataset
from pydicom.valuerep import DA, DT, TM

from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Spacings whose relative difference is below this are equal: headers round to few decimals.
SAME_SPACING = 1e-3

#: Codes of left and right: SNOMED CT, and SNOMED RT in older files.
LEFT_CODES, RIGHT_CODES = ("7771000", "G-A101"), ("24028007", "G-A100")


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
    try:
        values = tuple(float(number) for number in (found if hasattr(found, "__iter__") else [found]))
    except (TypeError, ValueError):
        return ()
    return values if all(math.isfinite(number) for number in values) else ()


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
    """
    patient = _pair(dataset, "PixelSpacing")
    detector = _pair(dataset, "ImagerPixelSpacing")
    scanned = _pair(dataset, "NominalScannedPixelSpacing")
    uncorrected = scanned or detector
    if patient and value(dataset, "PixelSpacingCalibrationType"):
        return check_spacing(patient), "calibrated"
    if patient and uncorrected and not _same(patient, uncorrected):
        return check_spacing(patient), "calibration unknown"
    if scanned:
        return check_spacing(scanned), "nominal scanned"
    if detector:
        factor = numbers(dataset, "EstimatedRadiographicMagnificationFactor")
        # a point source always magnifies, so a factor below 1 is invalid
        if len(factor) == 1 and factor[0] >= 1:
            return check_spacing([size / factor[0] for size in detector]), "magnification corrected"
        return check_spacing(detector), "at detector"
    if patient:
        return check_spacing(patient), "uncalibrated"
    return None, ""


def _pair(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """Return (row, col) spacing; empty where it is absent or not a pair of lengths."""
    found = numbers(dataset, keyword)
    return found if len(found) == 2 and min(found) > 0 else ()


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
    """Return the view: View Position, or else the meaning of View Code Sequence, or else ``""``."""
    stated = str(value(dataset, "ViewPosition") or "").strip()
    meanings = (str(value(code, "CodeMeaning") or "").strip() for code in _items(dataset, "ViewCodeSequence"))
    return stated or next(filter(None, meanings), "")


def acquired(dataset: Dataset) -> tuple[datetime | date | None, str]:
    """Return the acquisition date, with the time where it is stated, and the attribute that states it.

    In order: Acquisition DateTime, Acquisition Date (with Time), Content Date (with Time), Study Date. Content Date is
    ignored in secondary captures (digitised film, exports), where it is the day of the copy. Times are local times of
    the clinic, without a time zone.
    """
    when = str(value(dataset, "AcquisitionDateTime") or "")
    if when[:8].isdigit() and len(when) >= 8:  # a year or a month alone gives no day
        try:
            return datetime.fromisoformat(DT(when).isoformat()).replace(tzinfo=None), "AcquisitionDateTime"
        except (TypeError, ValueError):
            pass
    dates = ["AcquisitionDate", "StudyDate"]
    if not _is_secondary_capture(dataset):
        dates.insert(1, "ContentDate")
    for keyword in dates:
        day = _day(value(dataset, keyword))
        if day is not None:
            time = None if keyword == "StudyDate" else _time(value(dataset, keyword.replace("Date", "Time")))
            return (datetime.combine(day, time) if time else day), keyword
    return None, ""


def _is_secondary_capture(dataset: Dataset) -> bool:
    secondary_capture = "1.2.840.10008.5.1.4.1.1.7"
    is_class = str(value(dataset, "SOPClassUID") or "").startswith(secondary_capture)
    return is_class or value(dataset, "ConversionType") is not None


def _day(text: Any) -> date | None:
    try:
        day = DA(str(text))
    except (TypeError, ValueError):
        return None
    return date(day.year, day.month, day.day) if day else None


def _time(text: Any) -> Any:
    try:
        time = TM(str(text))
    except (TypeError, ValueError):
        return None
    return time.replace(tzinfo=None) if time else None
