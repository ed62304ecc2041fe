"""Read radiographs of the user's own with a table of their joints, and check the table against the films."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.csv_files import number_of, read_records
from napari_jsn.common.errors import InputError
from napari_jsn.localization.mean_hand import fit_similarity, mean_hand, mirrored, scale_of, transform_points
from napari_jsn.localization.training.data import LabelledRadiograph, pixels_per_mm

#: A user's table: ``file``, ``side`` (L or R), ``joint``, and ``x`` and ``y`` (or ``col`` and ``row``) of the middle of
#: its gap in pixels; optionally ``patient``.
JOINTS_TABLE = "joints.csv"
#: Beside the joints of the radiographs of adults: ``file``, and how many joints are ``visible`` on it.
FILMS_TABLE = "films.csv"
#: Start of the group of the radiographs of adults.
ADULT = "adult "
#: The least number of joints of a hand, and of those whose places are compared with the mean hand's.
_LEAST, _COMPARED = 3, 5
#: Largest root mean square distance of a hand's joints from the mean hand's, in mm of an average adult's hand: of
#: labelled hands it is at most 15. Exchanging two joints of such hands never brings them nearer than this factor.
_MOST_MM, _EXCHANGED = 30.0, 0.95


@dataclass(frozen=True)
class _Place:
    """A point of the table and its line."""

    line: int
    x: float
    y: float


def own_radiographs(table: Path) -> Iterator[LabelledRadiograph]:
    """Read the radiographs that a table has joints of.

    Raises
    ------
    InputError
        If a line cannot be read, names no joint, or a point that cannot be: outside the film, twice, at another
        joint's place, mirrored, or exchanged with another one.
    """
    visible = _visible(table.with_name(FILMS_TABLE))
    for (file, side), (places, patient) in _places(table).items():
        path = film_of(table, file, min(place.line for place in places.values()))
        pixels = pixels_of(path)
        points = np.full((len(JOINTS), 2), np.nan)
        for joint, place in places.items():
            points[JOINTS.index(joint)] = place.x, place.y
        _check_inside(table, file, places, pixels.shape)
        _check_hand(table, file, side, places, points)
        name = path.stem
        group = ADULT + name if file in visible else patient or name
        yield LabelledRadiograph(
            pixels, points, side, pixels_per_mm(points, side), group=group, name=name, visible=visible.get(file),
            path=path, patient=patient,
        )  # fmt: skip


def film_of(table: Path, file: str, line: int) -> Path:
    """Return the path of a film: beside the table, or in a subfolder where one file alone has that name.

    Raises
    ------
    InputError
        If there is none, or several.
    """
    path = table.parent / file.replace("\\", "/")
    if os.path.isfile(path):  # False where the path is too long
        return path
    found = sorted(each for each in table.parent.rglob(path.name) if each.is_file())
    if len(found) == 1:
        return found[0]
    problem = f"{len(found)} files have this name. Name its folder too" if found else "there is no such file. Add it"
    raise InputError(f"Line {line} of {table} names {file!r}, but {problem}.", "data")


def _places(table: Path) -> dict[tuple[str, str], tuple[dict[str, _Place], str]]:
    """Return the joints of each hand, by file and side, and the patient that is stated."""
    found: dict[tuple[str, str], tuple[dict[str, _Place], str]] = defaultdict(lambda: ({}, ""))
    records = records_of(table)
    columns = set(records[0]) if records else set()
    names = ("col", "row") if {"col", "row"} <= columns and "x" not in columns else ("x", "y")
    for line, row in enumerate(rows_of(table, ("file", "side", "joint", *names), records), start=2):
        side, joint = row["side"].upper(), row["joint"].upper()
        if side not in ("L", "R") or joint not in JOINTS:
            raise InputError(
                f"Line {line} of {table} names joint {row['joint']!r} of side {row['side']!r}. Sides are L and R, "
                f"joints {', '.join(JOINTS)}.",
                "data",
            )
        places, _ = found[row["file"], side]
        if joint in places:
            raise InputError(
                f"Lines {places[joint].line} and {line} of {table} both state {joint} {side} of {row['file']}. "
                "Keep the right one.",
                "data",
            )
        places[joint] = _Place(line, float(row[names[0]]), float(row[names[1]]))
        found[row["file"], side] = places, (records[line - 2].get("patient") or "").strip()
    if not found:
        raise InputError(f"{table} has no rows. Add the joints of the radiographs.", "data")
    return dict(found)


def _check_inside(table: Path, file: str, places: dict[str, _Place], shape: tuple[int, ...]) -> None:
    """Refuse points outside the film, and two joints at one place."""
    rows, cols = shape
    for joint, place in places.items():
        if not (-0.5 <= place.x <= cols - 0.5 and -0.5 <= place.y <= rows - 0.5):
            raise InputError(
                f"Line {place.line} of {table} places {joint} of {file} at ({place.x:g}, {place.y:g}), outside the "
                f"film of {cols} x {rows} pixels. Give x to the right and y downwards, in pixels of this file.",
                "data",
            )
    for (one, first), (other, second) in combinations(places.items(), 2):
        if np.hypot(first.x - second.x, first.y - second.y) < 1:
            raise InputError(
                f"Lines {first.line} and {second.line} of {table} place {one} and {other} of {file} at one point. "
                "Correct one of them.",
                "data",
            )


def _check_hand(table: Path, file: str, side: str, places: dict[str, _Place], points: NDArray[np.float64]) -> None:
    """Refuse points that cannot be those of a hand."""
    if len(places) < _LEAST:
        raise InputError(f"{table} has fewer than 3 joints of {file}. Add more, or remove the file.", "data")
    own, other = (mean_hand(), mirrored(mean_hand()))[:: 1 if side == "L" else -1]
    lines = f"Lines {min(each.line for each in places.values())} to {max(each.line for each in places.values())}"
    distance = _distance_mm(own, points)
    if len(places) >= _COMPARED and _distance_mm(other, points) < distance:
        raise InputError(
            f"{lines} of {table}: the joints of {file} lie as those of a {'right' if side == 'L' else 'left'} hand, "
            f"but the side is {side}. Correct the side, exchange x and y if they are exchanged, and count y downwards.",
            "data",
        )
    exchanged = [
        (_distance_mm(own, _exchange(points, JOINTS.index(one), JOINTS.index(two))), one, two)
        for one, two in (combinations(places, 2) if len(places) >= _COMPARED else ())
    ]
    best = min(exchanged, default=(np.inf, "", ""))
    if best[0] < _EXCHANGED * distance:
        _, one, two = best
        raise InputError(
            f"Lines {places[one].line} and {places[two].line} of {table}: {one} and {two} of {file} are exchanged, or "
            "one of them lies wrong. Correct them.",
            "data",
        )
    if distance > _MOST_MM:
        raise InputError(
            f"{lines} of {table}: the joints of {file} do not lie as those of a hand. Check file, joints and points.",
            "data",
        )


def _exchange(points: NDArray[np.float64], one: int, other: int) -> NDArray[np.float64]:
    exchanged = points.copy()
    exchanged[[one, other]] = points[[other, one]]
    return exchanged


def _distance_mm(model: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """Return the root mean square distance of points from the model fitted to them, in the model's mm."""
    known = np.isfinite(points).all(axis=1)
    matrix = fit_similarity(model[known], points[known], np.ones(known.sum()))
    away = transform_points(matrix, model[known]) - points[known]
    return float(np.sqrt(np.mean(np.sum(away**2, axis=1))) / max(scale_of(matrix), 1e-9))


