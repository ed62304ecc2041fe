"""Read visit, day and side from the names of files and folders. Bare numbers state nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import PurePath

Rank = float

#: Source of a day or a side that only a name states.
SOURCE = "file name"

#: A word stands apart: no letter or digit touches it ("fu" in "fu2", but not in "full").
_APART, _END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
#: A DICOM identifier may hold the day of an export.
_IDENTIFIER = re.compile(r"\d+(\.\d+){3,}")
_BASELINE = re.compile(_APART + r"(?:baseline|base|bl|screening|before|pre)" + _END)
_VISIT = re.compile(_APART + r"(?:visit|vis|v|timepoint|tp|t|session|ses|exam)[ _-]?(\d{1,3})" + _END)
_FOLLOW_UP = re.compile(_APART + r"(?:follow[ _-]?up|fup|fu|after|post)[ _-]?(\d{0,2})" + _END)
#: Days in the units that visits are named after, each with its words before and behind a number.
_UNITS = (
    (1.0, r"days?", r"days?"),
    (7.0, r"weeks?|wk|w", r"weeks?|wks?|w"),
    (365.25 / 12, r"months?|mo|m", r"months?|mo|m"),
    (365.25, r"years?|yr|y", r"years?|yrs?|y"),
)
_TIMES = tuple(
    (days, re.compile(f"{_APART}(?:(?:{before})[ _-]?(\\d{{1,3}})|(\\d{{1,3}})[ _-]?(?:{behind})){_END}"))
    for days, before, behind in _UNITS
)
_SIDES = {
    "L": re.compile(_APART + r"(?:left|lh|(?:left|l)[ _-]?hand)" + _END),
    "R": re.compile(_APART + r"(?:right|rh|(?:right|r)[ _-]?hand)" + _END),
    "B": re.compile(_APART + r"(?:both|bilateral)" + _END),
}


def ranks(names: Sequence[str]) -> list[Rank] | None:
    """Return the place in time of every radiograph that names give: dates, weeks or months, visits, follow-ups.

    Parameters
    ----------
    names : sequence of str
        Paths relative to the patient's folder; folders may name the visits too, and the name nearest the file counts.

    Returns
    -------
    list of float or None
        Equal numbers are one visit, larger ones are later. Of the schemes by which all are named, the one that
        distinguishes most visits; None where there is none.
    """
    distinguishing = [scale for scale in all_ranks(names) if len(set(scale)) > 1]
    return max(distinguishing, key=lambda scale: len(set(scale)), default=None)


def all_ranks(names: Sequence[str]) -> list[list[Rank]]:
    """Return the ranks by every scheme that names all radiographs; two where names hold both visits and weeks."""
    scales = ([scale(name) for name in names] for scale in (_by_date, _by_time, _by_visit, _by_follow_up, _by_year))
    return [[rank for rank in scale if rank is not None] for scale in scales if None not in scale]


def day_in(name: str) -> date | None:
    """Return the day that a name states, year first (2020-01-31 or 20200131)."""
    rank = _by_date(name)
    return None if rank is None else date.fromordinal(int(rank))


def side_in(name: str) -> str | None:
    """Return ``"L"``, ``"R"`` or ``"B"`` (both) where a name says so in words; single letters do not count."""
    for part in _parts(name):
        said = [side for side, word in _SIDES.items() if word.search(part)]
        if said:
            return "B" if set(said) >= {"L", "R"} else said[0]
    return None


def _parts(name: str) -> list[str]:
    """Return the file name without its ending, then its folders; identifiers are left out."""
    path = PurePath(name.lower())
    stem = path.name if path.suffix[1:].isdigit() else path.stem
    return [part for part in (stem, *reversed(path.parts[:-1])) if not _IDENTIFIER.fullmatch(part)]


def _nearest(name: str, found: Sequence[set[Rank]]) -> Rank | None:
    """What the part nearest the file says; None where that is two things at once."""
    said: set[Rank] = next((values for values in found if values), set())
    return said.pop() if len(said) == 1 else None


def _by_date(name: str) -> Rank | None:
    return _nearest(name, [{*_days(part)} for part in _parts(name)])


def _days(part: str) -> list[Rank]:
    days = []
    for year, _, month, day in _DATE.findall(part):
        try:
            days.append(float(date(int(year), int(month), int(day)).toordinal()))
        except ValueError:  # the 31st of a short month
            continue
    return days


def _by_time(name: str) -> Rank | None:
    def values(part: str) -> set[Rank]:
        said = {days * float(one or other) for days, time in _TIMES for one, other in time.findall(part)}
        return said or ({0.0} if _BASELINE.search(part) else set())

    return _nearest(name, [values(part) for part in _parts(name)])


def _by_visit(name: str) -> Rank | None:
    def values(part: str) -> set[Rank]:
        said = {float(number) for number in _VISIT.findall(part)}
        return said or ({-1.0} if _BASELINE.search(part) else set())

    return _nearest(name, [values(part) for part in _parts(name)])


def _by_follow_up(name: str) -> Rank | None:
    def values(part: str) -> set[Rank]:
        said = {float(number or 1) for number in _FOLLOW_UP.findall(part)}
        return said | ({0.0} if _BASELINE.search(part) else set())

    return _nearest(name, [values(part) for part in _parts(name)])


def _by_year(name: str) -> Rank | None:
    return next((float(part) for part in _parts(name) if _YEAR.fullmatch(part)), None)
