"""Read visit, day and side from the names of files and folders; numbers without a word are ignored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import PurePath

Rank = float

#: Source of a day or a side that is known only from the name of a file or folder.
SOURCE = "file name"

#: No letter or digit may come directly before or after a word with its number ("fu2" is found, "full" is not).
_START, _END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_YEAR = re.compile(r"(?:19|20)\d\d")
#: DICOM identifiers are ignored, because they may contain the day of an export.
_IDENTIFIER = re.compile(r"\d+(\.\d+){3,}")
_BASELINE = re.compile(_START + r"(?:baseline|base|bl|screening|before|pre)" + _END)
_VISIT = re.compile(_START + r"(?:visit|vis|v|timepoint|tp|t|session|ses|exam)[ _-]?(\d{1,3})" + _END)
_FOLLOW_UP = re.compile(_START + r"(?:follow[ _-]?up|fup|fu|after|post)[ _-]?(\d{0,2})" + _END)
#: Units of time in names: days in a unit, its words before a number, and its words after a number.
_UNITS = (
    (1.0, r"days?", r"days?"),
    (7.0, r"weeks?|wk|w", r"weeks?|wks?|w"),
    (365.25 / 12, r"months?|mo|m", r"months?|mo|m"),
    (365.25, r"years?|yr|y", r"years?|yrs?|y"),
)
_TIMES = tuple(
    (days, re.compile(f"{_START}(?:(?:{before})[ _-]?(\\d{{1,3}})|(\\d{{1,3}})[ _-]?(?:{after})){_END}"))
    for days, before, after in _UNITS
)
_SIDES = {
    "L": re.compile(_START + r"(?:left|lh|(?:left|l)[ _-]?hand)" + _END),
    "R": re.compile(_START + r"(?:right|rh|(?:right|r)[ _-]?hand)" + _END),
    "B": re.compile(_START + r"(?:both|bilateral)" + _END),
}


def ranks(names: Sequence[str]) -> list[Rank] | None:
    """Return the position in time of each radiograph by its name: by date, weeks or months, visit, or follow-up.

    Parameters
    ----------
    names : sequence of str
        Paths relative to the patient's folder. If the file name states nothing, the innermost folder that does is used.

    Returns
    -------
    list of float or None
        Equal numbers are one visit; a larger number is a later visit. If several naming schemes cover all names, the
        one that distinguishes most visits is used; None if no scheme
        covers all names and distinguishes visits.
    """
    several_visits = [by_scheme for by_scheme in all_ranks(names) if len(set(by_scheme)) > 1]
    return max(several_visits, key=lambda by_scheme: len(set(by_scheme)), default=None)


def all_ranks(names: Sequence[str]) -> list[list[Rank]]:
    """Return one list of ranks for each scheme that covers all names: two if they state both visits and weeks."""
    schemes = (_by_date, _by_time, _by_visit, _by_follow_up, _by_year)
    found = ([scheme(name) for name in names] for scheme in schemes)
    return [[rank for rank in by_scheme if rank is not None] for by_scheme in found if None not in by_scheme]


def day_in(name: str) -> date | None:
    """Return the day that a name states, year first (2020-01-31 or 20200131)."""
    rank = _by_date(name)
    return None if rank is None else date.fromordinal(int(rank))


def side_in(name: str) -> str | None:
    """Return ``"L"``, ``"R"`` or ``"B"`` (both) if a name contains the word; single letters do not count."""
    for part in _parts(name):
        sides = [side for side, word in _SIDES.items() if word.search(part)]
        if sides:
            return "B" if set(sides) >= {"L", "R"} else sides[0]
    return None


def _parts(name: str) -> list[str]:
    """Return the file name without its extension, then its folders, innermost first; identifiers are left out."""
    path = PurePath(name.lower())
    stem = path.name if path.suffix[1:].isdigit() else path.stem
    return [part for part in (stem, *reversed(path.parts[:-1])) if not _IDENTIFIER.fullmatch(part)]


def _first_rank(name: str, found: Sequence[set[Rank]]) -> Rank | None:
    """Return the rank in the first part that states one; None if that part states several."""
    first: set[Rank] = next((values for values in found if values), set())
    return first.pop() if len(first) == 1 else None


def _by_date(name: str) -> Rank | None:
    return _first_rank(name, [{*_days(part)} for part in _parts(name)])


def _days(part: str) -> list[Rank]:
    days = []
    for year, _, month, day in _DATE.findall(part):
        try:
            days.append(float(date(int(year), int(month), int(day)).toordinal()))
        except ValueError:  # the month has no 31st (or 30th)
            continue
    return days


def _by_time(name: str) -> Rank | None:
    def values(part: str) -> set[Rank]:
        stated = {days * float(one or other) for days, pattern in _TIMES for one, other in pattern.findall(part)}
        return stated or ({0.0} if _BASELINE.search(part) else set())

    return _first_rank(name, [values(part) for part in _parts(name)])


def _by_visit(name: str) -> Rank | None:
    def values(part: str) -> set[Rank]:
        stated = {float(number) for number in _VISIT.findall(part)}
        return stated or ({-1.0} if _BASELINE.search(part) else set())

    return _first_rank(name, [values(part) for part in _parts(name)])


def _by_follow_up(name: str) -> Rank | None:
    def values(part: str) -> set[Rank]:
        stated = {float(number or 1) for number in _FOLLOW_UP.findall(part)}
        return stated | ({0.0} if _BASELINE.search(part) else set())

    return _first_rank(name, [values(part) for part in _parts(name)])


def _by_year(name: str) -> Rank | None:
    return next((float(part) for part in _parts(name) if _YEAR.fullmatch(part)), None)
