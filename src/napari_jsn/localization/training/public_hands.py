"""Hands whose joints are known, as users and two public collections tell of them.

Digital Hand Atlas, with the landmarks of Payer et al., Integrating spatial configuration into heatmap regression based
CNNs for landmark localization, Med Image Anal 54:207-219 (2019); and films of the RSNA bone age challenge (Halabi et
al., Radiology 290:498-503, 2019) with drawn boxes. None of their pixels is in this project.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.localization.training.data import BOX_LABEL_MM, EXACT_MM, HandFilm, LabelledFilm, hand_film, size_of

SOURCE = (
    "hands of the Digital Hand Atlas with landmarks of Payer et al. 2019, and of the RSNA bone age challenge (Halabi "
    "et al. 2019) with drawn boxes"
)
TERMS = "no licence stated; no pixel is shipped"

#: A user's own hands: ``file``, ``side`` (L or R), ``joint`` and the ``x`` and ``y`` of its gap in pixels.
JOINTS_TABLE = "joints.csv"
#: The public ones: 37 points of each film; boxes named by the kind of joint.
LANDMARKS_TABLE, BOXES_TABLE = "landmarks.csv", "joint-boxes.csv"
#: Which of the 37 points the joints are, in the order of :data:`napari_jsn.anatomy.JOINTS`.
LANDMARKS = (18, 19, 21, 22, 23, 25, 26, 27, 29, 30, 31, 33, 34, 35)
#: The published convention: points 0 and 4 lie so far apart.
WRIST_MM = 50.0

#: Never learned from; they choose between epochs, and what is told of real hands is measured on them. Two of the
#: RSNA's films are of one child.
HELD_OUT = ("7081", "7232", "4298", "4299", "6478")
_ALL_PUBLIC = {
    "3167", "3229", "5245", "7081", "7232", "2361", "2370", "4221", "4248", "4253", "4280", "4298", "4299", "6411",
    "6428", "6449", "6456", "6470", "6473", "6478",
}  # fmt: skip
_SAME_PERSON = {"4299": "4298", "2370": "2361"}


def labelled_hands(folder: Path) -> list[HandFilm]:
    """The films of :func:`labelled_films` at the size that is learned from."""
    return [hand_film(film) for film in labelled_films(folder)]


def labelled_films(folder: Path) -> Iterator[LabelledFilm]:
    """Read the films of a folder and of the folders in it, where a table tells of their joints.

    Raises
    ------
    InputError
        If it is no folder, holds no such table, or a file or a line cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "data")
    readers = {JOINTS_TABLE: _own, LANDMARKS_TABLE: _landmarks, BOXES_TABLE: _boxes}
    tables = [table for table in sorted(folder.rglob("*.csv")) if table.name in readers]
    if not tables:
        raise InputError(
            f"{folder} holds no {JOINTS_TABLE} that tells where the joints of its films are. It needs the columns "
            "file, side (L or R), joint (MCP2), x and y.",
            "data",
        )
    for table in tables:
        yield from readers[table.name](table)


def are_public(films: list[HandFilm]) -> bool:
    """Whether some of these films are those collections'."""
    return all(film.name in _ALL_PUBLIC for film in films)


def _points(table: Path) -> dict[str, NDArray[np.float64]]:
    found = {}
    with table.open(newline="") as file:
        for line, row in enumerate(csv.reader(file), start=1):
            try:
                found[row[0]] = np.array(row[1:], dtype=float).reshape(37, 2)
            except (ValueError, IndexError) as error:
                raise InputError(f"Line {line} of {table} is no name and 37 points.", "data") from error
    return found


def _landmarks(table: Path) -> Iterator[LabelledFilm]:
    for name, points in _points(table).items():
        path = table.with_name(f"{name}.png")
        if path.is_file():
            px_mm = float(np.hypot(*(points[0] - points[4]))) / WRIST_MM
            yield LabelledFilm(_pixels(path), points[list(LANDMARKS)], "L", px_mm, group=name, name=name)


def _boxes(table: Path) -> Iterator[LabelledFilm]:
    """Boxes tell the kind of joint; fingers do not cross, so their order from left to right tells the rest."""
    middles: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(table, ("file", "label", "xmin", "ymin", "xmax", "ymax")):
        left, top, right, bottom = (float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
        middles[row["file"]][row["label"]].append(((left + right) / 2, (top + bottom) / 2))
    for file, kinds in middles.items():
        if [len(kinds[kind]) for kind in ("MCP", "PIP", "DIP")] != [5, 5, 4]:
            continue
        thumb_last = {kind: sorted(kinds[kind]) for kind in ("MCP", "PIP", "DIP")}
        points = dict(zip(("MCP5", "MCP4", "MCP3", "MCP2", "MCP1"), thumb_last["MCP"], strict=True))
        points |= zip(("PIP5", "PIP4", "PIP3", "PIP2", "IP1"), thumb_last["PIP"], strict=True)
        points |= zip(("DIP5", "DIP4", "DIP3", "DIP2"), thumb_last["DIP"], strict=True)
        name = Path(file).stem
        group = _SAME_PERSON.get(name, name)
        at = np.array([points[joint] for joint in JOINTS])
        px_mm = size_of(at, "L")
        yield LabelledFilm(_pixels(table.with_name(file)), at, "L", px_mm, BOX_LABEL_MM, group, name)


def _own(table: Path) -> Iterator[LabelledFilm]:
    films: dict[tuple[str, str], NDArray[np.float64]] = defaultdict(lambda: np.full((len(JOINTS), 2), np.nan))
    for row in _rows(table, ("file", "side", "joint", "x", "y")):
        if row["side"] not in ("L", "R") or row["joint"] not in JOINTS:
            raise InputError(f"{table} tells of {row['joint']!r} of side {row['side']!r}; sides are L and R, joints "
                             f"{', '.join(JOINTS)}.", "data")  # fmt: skip
        films[row["file"], row["side"]][JOINTS.index(row["joint"])] = float(row["x"]), float(row["y"])
    for (file, side), points in films.items():
        if np.isfinite(points).all(axis=1).sum() < 3:
            raise InputError(f"{table} tells of fewer than 3 joints of {file}.", "data")
        name = Path(file).stem
        yield LabelledFilm(_pixels(table.with_name(file)), points, side, size_of(points, side), group=name, name=name)


def _rows(table: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                for key in columns[-2:]:
                    float(row[key])
                yield {key: row[key].strip() for key in columns}
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise InputError(
                    f"Line {line} of {table} cannot be read. It needs the columns {', '.join(columns)}.", "data"
                ) from error


def _pixels(path: Path) -> NDArray[np.float32]:
    from napari_jsn.radiograph import read_radiograph

    return read_radiograph(path).pixels


def films_to_measure_on(folder: Path) -> dict[str, list[LabelledFilm]]:
    """The films of a folder by kind; of the public ones those that were never learned from."""
    films: dict[str, list[LabelledFilm]] = defaultdict(list)
    for film in labelled_films(folder):
        public = film.name in _ALL_PUBLIC
        if not public or film.group in HELD_OUT:
            kind = "drawn boxes" if film.label_mm > EXACT_MM else "landmarks"
            films[kind if public else "films given"].append(film)
    return dict(films)
