"""Settle dates that contradict each other by the order of the visits, ask where that is not possible, and note them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby, pairwise
from typing import NamedTuple

from napari_jsn.common.errors import InputError
from napari_jsn.patient.order.file_names import SOURCE
from napari_jsn.patient.patient import Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.dates import OUTVOTED, StatedDate, may_be_placeholder
from napari_jsn.radiograph.radiograph import GIVEN

Order = Sequence[float | None]


class Contradiction(NamedTuple):
    """The indexes of two radiographs that two orders put in opposite order."""

    first: int
    second: int


def contradiction(one: Order, other: Order) -> Contradiction | None:
    """Return two radiographs that two orders put in opposite order; None where the orders agree."""
    known = sorted((a, b, index) for index, (a, b) in enumerate(zip(one, other)) if a is not None and b is not None)
    groups = [list(group) for _, group in groupby(known, key=lambda item: item[0])]
    for earlier, later in pairwise(groups):
        (_, first, index), (_, last, following) = max(earlier, key=_second), min(later, key=_second)
        if first > last:
            return Contradiction(index, following)
    return None


def _second(item: tuple[float, float, int]) -> float:
    return item[1]


def order_of_days(radiographs: Sequence[Radiograph]) -> list[float | None]:
    """Return the days as numbers; None where a radiograph has none."""
    return [float(each.day.toordinal()) if each.day else None for each in radiographs]


def settle_dates(radiographs: Sequence[Radiograph], orders: Sequence[Order]) -> list[Radiograph]:
    """Return the radiographs with dates that fit the known order of the visits.

    Only dates that contradict other dates of their file, without evidence which of them is right, are changed: for all
    radiographs to the date of the same attribute.

    Parameters
    ----------
    radiographs : sequence of Radiograph
    orders : sequence of sequence of float
        Known positions in time of the radiographs, by names or by the user.
    """
    known = [order for order in orders if len(set(order)) > 1]
    choices = [days for days in _choices(radiographs) if _fits(days, known)]
    if not known or not choices:
        return list(radiographs)
    return min(choices, key=lambda days: len(set(zip(order_of_days(days), *known))))


def check_dates_settled(radiographs: Sequence[Radiograph], names: Sequence[str], today: date | None = None) -> None:
    """Ask for the right dates where dates alone give the order of the visits, and contradict each other about it.

    Raises
    ------
    InputError
        If dates of one file contradict each other without evidence which of them is right, or if only some
        radiographs have a date in the future, and the order of the visits depends on it.
    """
    today = today or date.today()
    used, *others = (_dense(order_of_days(days)) for days in _choices(radiographs))
    if any(other != used for other in others):
        index = next(index for index, each in enumerate(radiographs) if _as_plausible(each))
        one, other = radiographs[index], _as_plausible(radiographs[index])[0]
        raise InputError(
            f"The dates of {names[index]} contradict each other, and the order of the visits depends on them: "
            f"{_label(one.acquired_source)} is {one.day}, but {_label(other.source)} is {other.day}. "
            f"{_how_to_state(names[index])}",
            "folder",
        )
    future = [each.day is not None and each.day > today for each in radiographs]
    if any(future) and not all(future):
        index = future.index(True)
        one = radiographs[index]
        raise InputError(
            f"{_label(one.acquired_source)} of {names[index]} is {one.day}, which lies in the future, and the order of "
            f"the visits depends on it. {_how_to_state(names[index])}",
            "folder",
        )


def notes_on_dates(visits: Sequence[Visit], today: date | None = None) -> list[str]:
    """Return notes on dates that were not used, and on those that contradict each other; no note contains a date."""
    today = today or date.today()
    notes = [
        f"{hand.label.capitalize()}: {note}"
        for visit in visits
        for hand in visit.hands
        for note in _notes(hand.radiograph, today)
    ]
    return list(dict.fromkeys(notes))


def unusable_dates(radiograph: Radiograph) -> str:
    """Return which dates a radiograph without a date states, and why they are not used; "" where it states none."""
    stated = [f"{_label(one.source)}{f' {one.day}' if one.day else ''}: {one.fault}" for one in radiograph.other_dates]
    return "; ".join(stated)


def _notes(radiograph: Radiograph, today: date) -> Iterator[str]:
    used = _label(radiograph.acquired_source)
    instead = f"{used} was used" if radiograph.day else "no date was used"
    for one in radiograph.other_dates:
        # no number of days from a placeholder: it would reveal the date
        apart = f"lies {_apart(one.day, radiograph.day)} {used}" if one.day and radiograph.day else ""
        if one.fault == OUTVOTED:
            yield f"{_label(one.source)} {apart} and was not used, because {one.fault}; {instead}."
        elif one.fault:
            yield f"{_label(one.source)} was not used, because {one.fault}; {instead}."
        else:
            yield f"{_label(one.source)} {apart}, and the file does not show which is right; {instead}."
    if radiograph.day and may_be_placeholder(radiograph.day):
        yield (
            f"{used[:1].upper()}{used[1:]} is a day at which the clocks of devices begin, so it may stand for an "
            "unknown date: check the order of the visits."
        )
    if radiograph.day and radiograph.day > today:
        yield f"{used[:1].upper()}{used[1:]} lies in the future: the file has shifted dates, or a clock was wrong."


def _apart(day: date, used: date) -> str:
    days = (day - used).days
    return f"{abs(days):,} days {'after' if days > 0 else 'before'}"


def _as_plausible(radiograph: Radiograph) -> list[StatedDate]:
    """Return the dates that contradict the one used, and are as plausible."""
    return [one for one in radiograph.other_dates if not one.fault]


def _choices(radiographs: Sequence[Radiograph]) -> list[list[Radiograph]]:
    """Return the radiographs with the dates that are used, then with those of each attribute that contradicts them."""
    sources = dict.fromkeys(one.source for each in radiographs for one in _as_plausible(each))
    return [list(radiographs), *([_dated_by(each, source) for each in radiographs] for source in sources)]


def _dated_by(radiograph: Radiograph, source: str) -> Radiograph:
    """Return the radiograph with the date that another attribute states, if it contradicts and is as plausible."""
    chosen = next((one for one in _as_plausible(radiograph) if one.source == source), None)
    if chosen is None:
        return radiograph
    before = StatedDate(radiograph.acquired_source, radiograph.acquired)
    others = (before, *(one for one in radiograph.other_dates if one is not chosen))
    return replace(radiograph, acquired=chosen.when, acquired_source=chosen.source, other_dates=others)


def _fits(radiographs: Sequence[Radiograph], known: Sequence[Order]) -> bool:
    days = order_of_days(radiographs)
    return not any(contradiction(days, order) for order in known)


def _dense(days: Order) -> list[int | None]:
    """Return the place of each day among the distinct days."""
    distinct = sorted({each for each in days if each is not None})
    return [None if each is None else distinct.index(each) for each in days]


def _how_to_state(name: str) -> str:
    return (
        f"State the right date in {RADIOGRAPHS_TABLE}: a first line file,acquired and for each such file a line like "
        f"{name},2020-01-31."
    )


def _label(source: str) -> str:
    """Return the name of an attribute in words: ``"Acquisition Date"``, ``"Patient's Birth Date"``."""
    if source in (SOURCE, GIVEN):
        return "the date in the file name" if source == SOURCE else "the given date"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", source)
    return words.replace("Date Time", "DateTime").replace("Patient ", "Patient's ")
