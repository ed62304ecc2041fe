"""Read the dates of a DICOM header, and choose the date of acquisition among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from pydicom import Dataset
from pydicom.valuerep import DA, DT, TM

from napari_jsn.radiograph.dates import DateOfAcquisition, StatedDate, choose_date, far_apart, readable_birth
from napari_jsn.radiograph.dicom_header import raw_text, value

#: Attributes after Acquisition DateTime that may state the date of acquisition, in order of preference.
_DATES = ("AcquisitionDate", "ContentDate", "StudyDate", "SeriesDate", "PerformedProcedureStepStartDate")
#: Attributes that state the day of the copy in derived images and secondary captures.
_OF_COPY = ("ContentDate", "SeriesDate")
#: Dates as other standards write them, which some files have.
_WITH_SEPARATORS = re.compile(r"^(\d{4})[-./](\d\d)[-./](\d\d)$")
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def acquired(dataset: Dataset, today: date | None = None) -> DateOfAcquisition:
    """Return the date of acquisition, with the time where it is stated, and the dates that contradict it.

    The dates are Acquisition DateTime, Acquisition Date, Content Date, Study Date, Series Date and Performed Procedure
    Step Start Date; :func:`~napari_jsn.radiograph.dates.choose_date` chooses among them. Content Date and Series Date
    may be the day of the copy in secondary captures (digitised film, exports), where they are ignored, and in derived
    images, where they only count if they agree with a date of acquisition.
    Times are local times of the clinic, without a time zone.
    """
    found = [date_time(dataset), *(_stated(dataset, keyword) for keyword in _DATES)]
    stated = [one for one in found if one is not None]
    if _is_secondary_capture(dataset):
        stated = [one for one in stated if one.source not in _OF_COPY]
    elif _is_derived(dataset):
        acquisition = [one.day for one in stated if one.source.startswith("Acquisition")]
        stated = [one for one in stated if one.source not in _OF_COPY or _agrees(one, acquisition)]
    birth = readable_birth(day(dataset, "PatientBirthDate"), today)
    return choose_date(stated, birth, day(dataset, "InstanceCreationDate"), today)


def _agrees(one: StatedDate, days: Iterable[date | None]) -> bool:
    return one.day is not None and any(other is not None and not far_apart(one.day, other) for other in days)


def date_time(dataset: Dataset) -> StatedDate | None:
    """Return Acquisition DateTime; None where it is absent or states no day, only a month or a year."""
    text = raw_text(dataset, "AcquisitionDateTime")
    if not text[:8].isdigit() or len(text) < 8:
        return None
    try:
        when = datetime.fromisoformat(DT(text).isoformat()).replace(tzinfo=None)
    except (TypeError, ValueError):
        return StatedDate("AcquisitionDateTime", _day_of(text[:8]))  # the day may be right
    return StatedDate("AcquisitionDateTime", when)


def day(dataset: Dataset, keyword: str) -> date | None:
    """Return the day that an attribute states; None where it is absent or cannot be read."""
    return _day_of(raw_text(dataset, keyword))


def _day_of(text: str) -> date | None:
    try:
        stated = DA(_WITH_SEPARATORS.sub(r"\1\2\3", text))
    except (TypeError, ValueError):
        return None
    return date(stated.year, stated.month, stated.day) if stated else None


def _stated(dataset: Dataset, keyword: str) -> StatedDate | None:
    text = raw_text(dataset, keyword)
    if not any(character in "123456789" for character in text):  # empty, zeros, or words such as "unknown"
        return None
    stated = day(dataset, keyword)
    time = None if stated is None or keyword == "StudyDate" else _time(value(dataset, keyword.replace("Date", "Time")))
    return StatedDate(keyword, datetime.combine(stated, time) if stated and time else stated)


def _is_secondary_capture(dataset: Dataset) -> bool:
    is_class = str(value(dataset, "SOPClassUID") or "").startswith(_SECONDARY_CAPTURE)
    return is_class or value(dataset, "ConversionType") is not None


def _is_derived(dataset: Dataset) -> bool:
    return raw_text(dataset, "ImageType").split("\\")[0].strip().upper() == "DERIVED"


def _time(text: Any) -> Any:
    try:
        time = TM(str(text))
    except (TypeError, ValueError):
        return None
    return time.replace(tzinfo=None) if time else None
