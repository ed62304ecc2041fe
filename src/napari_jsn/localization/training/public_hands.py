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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.csv_files import read_rows
from napari_jsn.common.errors import InputError
from napari_jsn.localization.training.data import (
    BOX_LABEL_MM,
    EXACT_MM,
    LabelledRadiograph,
    TrainingHand,
    pixels_per_mm,
    training_hand,
)
from napari_jsn.localization.training.own_hands import ADULT, JOINTS_TABLE, own_radiographs, pixels_of, rows_of
from napari_jsn.networks.inputs import LeftOut, joined_patients
from napari_jsn.networks.patients import group_of, patient_named, read_groups, stated_patients

SOURCE = (
    "hands of the Digital Hand Atlas with landmarks of Payer et al. 2019, and of the RSNA bone age challenge (Halabi "
    "et al. 2019) with drawn boxes"
)
TERMS = "no licence stated; no pixel is shipped"

#: The public tables: 37 points of each radiograph; boxes labelled by the kind of joint.
LANDMARKS_TABLE, BOXES_TABLE = "landmarks.csv", "joint-boxes.csv"
#: File name extensions of radiographs.
_FILMS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".dcm")
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
_SAME_PERSON = {"4299": "4298", "2370": "2361"}


@dataclass(frozen=True)
class HandFolder:
    """The hands of a folder that are trained on or held out, and what was left out."""

    hands: list[TrainingHand]
    left_out: list[LeftOut]


def training_hands(folder: Path, groups: Path | None = None) -> list[TrainingHand]:
    """Return the hands of :func:`read_hands` alone."""
    return read_hands(folder, groups).hands


def read_hands(folder: Path, groups: Path | None = None) -> HandFolder:
    """Return the hands of :func:`labelled_radiographs` at that size, without the radiographs of adults.

    Hands of one patient are one group: by the table ``groups`` (see
    :func:`~napari_jsn.networks.patients.read_groups`), the column ``patient`` of the joints, or names of folders and
    files. So are copies of one image.

    Raises
    ------
    InputError
        As for :func:`labelled_radiographs`, or if the table does not fit the folder.
    """
    found = list(labelled_radiographs(folder))
    left_out = [
        LeftOut(_place(each, folder), "a radiograph of an adult, kept for testing")
        for each in found
        if each.group.startswith(ADULT)
    ]
    used = [each for each in found if not each.group.startswith(ADULT)]
    hands = [training_hand(each) for each in used]
    paths = [each.path.relative_to(folder) for each in used if each.path is not None]
    stated: dict[Path, str] = {}
    if groups is not None:
        stated = dict(zip(paths, stated_patients(paths, read_groups(groups), paths), strict=True))
    common = os.path.commonpath([path.parent for path in paths]) if paths else ""
    names, known = [], {}
    for each in used:
        name = each.group
        if each.path is not None:
            path = each.path.relative_to(folder)
            name = stated.get(path) or each.patient or group_of(path.relative_to(common))
            if not (stated or each.patient):
                known[name] = patient_named(name)
        names.append(name)
    patients = joined_patients(names, [hand.source for hand in hands], known)
    hands = [replace(hand, group=patient) for hand, patient in zip(hands, patients, strict=True)]
    labelled = {each.path for each in found}
    if any(each.path for each in found):
        others = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _FILMS and path not in labelled]
        public = {f"{name}.png" for name in _ALL_PUBLIC}
        left_out += [
            LeftOut(path.relative_to(folder).as_posix(), f"no joints of it in {JOINTS_TABLE}")
            for path in others
            if path.name not in public
        ]
    return HandFolder(hands, left_out)


def _place(radiograph: LabelledRadiograph, folder: Path) -> str:
    return radiograph.name if radiograph.path is None else radiograph.path.relative_to(folder).as_posix()


def labelled_radiographs(folder: Path) -> Iterator[LabelledRadiograph]:
    """Read the radiographs of a folder and its subfolders that a table there has joints of.

    Raises
    ------
    InputError
        If it is no folder, holds no such table, or a file or a line cannot be read.
    """
    if not os.path.isdir(folder):  # False where the path is too long
        raise InputError(f"There is no folder {folder}.", "data")
    read_functions = {JOINTS_TABLE: own_radiographs, LANDMARKS_TABLE: _landmarks, BOXES_TABLE: _boxes}
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
            yield LabelledRadiograph(pixels_of(path), points[list(LANDMARKS)], "L", px_mm, group=name, name=name)


def _boxes(table: Path) -> Iterator[LabelledRadiograph]:
    """Read boxes that state the kind of joint only; the order from left to right gives the finger."""
    centres: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows_of(table, ("file", "label", "xmin", "ymin", "xmax", "ymax")):
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
        yield LabelledRadiograph(pixels_of(table.with_name(file)), at, "L", px_mm, BOX_LABEL_MM, group, name)


def evaluation_radiographs(folder: Path, trained_on: bool = True) -> dict[str, list[LabelledRadiograph]]:
    """Return the radiographs of a folder by kind.

    Of the public ones those that the shipped network was not trained on; all of them for a network that was
    ``trained_on`` none.
    """
    radiographs: dict[str, list[LabelledRadiograph]] = defaultdict(list)
    for radiograph in labelled_radiographs(folder):
        if radiograph.group.startswith(ADULT):
            radiographs["radiographs of adults"].append(radiograph)
            continue
        public = radiograph.name in _ALL_PUBLIC
        if not (public and trained_on) or radiograph.group in HELD_OUT:
            kind = "drawn boxes" if radiograph.label_mm > EXACT_MM else "landmarks"
            radiographs[kind if public else "own radiographs"].append(radiograph)
    return dict(radiographs)
