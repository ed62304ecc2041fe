"""Group radiographs into visits by date and by name; raise an error if these are missing or contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby
from pathlib import Path

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient.order import file_names
from napari_jsn.patient.order.dates import (
    Order,
    check_dates_settled,
    contradiction,
    notes_on_dates,
    order_of_days,
    settle_dates,
    unusable_dates,
)
from napari_jsn.patient.patient import Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.radiograph import Radiograph
from napari_jsn.radiograph.intensity import same_pixels

_NAMING = (
    "Name the files or their folders after the visits (baseline and followup, v01 and v02, week 0 and week 24, or "
    f"2020-01-31), or list the files in {RADIOGRAPHS_TABLE} with the columns file and acquired (or visit): "
    "a first line file,acquired and for each file a line like {name},2020-01-31."
)

#: Root mean square difference of the intensities of an image and a copy that was compressed with loss, at most.
_COMPRESSION = 0.005


@dataclass(frozen=True, eq=False)
class RadiographWithOrderHints:
    """A radiograph, with what determines its position in time besides its date.

    Parameters
    ----------
    radiograph : Radiograph
    name : str
        Path relative to the patient's folder.
    image : str
        DICOM identifier of the image, or "".
    visit : int or None
        Visit that ``radiographs.csv`` states.
    """

    radiograph: Radiograph
    name: str
    image: str = ""
    visit: int | None = None


def order_in_visits(
    radiographs: Sequence[RadiographWithOrderHints], folder: Path
) -> tuple[tuple[Visit, ...], list[str]]:
    """Group radiographs into visits, oldest first, and name them after their visits.

    If all radiographs state a date, the dates give the order; radiographs of one day are two visits only if their
    names state two visits. If a date is missing, the names give the order. Dates of one file that contradict each other
    are settled by the names.

    Returns
    -------
    tuple of Visit
    list of str
        Notes on visits ordered by name, on images that occur twice, and on dates that contradict each other.

    Raises
    ------
    InputError
        If neither dates nor names give the order, if they contradict each other, or if the order depends on dates of
        one file that contradict each other.
    """
    names = [each.name for each in radiographs]
    stated = _stated_visits(radiographs)
    by_name = [stated] if stated else file_names.all_ranks(names)
    dated = settle_dates([each.radiograph for each in radiographs], by_name)
    radiographs = [replace(each, radiograph=radiograph) for each, radiograph in zip(radiographs, dated)]
    days = order_of_days(dated)
    orders: list[Order] = [days, *by_name]
    for one, other in combinations(orders, 2):
        _check_same_order(names, one, other, folder)
    if not any(len(set(order)) > 1 for order in by_name):
        check_dates_settled(dated, names)
    one_visit = [0.0] * len(radiographs) if len(radiographs) == 1 or file_names.all_ranks(names) else None
    ranks = stated or file_names.ranks(names) or one_visit
    keys, notes = _keys(days, ranks, bool(stated)), []
    if keys is None:
        raise _unknown_order(folder, names[days.index(None)], dated[days.index(None)])
    if None in days and len(radiographs) > 1 and not stated:
        notes.append("Not all radiographs state a date: the names give the order of the visits.")
    visits: list[Visit] = []
    images: list[str] = []
    ordered = sorted(range(len(radiographs)), key=lambda index: (keys[index], names[index]))
    for number, (_, group) in enumerate(groupby(ordered, key=lambda index: keys[index]), start=1):
        members = list(group)
        if not stated and None in days and len({days[index] for index in members} - {None}) > 1:
            raise _unknown_order(folder, names[days.index(None)])  # one visit by name, but several dates
        distinct = _distinct([radiographs[index] for index in members])
        if len(distinct) < len(members):
            notes.append(f"Visit {number}: a radiograph that occurs more than once is used once.")
        images += [each.image for each in distinct if each.image]
        visits.append(_visit(number, [each.radiograph for each in distinct]))
    if len(set(images)) < len(images):
        notes.append("Different radiographs have the same SOP Instance UID; all were used.")
    return tuple(visits), [*notes, *notes_on_dates(visits)]


def visits_in_given_order(visits: Sequence[Sequence[Radiograph]]) -> tuple[Visit, ...]:
    """Return visits whose order the user gave; it settles dates of one file that contradict each other."""
    position = [float(number) for number, radiographs in enumerate(visits) for _ in radiographs]
    dated = iter(settle_dates([radiograph for radiographs in visits for radiograph in radiographs], [position]))
    ordered = []
    for number, radiographs in enumerate(visits, start=1):
        ordered.append(_visit(number, [next(dated) for _ in radiographs]))
    return tuple(ordered)


def _visit(number: int, radiographs: Sequence[Radiograph]) -> Visit:
    day = min((each.day for each in radiographs if each.day is not None), default=None)
    return Visit.from_radiographs(number, day, radiographs)


def _keys(days: Sequence[float | None], ranks: Sequence[float] | None, stated: bool) -> list[tuple[float, ...]] | None:
    """Return keys that sort the radiographs and are equal within a visit; None if the order is unknown."""
    if None in days or stated:
        return [(rank,) for rank in ranks] if ranks else None
    return [(day, rank) for day, rank in zip(days, ranks or [0.0] * len(days)) if day is not None]


def check_names(names: Sequence[str], folder: Path) -> None:
    """Raise an error if the names of image files give no order, before the files are read.

    Raises
    ------
    UnknownOrder
    """
    if len(names) > 1 and not file_names.all_ranks(names):
        raise _unknown_order(folder, next((name for name in names if not file_names.all_ranks([name])), names[0]))


class UnknownOrder(InputError):
    """Neither dates nor names of radiographs give the order of the visits."""


def _unknown_order(folder: Path, name: str, radiograph: Radiograph | None = None) -> UnknownOrder:
    unusable = unusable_dates(radiograph) if radiograph else ""
    states = f"states no date that can be used ({unusable})" if unusable else "states no date"
    naming = _NAMING.format(name=name)
    return UnknownOrder(
        f"{folder / name} {states}, and the names do not give the order of the visits. {naming}", "folder"
    )


def _stated_visits(radiographs: Sequence[RadiographWithOrderHints]) -> list[float] | None:
    """Return the visits as ``radiographs.csv`` states them; None if it does not state all."""
    stated = [float(each.visit) for each in radiographs if each.visit is not None]
    return stated if len(stated) == len(radiographs) else None


def _check_same_order(names: Sequence[str], one: Order, other: Order, folder: Path) -> None:
    """Raise an error if two orders of the same radiographs, by dates or by names, contradict each other."""
    if found := contradiction(one, other):
        raise InputError(
            f"The visits of {folder} are out of order: their dates and names (or two parts of "
            f"their names) put {names[found.first]} and {names[found.second]} in opposite order. Correct the names, or "
            f"state the correct dates in {RADIOGRAPHS_TABLE} with the columns file and acquired.",
            "folder",
        )


def _distinct(radiographs: Sequence[RadiographWithOrderHints]) -> list[RadiographWithOrderHints]:
    """Return the radiographs of a visit without copies; of two copies, the one that states a side is kept."""
    kept: list[RadiographWithOrderHints] = []
    for each in sorted(radiographs, key=lambda each: each.radiograph.side is None):
        if not any(_same_image(each, other) for other in kept):
            kept.append(each)
    return [each for each in radiographs if each in kept]


def _same_image(one: RadiographWithOrderHints, other: RadiographWithOrderHints) -> bool:
    """Return whether two radiographs are copies: equal pixels, and sides that do not differ.

    A copy may have been compressed again, but then it keeps its identifier.
    """
    first, second = one.radiograph, other.radiograph
    if first.pixels.shape != second.pixels.shape or None not in (first.side, second.side) and first.side != second.side:
        return False
    if one.image and one.image == other.image:
        return float(np.sqrt(np.mean((first.pixels - second.pixels) ** 2))) < _COMPRESSION
    return same_pixels(first.pixels, second.pixels)
