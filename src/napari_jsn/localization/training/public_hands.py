"""Read radiographs with labelled joints: the user's own and those of two public data sets.

The public ones are the Digital Hand Atlas with the landmarks of Payer et al., Integrating spatial configuration into
heatmap regression based CNNs for landmark localization, Med Image Anal 54:207-219 (2019); and radiographs of the RSNA
bone age challenge (Halabi et al., Radiology 290:498-503, 2019) with drawn boxes. Radiographs of adults from a
repository of teaching cases are never trained on. This project contains none of their pixels.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.csv_files import read_records, read_rows
from napari_jsn.common.errors import InputError
from napari_jsn.localization.training.data import (
    BOX_LABEL_MM,
    EXACT_MM,
    LabelledRadiograph,
    TrainingHand,
    pixels_per_mm,
    training_hand,
)

SOURCE = (
    "hands of the Digital Hand Atlas with landmarks of Payer et al. 2019, and of the RSNA bone age challenge (Halabi "
    "et al. 2019) with drawn boxes"
)
TERMS = "no licence stated; no pixel is shipped"

#: A user's table: ``file``, ``side`` (L or R), ``joint``, and ``x`` and ``y`` (or ``col`` and ``row``) of the middle of
#: its gap in pixels.
JOINTS_TABLE = "joints.csv"
#: Beside the joints of the radiographs of adults: ``file``, and how many joints are ``visible`` on it.
FILMS_TABLE = "films.csv"
#: The public tables: 37 points of each radiograph; boxes labelled by the kind of joint.
LANDMARKS_TABLE, BOXES_TABLE = "landmarks.csv", "joint-boxes.csv"
#: Indexes of the joints among the 37 points, in the order of :data:`napari_jsn.anatomy.JOINTS`.
LANDMARKS = (18, 19, 21, 22, 23, 25, 26, 27, 29, 30, 31, 33, 34, 35)
#: The published convention: the distance between points 0 and 4.
WRIST_MM = 50.0

#: Not trained on: they choose the best epoch, and the figures of real hands are measured on them. Two of the RSNA
#: radiographs show one child.
HELD_OUT = ("7081", "7232", "4298", "4299", "6478")
_ALL_PUBLIC = {
    "3167", "3229", "5245", "7081", "7232", "2361", "2370", "4221", "4248", "4253", "4280", "4298", "4299", "6411",
    "6428", "6449", "6456", "6470", "6473", "6478",
}  # fmt: skip
#: Start of the group of the radiographs of adults.
_ADULT = "adult "
_SAME_PERSON = {"4299": "4298", "2370": "2361"}


def training_hands(folder: Path) -> list[TrainingHand]:
    """Return the hands of :func:`labelled_radiographs` at that size, without the radiographs of adults."""
    return [training_hand(each) for each in labelled_radiographs(folder) if not each.group.startswith(_ADULT)]


def labelled_radiographs(folder: Path) -> Iterator[LabelledRadiograph]:
    """Read the radiographs of a folder and its subfolders that a table there has joints of.

    Raises
    ------
    InputError
        If it is no folder, holds no such table, or a file or a line cannot be read.
    """
    if not os.path.isdir(folder):  # False where the path is too long
        raise InputError(f"There is no folder {folder}.", "data")
    read_functions = {JOINTS_TABLE: _own, LANDMARKS_TABLE: _landmarks, BOXES_TABLE: _boxes}
    tables = [table for table in sorted(folder.rglob("*.csv")) if table.name in read_functions]
    if not tables:
        raise InputError(
            f"{folder} holds no {JOINTS_TABLE} with the joints of its radiographs. Add one with the columns "
            "file, side (L or R), joint (MCP2), x and y.",
            "data",
        )
    for table in tables:
        yield from read_functions[table.name](table)


def task_arguments(hands: Sequence[TrainingHand]) -> dict[str, Any]:
    """Return the arguments of a training on these hands, of which some, all or none may be public.

    Public hands of :data:`HELD_OUT` are never trained on, whatever other hands there are. Of the other hands a tenth
    is held out.
    """
    own = sorted({hand.group for hand in hands if hand.name not in _ALL_PUBLIC})
    public = {hand.group for hand in hands if hand.name in _ALL_PUBLIC}
    if not public:
        return {"hands": hands}
    if not own:
        return {"hands": hands, "held_out": HELD_OUT, "source": SOURCE, "terms": TERMS}
    source, terms = f"radiographs of the user, and {SOURCE}", f"as the user has them; of the public hands {TERMS}"
    return {"hands": hands, "held_out": (*HELD_OUT, *own[::10]), "source": source, "terms": terms}


def _points(table: Path) -> dict[str, NDArray[np.float64]]:
    found = {}
    for line, row in enumerate(read_rows(table), start=1):
        try:
            found[row[0]] = np.array(row[1:], dtype=float).reshape(37, 2)
        except (ValueError, IndexError) as error:
            raise InputError(f"Line {line} of {table} must hold a name and 37 points.", "data") from error
    return found


def _landmarks(table: Path) -> Iterator[LabelledRadiograph]:
    for name, points in _points(table).items():
        path = table.with_name(f"{name}.png")
        if os.path.isfile(path):
            px_mm = float(np.hypot(*(points[0] - points[4]))) / WRIST_MM
            yield LabelledRadiograph(_pixels(path), points[list(LANDMARKS)], "L", px_mm, group=name, name=name)


def _boxes(table: Path) -> Iterator[LabelledRadiograph]:
    """Read boxes that state the kind of joint only; the order from left to right gives the finger."""
    centres: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(table, ("file", "label", "xmin", "ymin", "xmax", "ymax")):
        left, top, right, bottom = (float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax"))
        centres[row["file"]][row["label"]].append(((left + right) / 2, (top + bottom) / 2))
    for file, kinds in centres.items():
        if [len(kinds[kind]) for kind in ("MCP", "PIP", "DIP")] != [5, 5, 4]:
            continue
        thumb_last = {kind: sorted(kinds[kind]) for kind in ("MCP", "PIP", "DIP")}
        points = dict(zip(("MCP5", "MCP4", "MCP3", "MCP2", "MCP1"), thumb_last["MCP"], strict=True))
        points |= zip(("PIP5", "PIP4", "PIP3", "PIP2", "IP1"), thumb_last["PIP"], strict=True)
        points |= zip(("DIP5", "DIP4", "DIP3", "DIP2"), thumb_last["DIP"], strict=True)
        name = Path(file).stem
        group = _SAME_PERSON.get(name, name)
        at = np.array([points[joint] for joint in JOINTS])
        px_mm = pixels_per_mm(at, "L")
        yield LabelledRadiograph(_pixels(table.with_name(file)), at, "L", px_mm, BOX_LABEL_MM, group, name)


def _own(table: Path) -> Iterator[LabelledRadiograph]:
    radiographs: dict[tuple[str, str], NDArray[np.float64]] = defaultdict(lambda: np.full((len(JOINTS), 2), np.nan))
    columns = next(iter(read_rows(table)), [])
    places = ("col", "row") if {"col", "row"} <= set(columns) and "x" not in columns else ("x", "y")
    visible = _visible(table.with_name(FILMS_TABLE))
    for row in _rows(table, ("file", "side", "joint", *places)):
        if row["side"] not in ("L", "R") or row["joint"] not in JOINTS:
            raise InputError(f"{table} names joint {row['joint']!r} of side {row['side']!r}. Sides are L and R, joints "
                             f"{', '.join(JOINTS)}.", "data")  # fmt: skip
        radiographs[row["file"], row["side"]][JOINTS.index(row["joint"])] = tuple(float(row[key]) for key in places)
    for (file, side), points in radiographs.items():
        if np.isfinite(points).all(axis=1).sum() < 3:
            raise InputError(f"{table} has fewer than 3 joints of {file}. Add more, or remove the file.", "data")
        name = Path(file).stem
        px_mm = pixels_per_mm(points, side)
        group = _ADULT + name if file in visible else name
        pixels = _pixels(table.with_name(file))
        yield LabelledRadiograph(
            pixels, points, side, px_mm, group=group, name=name, visible=visible.get(file)
        )  # fmt: skip


def _visible(table: Path) -> dict[str, int]:
    """Return the number of joints on each radiograph of the table; empty where there is no such table."""
    if not os.path.isfile(table):
        return {}
    return {row["file"]: int(row["visible"]) for row in _rows(table, ("file", "visible"))}


def _rows(table: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    for line, row in enumerate(read_records(table), start=2):
        try:
            for key in columns[-2:] if len(columns) > 2 else columns[-1:]:
                float(row[key])
            yield {key: row[key].strip() for key in columns}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"Line {line} of {table} cannot be read. It needs the columns {', '.join(columns)}.", "data"
            ) from error


def _pixels(path: Path) -> NDArray[np.float32]:
    from napari_jsn.radiograph import read_radiograph

    return read_radiograph(path).pixels


def evaluation_radiographs(folder: Path) -> dict[str, list[LabelledRadiograph]]:
    """Return the radiographs of a folder by kind; of the public ones those that were not trained on."""
    radiographs: dict[str, list[LabelledRadiograph]] = defaultdict(list)
    for radiograph in labelled_radiographs(folder):
        if radiograph.group.startswith(_ADULT):
            radiographs["radiographs of adults"].append(radiograph)
            continue
        public = radiograph.name in _ALL_PUBLIC
        if not public or radiograph.group in HELD_OUT:
            kind = "drawn boxes" if radiograph.label_mm > EXACT_MM else "landmarks"
            radiographs[kind if public else "own radiographs"].append(radiograph)
    return dict(radiographs)
