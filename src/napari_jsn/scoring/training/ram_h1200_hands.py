"""Scored hands of RAM-H1200: one image and one set of grades for each hand, in the folders of the set's own split.

References
----------
The data set and its layout: arXiv 2605.05616 (CC BY 4.0).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.networks.inputs import LeftOut, first_names
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import read_radiograph
from napari_jsn.scoring.crops.patient_images import images_of
from napari_jsn.scoring.ram_h1200 import FILE_NAMES, check_ram_h1200
from napari_jsn.scoring.training.own_scores import Entry, ScoredRadiographs, graded

if TYPE_CHECKING:
    import pandas as pd

#: Name of the set on the command line.
DATASET = "ram-h1200"
#: Parts of the set: to train on, to choose the best epoch, to test on.
SPLITS = ("train", "val", "test")
#: What a card states of the set.
SOURCE, TERMS = "RAM-H1200 (arXiv 2605.05616)", "CC BY 4.0"
LEARNED = "Learned on RAM-H1200. Not validated on other patients. Not a medical device."
_ENDINGS = (".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm")


def is_ram_h1200(folder: Path) -> bool:
    """Return whether a folder has the layout of RAM-H1200: score files in the part to train on."""
    return any(os.path.isfile(folder / SPLITS[0] / name) for name in FILE_NAMES.values())


def check_dataset(name: str, task: str, folder: Path | None) -> None:
    """Check that a folder has the layout of a named public data set, which the task can be trained or evaluated on.

    Raises
    ------
    InputError
    """
    if name != DATASET:
        raise InputError(f"There is no data set {name!r} that is read by name. Choose {DATASET}.", "dataset")
    if task != "scoring":
        raise InputError(
            f"Of {DATASET} the scores are read, not what {task} learns from. Choose the task scoring.", "dataset"
        )
    if folder is None:
        raise InputError(f"The folder of {DATASET} is needed. Give it.", "data")
    if not is_ram_h1200(folder):
        names = " or ".join(f"{SPLITS[0]}/{each}" for each in FILE_NAMES.values())
        raise InputError(f"{folder} has no {names}, as {DATASET} has. Give the folder of the data set.", "data")


def read_ram_h1200(folder: Path, split: str) -> ScoredRadiographs:
    """Read the scored hands of one part of the set.

    The image of a hand has the name under which the score files list it, in any folder of the part; crops of single
    joints have other names. Hands of one patient and visit become one entry.

    Raises
    ------
    InputError
        If the folder is not of this layout, a score file is wrong, or no hand has an image.
    """
    import pandas as pd

    part = folder / split
    files = [part / name for name in FILE_NAMES.values()]
    if not any(os.path.isfile(file) for file in files):
        raise InputError(
            f"{part} has no score file ({', '.join(FILE_NAMES.values())}). Give the folder of RAM-H1200 with the "
            f"folders {', '.join(SPLITS)}.",
            "data",
        )
    tables = []
    for file in files:
        if os.path.isfile(file):
            checked = check_ram_h1200(file)
            if checked.faults:
                raise InputError(f"{file} is wrong in {checked.faults[0]}. Correct the file.", "data")
            tables.append(checked.table)
    scores = pd.concat(tables, ignore_index=True)
    scores = scores[scores["site"].isin(JOINTS)].reset_index(drop=True)
    images = {path.stem: path for path in sorted(part.rglob("*")) if path.suffix.lower() in _ENDINGS}
    entries, left_out = _entries(scores, images)
    if not entries:
        raise InputError(
            f"No hand of the score files in {part} has an image. Left out: {first_names([o.name for o in left_out])}.",
            "data",
        )
    patients, notes = graded(entries, scores)
    return ScoredRadiographs(patients, scores, tuple(each[1] for each in entries), tuple(left_out), tuple(notes))


def _entries(scores: pd.DataFrame, images: dict[str, Path]) -> tuple[list[Entry], list[LeftOut]]:
    entries: list[Entry] = []
    left_out: list[LeftOut] = []
    for (patient, visit), rows in scores.groupby(["patient", "visit"], sort=False):
        hands = []
        for side, session in rows[["side", "session"]].drop_duplicates().itertuples(index=False):
            name = f"{patient}_{visit}_{session}_{side}"
            path = images.get(name)
            if path is None:
                left_out.append(LeftOut(name, "no image of this name"))
                continue
            radiograph = read_radiograph(path)
            found = find_joints(radiograph, sides=[side])
            if not found.joints:
                left_out.append(LeftOut(name, "no finger joints were found on it"))
                continue
            hands.append(Hand(1, None, radiograph, found))
        if hands:
            entries.append((str(patient), str(visit), *images_of(hands)))
    return entries, left_out
