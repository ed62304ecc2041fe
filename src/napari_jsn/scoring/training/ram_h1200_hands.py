"""Scored hands of RAM-H1200: one image and one set of grades for each hand, in the folders of the set's own split.

References
----------
The data set and its layout: arXiv 2605.05616 (CC BY 4.0).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.localization.find_joints import find_joints
from napari_jsn.networks.inputs import LeftOut, first_names
from napari_jsn.networks.ram_h1200 import (
    BONES_FILE,
    DATASET,
    SPLITS,
    file_of_part,
    has_bones,
    images_of_hands,
)
from napari_jsn.patient.patient import Hand
from napari_jsn.radiograph import read_radiograph
from napari_jsn.scoring.crops.patient_images import images_of
from napari_jsn.scoring.ram_h1200 import FILE_NAMES, check_ram_h1200
from napari_jsn.scoring.training.own_scores import Entry, ScoredRadiographs, graded

if TYPE_CHECKING:
    import pandas as pd

#: What a card states of a network that learned from the scores.
LEARNED = "Learned on RAM-H1200. Not validated on other patients. Not a medical device."
#: Tasks that are trained on the set.
_TASKS = ("scoring", "segmentation", "localization")


def is_ram_h1200(folder: Path) -> bool:
    """Return whether a folder has the layout of RAM-H1200: score files in the part to train on."""
    return any(file_of_part(folder, SPLITS[0], name) is not None for name in FILE_NAMES.values())


def check_dataset(name: str, task: str, folder: Path | None) -> None:
    """Check that a folder has the layout of a named public data set, which the task can be trained or evaluated on.

    Raises
    ------
    InputError
    """
    if name != DATASET:
        raise InputError(f"There is no data set {name!r} that is read by name. Choose {DATASET}.", "dataset")
    if task not in _TASKS:
        raise InputError(
            f"{DATASET} has nothing that {task} learns from. Choose one of: {', '.join(_TASKS)}.", "dataset"
        )
    if folder is None:
        raise InputError(f"The folder of {DATASET} is needed. Give it.", "data")
    if not (is_ram_h1200(folder) if task == "scoring" else has_bones(folder)):
        wanted = FILE_NAMES.values() if task == "scoring" else (BONES_FILE,)
        names = " or ".join(f"{SPLITS[0]}/{each}" for each in wanted)
        raise InputError(f"{folder} has no {names}, as {DATASET} has. Give the folder of the data set.", "data")


def read_ram_h1200(folder: Path, split: str) -> ScoredRadiographs:
    """Read the scored hands of one part of the set.

    The image of a hand has the name under which the score files list it, in any folder of the set; crops of single
    joints have other names. Hands of one patient and visit become one entry.

    Raises
    ------
    InputError
        If the folder is not of this layout, a score file is wrong, or no hand has an image.
    """
    import pandas as pd

    files = [file_of_part(folder, split, name) for name in FILE_NAMES.values()]
    if not any(files):
        raise InputError(
            f"{folder} has no score file ({', '.join(FILE_NAMES.values())}) in a folder {split}. Give the folder of "
            "RAM-H1200.",
            "data",
        )
    tables = []
    for file in filter(None, files):
        checked = check_ram_h1200(file)
        if checked.faults:
            raise InputError(f"{file} is wrong in {checked.faults[0]}. Correct the file.", "data")
        tables.append(checked.table)
    scores = pd.concat(tables, ignore_index=True)
    scores = scores[scores["site"].isin(JOINTS)].reset_index(drop=True)
    entries, left_out = _entries(scores, images_of_hands(folder))
    if not entries:
        names = first_names([each.name for each in left_out])
        raise InputError(f"No hand of the score files of {split} has an image in {folder}. Left out: {names}.", "data")
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
