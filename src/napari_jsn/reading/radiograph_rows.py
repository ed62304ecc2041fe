"""The radiographs of a patient as rows: date, side, pixel size with its source, and what to check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.patient.order.visits import visits_in_given_order
from napari_jsn.patient.patient import Patient
from napari_jsn.radiograph.radiograph import GIVEN, Radiograph
from napari_jsn.radiograph.spacing import check_spacing

#: Height of a thumbnail in pixels.
_THUMBNAIL = 68
_SIDES = {"L": "left", "R": "right"}
#: Sources of pixel sizes of which some are measured at the detector and others in the hand.
_PLAIN_SOURCES = {
    "calibrated": "calibrated", "uncalibrated": "not calibrated", "calibration unknown": "calibration unknown",
    "magnification corrected": "corrected for magnification", "at detector": "at the detector",
    "nominal scanned": "nominal, of a scan", GIVEN: "typed in",
}  # fmt: skip
#: Source of a pixel size that follows from a line of known length on the radiograph.
KNOWN_LENGTH = "known length"
#: What the sources mean for the figures.
_ABOUT_SOURCES = {
    "calibrated": "Calibrated in the patient, as the file states.",
    "uncalibrated": "The file does not state whether it holds at the detector or in the patient.",
    "calibration unknown": "The file states a corrected pixel size, but not how it was corrected.",
    "magnification corrected": "The pixel size at the detector, divided by the magnification that the file states.",
    "at detector": "At the detector, where the hand is magnified: widths and narrowing come out somewhat too large.",
    "nominal scanned": "Of the scanner that digitised the film.",
    GIVEN: "Typed in by a person.",
    KNOWN_LENGTH: "From a line that a person drew along a known length.",
}
#: A note on a patient whose visits have an order that nothing states.
ORDER_OF_NAMES = (
    "No date is known, and the names do not give the order of the visits: it is that of the names. Check it, or type "
    "the dates."
)
_NO_DATE = "Some dates are not known, so the visits keep their order. Double-click on a date to type it."


@dataclass(frozen=True)
class RadiographRow:
    """One radiograph in the list.

    Attributes
    ----------
    name : str
    date : str
        ``"2021-03-05"``, or ``"visit 2"`` where no date is known.
    side : str
        ``"left"``, ``"right"`` or ``"not stated"``.
    pixel_size : str
        In mm; empty where it is not known.
    source : str
        Where the pixel size comes from.
    warning : str
        What to check, or empty.
    thumbnail : (H, W) uint8 array
    about_source : str
        What the source of the pixel size means for the figures; empty where it is not known.
    """

    name: str
    date: str
    side: str
    pixel_size: str
    source: str
    warning: str
    thumbnail: NDArray[np.uint8] = field(repr=False)
    about_source: str = ""


def radiograph_rows(patient: Patient) -> list[RadiographRow]:
    """Return a row for each radiograph of a patient, by visit."""
    hands = patient.hands
    sources = {hand.radiograph.spacing_source for hand in hands if hand.radiograph.spacing_mm is not None}
    mixed = len(sources) > 1
    days = [hand.day or _day_of(hand.radiograph) for hand in hands]
    some_dates = None in days and any(days)
    rows = []
    for hand, day in zip(hands, days, strict=True):
        radiograph = hand.radiograph
        size, source = radiograph.spacing_mm, _PLAIN_SOURCES.get(radiograph.spacing_source, radiograph.spacing_source)
        about = _ABOUT_SOURCES.get(radiograph.spacing_source, "")
        if radiograph.magnification is not None and size is not None:
            factor = radiograph.magnification
            source = f"{source} {factor:.4g}"
            about = (
                f"{_in_mm(np.asarray(size) * factor)} mm at the detector, divided by {factor:.4g}, as the file states."
            )
        warning = ""
        if size is None:
            warning = "The pixel size is not known: figures will be in pixels. Double-click it to type it in mm."
        elif mixed:
            warning = "The pixel sizes come from different sources. Check them before you compare visits."
        if day is None and (some_dates or ORDER_OF_NAMES in patient.notes):
            warning = f"{warning}\n{_NO_DATE if some_dates else ORDER_OF_NAMES}".strip()
        rows.append(
            RadiographRow(
                radiograph.name,
                str(day) if day else f"visit {hand.visit}",
                _SIDES.get(hand.side or "", "not stated"),
                "" if size is None else _in_mm(size),
                source if size is not None else "not known",
                warning,
                thumbnail(radiograph.pixels),
                "" if size is None else about,
            )
        )
    return rows


def _day_of(radiograph: Radiograph) -> date | None:
    acquired = radiograph.acquired
    return None if acquired is None else date(acquired.year, acquired.month, acquired.day)


def _in_mm(size: ArrayLike) -> str:
    """Return the size of a pixel as text: one number where its height is its width."""
    return " x ".join(dict.fromkeys(f"{each:.4g}" for each in np.atleast_1d(size)))


def thumbnail(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a small picture of a radiograph."""
    step = max(1, pixels.shape[0] // _THUMBNAIL)
    small = pixels[::step, ::step]
    low, high = np.percentile(small, (1, 99.5))
    return np.asarray(255 * np.clip((small - low) / max(float(high - low), 1e-6), 0, 1), dtype=np.uint8)


def typed_spacing(text: str) -> float | tuple[float, float]:
    """Return a pixel size that was typed in mm, with a point or a comma: one number, or height and width.

    Raises
    ------
    InputError
    """
    try:
        numbers = [float(each) for each in text.replace(",", ".").replace("×", "x").lower().split("x")]
        row, column = numbers if len(numbers) == 2 else (numbers[0], *numbers)
    except ValueError:
        row = column = math.nan
    if not all(0 < each < math.inf for each in (row, column)):
        raise InputError(
            f"{text!r} is no pixel size. Type it in mm, for instance 0.1, or 0.1 x 0.12 (height x width).", "spacing_mm"
        )
    return row if row == column else (row, column)


def with_spacing(patient: Patient, number: int, spacing_mm: Any) -> Patient:
    """Return the patient with another pixel size of one radiograph, by the number of its row.

    Raises
    ------
    InputError
        If this is no pixel size.
    """
    spacing = check_spacing(spacing_mm)
    if spacing is None:
        raise InputError("Give the pixel size in mm, for instance 0.1.", "spacing_mm")
    return _replaced(patient, number, lambda radiograph: radiograph.with_spacing(spacing))


def with_known_length(patient: Patient, number: int, length_px: float, length_mm: float) -> Patient:
    """Return the patient with the pixel size of one radiograph on which a line of known length was drawn.

    Parameters
    ----------
    patient : Patient
    number : int
        Of the row.
    length_px : float
        Length of the line, in widths of a pixel.
    length_mm : float

    Raises
    ------
    InputError
        If no pixel size follows from it.
    """
    if not (length_px > 0 and length_mm > 0):
        raise InputError("Draw a line, and give its length in mm.", "spacing_mm")
    spacing = check_spacing(length_mm / length_px)
    return _replaced(patient, number, lambda one: replace(one.with_spacing(spacing), spacing_source=KNOWN_LENGTH))


def with_date(patient: Patient, number: int, day: date) -> Patient:
    """Return the patient with another date of one radiograph, and its visits in order of time.

    Radiographs of one day are one visit. Visits without a date keep their place, which is possible only where no
    visit has one.
    """
    changed = _replaced(patient, number, lambda one: replace(one, acquired=day, acquired_source=GIVEN))
    by_day: dict[date, list[Radiograph]] = {}
    for hand in changed.hands:
        known = _day_of(hand.radiograph)
        if known is None:
            return changed
        by_day.setdefault(known, []).append(hand.radiograph)
    visits = visits_in_given_order([by_day[each] for each in sorted(by_day)])
    return replace(changed, visits=visits, notes=tuple(note for note in patient.notes if note != ORDER_OF_NAMES))


def _replaced(patient: Patient, number: int, change: Any) -> Patient:
    hands = patient.hands
    if not 0 <= number < len(hands):
        raise InputError(f"There is no radiograph {number + 1}.", "radiograph")
    wanted = hands[number]
    new: dict[int, Sequence[Any]] = {
        visit.number: [
            replace(hand, radiograph=change(hand.radiograph), found=None) if hand is wanted else hand
            for hand in visit.hands
        ]
        for visit in patient.visits
    }
    return replace(patient.with_hands(new), hands_found=False)
