"""Decide which of the dates that a file states is the date of acquisition, by their agreement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

#: Dates that differ by more days than this contradict each other. A study may be opened some days before an exposure.
FAR_DAYS = 7

#: Why a date was not used.
PLACEHOLDER = "it is a placeholder"
UNREADABLE = "it cannot be read as a date"
TOO_EARLY = "it lies before the first radiograph (1895)"
BEFORE_BIRTH = "it lies before the patient's birth date"
AT_BIRTH = "it is the patient's birth date"
FUTURE = "it lies in the future"
OTHER_CALENDAR = "its year seems to be one of another calendar"
BIRTH_AFTER = "no other date lies after it"
OUTVOTED = "other dates of the file agree on another day"

#: The first radiograph.
_FIRST = date(1895, 11, 8)
#: Days that stand for "unknown", because calendars of programs begin there or because people type them.
_PLACEHOLDERS = {date(1, 1, 1), date(1899, 12, 30), date(1899, 12, 31), date(1900, 1, 1), date(1901, 1, 1)}
_PLACEHOLDERS |= {date(1904, 1, 1), date(1911, 11, 11), date(1858, 11, 17), date(1600, 1, 1), date(1601, 1, 1)}
_PLACEHOLDERS |= {date(1111, 11, 11), date(9999, 12, 31)}
#: Days of the same kind on which radiographs may have been taken: not used where the file states another day.
_POSSIBLE_PLACEHOLDERS = {date(year, 1, 1) for year in (1970, 1980, 2000, 2001)}
#: Dates of shifted (de-identified) or simulated files may lie in the future; the years of other calendars lie beyond.
_MOST_FUTURE_YEARS = 100
#: Age in years of a radiograph whose date is written in another calendar, at most.
_OLDEST_YEARS = 60
#: Years of other calendars minus those of the Gregorian one: Buddhist, Persian, Islamic, Minguo; Japanese: since 1926,
#: Heisei, Reiwa, and since its first emperor; Hebrew.
_CALENDARS = (543, -621, -579, -1911, -1925, -1988, -2018, 660, 3760)


@dataclass(frozen=True)
class StatedDate:
    """A date that a file states.

    Parameters
    ----------
    source : str
        The attribute that states it.
    when : datetime.datetime, datetime.date or None
        None where it cannot be read.
    fault : str
        Why it was not used; "" where it is as plausible as the date that was used.
    """

    source: str
    when: datetime | date | None
    fault: str = ""

    @property
    def day(self) -> date | None:
        """The date without the time."""
        return self.when.date() if isinstance(self.when, datetime) else self.when


@dataclass(frozen=True)
class DateOfAcquisition:
    """The date that was chosen among those of a file.

    Parameters
    ----------
    when : datetime.datetime, datetime.date or None
        None where no date can be used.
    source : str
        The attribute that states it, or "".
    others : tuple of StatedDate
        Dates that cannot be used, and dates that contradict the chosen one. Those without a fault are as plausible.
    """

    when: datetime | date | None = None
    source: str = ""
    others: tuple[StatedDate, ...] = ()


def far_apart(one: date, other: date) -> bool:
    """Return whether two dates contradict each other."""
    return abs((one - other).days) > FAR_DAYS


def choose_date(
    stated: Sequence[StatedDate], birth: date | None = None, created: date | None = None, today: date | None = None
) -> DateOfAcquisition:
    """Return the date of acquisition by the agreement of all dates that a file states.

    Placeholders and dates on which no radiograph of this patient can have been taken are not used. Of the others, the
    day that most attributes state is used. It is certain if no date contradicts it, if it has a majority of two, or if
    it has a majority and either the acquisition itself states it or it is the earliest day: a copy, an import or an
    export can only make a date later. Otherwise the dates that contradict it have no fault.

    Parameters
    ----------
    stated : sequence of StatedDate
        The first of several that agree is used. Acquisition DateTime and Acquisition Date count once.
    birth : datetime.date, optional
        The patient's birth date.
    created : datetime.date, optional
        Day on which the file was made. If the agreement does not settle the day, it cannot be later.
    today : datetime.date, optional
        By default today.
    """
    today = today or date.today()
    dates = [replace(one, fault=one.fault or _fault(one.day, birth, today)) for one in stated]
    usable = [one for one in dates if not one.fault] or _agreeing(dates)
    sound = [one for one in usable if one.day not in _POSSIBLE_PLACEHOLDERS]
    if sound and len(sound) < len(usable):
        dates += [replace(one, fault=PLACEHOLDER) for one in usable if one not in sound]
        usable = sound
    if not usable:
        return DateOfAcquisition(others=tuple(one for one in dates if one.fault))
    day, settled = _most_agree(usable, created)
    chosen = next(one for one in usable if not _far(one, day))
    contradicting = [replace(one, fault=OUTVOTED if settled else "") for one in usable if _far(one, day)]
    sources = {one.source for one in usable}
    faulty = [one for one in dates if one.fault and one.source not in sources]
    if birth and all(one.day and one.day <= birth for one in usable):
        faulty.append(StatedDate("PatientBirthDate", None, BIRTH_AFTER))
    return DateOfAcquisition(chosen.when, chosen.source, (*faulty, *contradicting))


def may_be_placeholder(day: date) -> bool:
    """Return whether a day on which radiographs may have been taken is one at which the clocks of devices begin."""
    return day in _POSSIBLE_PLACEHOLDERS


def readable_birth(day: date | None, today: date | None = None) -> date | None:
    """Return a birth date that can be one; None for a placeholder or a year of another calendar."""
    today = today or date.today()
    return day if day and day not in _PLACEHOLDERS and today.year - 130 <= day.year and day <= today else None


def _fault(day: date | None, birth: date | None, today: date) -> str:
    if day is None:
        return UNREADABLE
    if day in _PLACEHOLDERS:
        return PLACEHOLDER
    if day < _FIRST or day.year > today.year + _MOST_FUTURE_YEARS:
        if any(0 <= today.year - (day.year - years) <= _OLDEST_YEARS for years in _CALENDARS):
            return OTHER_CALENDAR
        return FUTURE if day > today else TOO_EARLY
    if day > today + timedelta(days=1):  # clocks of other time zones
        return FUTURE
    if birth and day <= birth:
        return AT_BIRTH if day == birth else BEFORE_BIRTH
    return ""


def _agreeing(dates: Iterable[StatedDate]) -> list[StatedDate]:
    """Return the dates if all agree on a day in the near future (shifted dates) or not after a wrong birth date."""
    stated = [one for one in dates if one.fault not in (PLACEHOLDER, UNREADABLE)]
    first = stated[0].day if stated else None
    if first is None or len({_witness(one) for one in stated}) < 2:
        return []
    if any(one.fault not in (FUTURE, BEFORE_BIRTH, AT_BIRTH) or _far(one, first) for one in stated):
        return []
    return [replace(one, fault="") for one in stated]


def _most_agree(usable: Sequence[StatedDate], created: date | None) -> tuple[date, bool]:
    """Return the day that most attributes state, and whether that settles it."""
    days = sorted({one.day for one in usable if one.day})
    votes = {day: len({_witness(one) for one in usable if not _far(one, day)}) for day in days}
    acquired = {day: any(_witness(one) == _ACQUISITION and not _far(one, day) for one in usable) for day in days}
    if created is not None and len(best := [day for day in days if votes[day] == max(votes.values())]) > 1:
        later = {day for day in best if day > created and far_apart(day, created)}
        if later and len(later) < len(best):
            votes |= dict.fromkeys(later, 0)
    day = max(days, key=lambda day: (votes[day], acquired[day], -day.toordinal()))
    rest = [votes[other] for other in days if far_apart(day, other)]
    lead = votes[day] - max(rest, default=0)
    return day, not rest or lead > 1 or (lead == 1 and (acquired[day] or not far_apart(day, days[0])))


_ACQUISITION = "Acquisition"


def _witness(one: StatedDate) -> str:
    """Return what a date is evidence of; Acquisition DateTime and Acquisition Date are one."""
    return _ACQUISITION if one.source.startswith(_ACQUISITION) else one.source


def _far(one: StatedDate, day: date) -> bool:
    return one.day is not None and far_apart(one.day, day)