def _visible(table: Path) -> dict[str, int]:
    """Return the number of joints on each radiograph of the table; empty where there is no such table."""
    if not os.path.isfile(table):
        return {}
    return {row["file"]: int(row["visible"]) for row in rows_of(table, ("file", "visible"))}


def records_of(table: Path) -> list[dict[str, str]]:
    """Return the lines of a table.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        return read_records(table, delimiter=None)
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"{table} cannot be read. Save it as CSV text in UTF-8.", "data") from error


def rows_of(
    table: Path, columns: tuple[str, ...], records: list[dict[str, str]] | None = None
) -> Iterator[dict[str, str]]:
    """Yield the cells of these columns of each line; the last two (of two columns the last one) are numbers.

    Raises
    ------
    InputError
        If a line lacks one of them.
    """
    for line, row in enumerate(records_of(table) if records is None else records, start=2):
        if None in row:
            raise InputError(f"Line {line} of {table} has more cells than the first line. Correct it.", "data")
        try:
            cells = {key: row[key].strip() for key in columns}
            numbers = {key: number_of(row[key]) for key in (columns[-2:] if len(columns) > 2 else columns[-1:])}
            if None in numbers.values():
                raise ValueError
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"Line {line} of {table} cannot be read. It needs the columns {', '.join(columns)}.", "data"
            ) from error
        if any(number is None or not np.isfinite(number) for number in numbers.values()):
            raise InputError(f"Line {line} of {table} has a place that is not a number. Correct or remove it.", "data")
        yield cells | {key: f"{number:.12g}" for key, number in numbers.items()}


def pixels_of(path: Path) -> NDArray[np.float32]:
    """Return the pixels of a radiograph."""
    from napari_jsn.radiograph import read_radiograph

    return read_radiograph(path).pixels
