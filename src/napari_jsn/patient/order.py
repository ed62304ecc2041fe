"""Which radiographs belong to which visit, by date and by name; where these do not tell, or disagree, it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby, pairwise
from pathlib import Path

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.patient import file_names as names
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.patient.patient import Visit
from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
from napari_jsn.patient.split import by_side
from napari_jsn.radiograph import Radiograph

_NAMING = (
    "Name the files or their folders after the visits (baseline and followup, v01 and v02, week 0 and week 24, or "
    f"2020-01-31), or list the files in {RADIOGRAPHS_TABLE} with the columns file and acquired (or visit)."
)


@dataclass(frozen=True, eq=False)
class RadiographWithOrderHints:
    """A radiograph and what places it in time beside its date.

    Parameters
    ----------
    radiograph : Radiograph
    name : str
        Path relative to the study's folder.
    image : str
        DICOM identifier of the image, or "".
    visit : int or None
        As the table of films states it.
    """

    radiograph: Radiograph
    name: str
    image: str = ""
    visit: int | None = None


def in_visits(films: Sequence[RadiographWithOrderHints], folder: Path) -> tuple[tuple[Visit, ...], list[str]]:
    """Group radiographs into visits, oldest first, and name them after their visits.

    Dates order them where all state one; films of one day are two visits only where names say so. Names order them
    where a date is missing.

    Returns
    -------
    tuple of Visit
    list of str
        Notes: visits by name, images that were there twice.

    Raises
    ------
    InputError
        If neither dates nor names tell the order, or if they contradict each other.
    """
    called = [film.name for film in films]
    days = [float(film.radiograph.day.toordinal()) if film.radiograph.day else None for film in films]
    stated = _stated(films)
    orders: list[Sequence[float | None]] = [days, *([stated] if stated else names.all_ranks(called))]
    for one, other in combinations(orders, 2):
        _check_same_order(called, one, other, folder)
    one_visit = [0.0] * len(films) if len(films) == 1 or names.all_ranks(called) else None
    ranks = stated or names.ranks(called) or one_visit
    keys, notes = _keys(days, ranks, bool(stated)), []
    if keys is None:
        raise _untold(folder / called[days.index(None)])
    if None in days and len(films) > 1:
        notes.append("Not all radiographs state a date: the names tell the order of the visits.")
    visits = []
    ordered = sorted(range(len(films)), key=lambda index: (keys[index], called[index]))
    for number, (_, group) in enumerate(groupby(ordered, key=lambda index: keys[index]), start=1):
        together = list(group)
        if not stated and None in days and len({days[index] for index in together} - {None}) > 1:
            raise _untold(folder / called[days.index(None)])  # one visit by name, days apart by date
        distinct, copied = _distinct([films[index] for index in together])
        if copied:
            notes.append(f"Visit {number}: a radiograph that was there more than once is taken once.")
        taken = [replace(film, name=radiograph_label(number, film.side)) for film in distinct]
        day = min((film.day for film in taken if film.day is not None), default=None)
        visits.append(Visit(number, day, tuple(sorted(taken, key=by_side))))
    return tuple(visits), notes


def _keys(days: Sequence[float | None], ranks: Sequence[float] | None, stated: bool) -> list[tuple[float, ...]] | None:
    """What sorts the films and is equal within a visit; None where nothing tells."""
    if None in days or stated:
        return [(rank,) for rank in ranks] if ranks else None
    return [(day, rank) for day, rank in zip(days, ranks or [0.0] * len(days)) if day is not None]


def check_names(called: Sequence[str], folder: Path) -> None:
    """Refuse image files whose names tell no order, before they are read.

    Raises
    ------
    InputError
        As :func:`in_visits`.
    """
    if len(called) > 1 and not names.all_ranks(called):
        raise _untold(folder / next((name for name in called if not names.all_ranks([name])), called[0]))


def _untold(path: Path) -> InputError:
    return InputError(
        f"{path} does not say when it was taken, and the names do not tell the order of the visits. {_NAMING}", "folder"
    )


def _stated(films: Sequence[RadiographWithOrderHints]) -> list[float] | None:
    """The visits as the table of films states them for all."""
    stated = [float(film.visit) for film in films if film.visit is not None]
    return stated if len(stated) == len(films) else None


def _check_same_order(
    called: Sequence[str], one: Sequence[float | None], other: Sequence[float | None], folder: Path
) -> None:
    """Refuse two orders of the same films, dates or what names tell, that contradict each other."""
    known = sorted((a, b, name) for a, b, name in zip(one, other, called) if a is not None and b is not None)
    groups = [list(group) for _, group in groupby(known, key=lambda film: film[0])]
    for earlier, later in pairwise(groups):
        (_, first, name), (_, last, following) = max(earlier, key=_second), min(later, key=_second)
        if first > last:
            raise InputError(
                f"The visits of {folder} are out of order: {name} and {following} follow each other one way by their "
                f"dates and the other way by their names (or two parts of the names disagree). Correct the names, or "
                f"state the true dates in {RADIOGRAPHS_TABLE} with the columns file and acquired.",
                "folder",
            )


def _second(film: tuple[float, float, str]) -> float:
    return film[1]


def _distinct(films: Sequence[RadiographWithOrderHints]) -> tuple[list[Radiograph], bool]:
    """The films of a visit without copies, and whether there were any."""
    kept: list[RadiographWithOrderHints] = []
    for film in films:
        if not any(_same_image(film, other) for other in kept):
            kept.append(film)
    return [film.radiograph for film in kept], len(kept) < len(films)


def _same_image(one: RadiographWithOrderHints, other: RadiographWithOrderHints) -> bool:
    if one.image and one.image == other.image:
        return True
    same_side = one.radiograph.side == other.radiograph.side
    return same_side and np.array_equal(one.radiograph.pixels, other.radiograph.pixels)
