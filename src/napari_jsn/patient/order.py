"""Group radiographs into visits by date and by name; raise an error if these are missing or contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, pairwise
from pathlib import Path

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient import file_names
from napari_jsn.patient.patient import Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.radiograph import Radiograph

_NAMING = (
    "Name the files or their folders after the visits (baseline and followup, v01 and v02, week 0 and week 24, or "
    f"2020-01-31), or list the files in {RADIOGRAPHS_TABLE} with the columns file and acquired (or visit)."
)


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
    names state two visits. If a date is missing, the names give the order.

    Returns
    -------
    tuple of Visit
    list of str
        Notes on visits ordered by name, and on images that occur twice.

    Raises
    ------
    InputError
        If neither dates nor names give the order, or if they contradict each other.
    """
    names = [each.name for each in radiographs]
    days = [float(each.radiograph.day.toordinal()) if each.radiograph.day else None for each in radiographs]
    stated = _stated_visits(radiographs)
    orders: list[Sequence[float | None]] = [days, *([stated] if stated else file_names.all_ranks(names))]
    for one, other in combinations(orders, 2):
        _check_same_order(names, one, other, folder)
    one_visit = [0.0] * len(radiographs) if len(radiographs) == 1 or file_names.all_ranks(names) else None
    ranks = stated or file_names.ranks(names) or one_visit
    keys, notes = _keys(days, ranks, bool(stated)), []
    if keys is None:
        raise _unknown_order(folder / names[days.index(None)])
    if None in days and len(radiographs) > 1 and not stated:
        notes.append("Not all radiographs state a date: the names give the order of the visits.")
    visits = []
    ordered = sorted(range(len(radiographs)), key=lambda index: (keys[index], names[index]))
    for number, (_, group) in enumerate(groupby(ordered, key=lambda index: keys[index]), start=1):
        members = list(group)
        if not stated and None in days and len({days[index] for index in members} - {None}) > 1:
            raise _unknown_order(folder / names[days.index(None)])  # one visit by name, but several dates
        distinct, has_copies = _distinct([radiographs[index] for index in members])
        if has_copies:
            notes.append(f"Visit {number}: a radiograph that occurs more than once is used once.")
        day = min((each.day for each in distinct if each.day is not None), default=None)
        visits.append(Visit.from_radiographs(number, day, distinct))
    return tuple(visits), notes


def _keys(days: Sequence[float | None], ranks: Sequence[float] | None, stated: bool) -> list[tuple[float, ...]] | None:
    """Return keys that sort the radiographs and are equal within a visit; None if the order is unknown."""
    if None in days or stated:
        return [(rank,) for rank in ranks] if ranks else None
    return [(day, rank) for day, rank in zip(days, ranks or [0.0] * len(days)) if day is not None]


def check_names(names: Sequence[str], folder: Path) -> None:
    """Raise an error if the names of image files give no order, before the files are read.

    Raises
    ------
    InputError
        As :func:`order_in_visits`.
    """
    if len(names) > 1 and not file_names.all_ranks(names):
        raise _unknown_order(folder / next((name for name in names if not file_names.all_ranks([name])), names[0]))


def _unknown_order(path: Path) -> InputError:
    return InputError(f"{path} states no date, and the names do not give the order of the visits. {_NAMING}", "folder")


def _stated_visits(radiographs: Sequence[RadiographWithOrderHints]) -> list[float] | None:
    """Return the visits as ``radiographs.csv`` states them; None if it does not state all."""
    stated = [float(each.visit) for each in radiographs if each.visit is not None]
    return stated if len(stated) == len(radiographs) else None


def _check_same_order(
    names: Sequence[str], one: Sequence[float | None], other: Sequence[float | None], folder: Path
) -> None:
    """Raise an error if two orders of the same radiographs, by dates or by names, contradict each other."""
    known = sorted((a, b, name) for a, b, name in zip(one, other, names) if a is not None and b is not None)
    groups = [list(group) for _, group in groupby(known, key=lambda item: item[0])]
    for earlier, later in pairwise(groups):
        (_, first, name), (_, last, following) = max(earlier, key=_second_rank), min(later, key=_second_rank)
        if first > last:
            raise InputError(
                f"The visits of {folder} are out of order: their dates and names (or two parts of "
                f"their names) put {name} and {following} in opposite order. Correct the names, or "
                f"state the correct dates in {RADIOGRAPHS_TABLE} with the columns file and acquired.",
                "folder",
            )


def _second_rank(item: tuple[float, float, str]) -> float:
    return item[1]


def _distinct(radiographs: Sequence[RadiographWithOrderHints]) -> tuple[list[Radiograph], bool]:
    """Return the radiographs of a visit without copies, and whether there were copies."""
    kept: list[RadiographWithOrderHints] = []
    for each in radiographs:
        if not any(_same_image(each, other) for other in kept):
            kept.append(each)
    return [each.radiograph for each in kept], len(kept) < len(radiographs)


def _same_image(one: RadiographWithOrderHints, other: RadiographWithOrderHints) -> bool:
    if one.image and one.image == other.image:
        return True
    same_side = one.radiograph.side == other.radiograph.side
    return same_side and np.array_equal(one.radiograph.pixels, other.radiograph.pixels)
