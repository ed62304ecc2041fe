"""Read a user's scored radiographs: a table of scores, and a folder with one folder of radiographs for each patient."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.networks.inputs import LeftOut, first_names, left_out_lines
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.read import read_patient
from napari_jsn.scoring.consensus import find_consensus
from napari_jsn.scoring.crops.patient_images import images_of
from napari_jsn.scoring.graded_joints import why_not_scored
from napari_jsn.scoring.grades import HIGHEST, NotScored
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.sheets import read_scores
from napari_jsn.scoring.training.simulated_patients import REASONS, GradedPatients

if TYPE_CHECKING:
    import pandas as pd

#: Patient, visit, and the images of the joints with which there are.
Entry = tuple[str, str, NDArray[np.uint8], NDArray[np.bool_]]
#: Reasons that say something about the image: the joint cannot be graded.
_OF_IMAGE = (NotScored.MISSING, NotScored.SURGERY)
#: Name of a table of scores in the folder of the radiographs.
_TABLE = "scores.csv"
#: Name of the reader of a table that states none.
_ONE_READER = "reader"
#: Readers from which on their grades become a consensus with probabilities.
_SEVERAL = 2


@dataclass(frozen=True)
class ScoredRadiographs:
    """A user's scored radiographs.

    Attributes
    ----------
    patients : GradedPatients
        One entry a visit; several visits of a patient have one name.
    scores : DataFrame
        The long table.
    visits : tuple of str
        Visit of each entry.
    left_out : tuple of LeftOut
    notes : tuple of str
    """

    patients: GradedPatients
    scores: pd.DataFrame
    visits: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def part(self, which: NDArray[np.bool_]) -> ScoredRadiographs:
        """Return some of the entries, with the whole table."""
        visits = tuple(visit for visit, used in zip(self.visits, which, strict=True) if used)
        return replace(self, patients=self.patients.part(which), visits=visits)


def table_in(folder: Path) -> Path | None:
    """Return the table of scores that lies in a folder of radiographs as ``scores.csv``; None without one."""
    return folder / _TABLE if (folder / _TABLE).is_file() else None


def read_scored(folder: Path, table: Path, layout: Path | str = "auto") -> ScoredRadiographs:
    """Read a table of scores and the radiographs that it scores.

    The radiographs of each patient lie in a folder of its own, which has the name of the patient in the table. Visits
    are numbered in order of time, from 1, as ``napari-jsn measure`` numbers them. Grades of several readers become
    their consensus (Dawid-Skene), whose probabilities are learned; rows without a reader are of one. The layout of the
    table is one of :func:`~napari_jsn.scoring.sheets.read_scores`.

    Raises
    ------
    InputError
        If the table or the folder cannot be read, or no visit of the table has a radiograph.
    """
    if not os.path.isdir(folder):
        raise InputError(f"There is no folder {folder}. Give the folder with one folder for each patient.", "data")
    scores = read_scores(table, layout, _ONE_READER)
    scores = scores[scores["site"].isin(JOINTS)]
    if scores.empty:
        raise InputError(f"{table} has no scores of finger joints. Give a table with such scores.", "scores")
    left_out: list[LeftOut] = []
    entries: list[Entry] = []
    names = tuple(dict.fromkeys(scores["patient"].astype(str)))
    folders = {each.name for each in folder.iterdir() if each.is_dir()}  # a name such as ../P1 is none of them
    for name in names:
        if name not in folders:
            left_out.append(LeftOut(name, "no folder of this name"))
            continue
        try:
            patient = find_hands(read_patient(folder / name, split=False, patient_id=name), compared=False)
        except InputError as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        of_patient = set(scores[scores["patient"].astype(str) == name]["visit"].astype(str))
        for visit in patient.visits:
            if str(visit.number) not in of_patient:
                continue
            unscored = {hand.label: why_not_scored(hand) for hand in visit.hands}
            left_out += [LeftOut(f"{name}, {label}", text.rstrip(".")) for label, text in unscored.items() if text]
            if hands := [hand for hand in visit.hands if not unscored[hand.label]]:
                entries.append((name, str(visit.number), *images_of(hands)))
        missing = of_patient - {str(visit.number) for visit in patient.visits}
        left_out += [LeftOut(f"{name}, visit {each}", "no radiographs of this visit") for each in sorted(missing)]
    if not entries and folders.intersection(names):
        raise InputError(
            f"No visit of {table.name} has radiographs in {folder}. Visits are numbered from 1 in order of time. "
            f"{'. '.join(left_out_lines(left_out))}.",
            "data",
        )
    if not entries:
        why = f" Left out: {first_names([each.name for each in left_out])}." if left_out else ""
        raise InputError(
            f"No visit of {table.name} has radiographs in {folder}. Name the folders as the patients in the table."
            f"{why}",
            "data",
        )
    patients, notes = graded(entries, scores)
    return ScoredRadiographs(patients, scores, tuple(each[1] for each in entries), tuple(left_out), tuple(notes))


def graded(entries: Sequence[Entry], scores: pd.DataFrame) -> tuple[GradedPatients, list[str]]:
    """Return the entries with the grades of a long table, and notes."""
    shape = (len(entries), len(SIDES), len(JOINTS))
    soft = {kind: np.zeros((*shape, highest + 1), np.float32) for kind, highest in HIGHEST.items()}
    grades, reasons = np.full((*shape, len(HIGHEST)), -1, np.int8), np.zeros(shape, np.int8)
    notes: list[str] = []
    place = {(name, visit): k for k, (name, visit, *_) in enumerate(entries)}
    several = scores["reader"].nunique() >= _SEVERAL
    found = find_consensus(scores, "dawid-skene" if several else "majority")
    notes += found.notes
    for row in found.labels.to_dict("records"):
        at = _place(row, place)
        if at is None:
            continue
        kind = str(row["kind"])
        grades[(*at, list(HIGHEST).index(kind))] = int(round(row["grade"]))
        soft[kind][at] = [row[f"p_{k}"] for k in range(HIGHEST[kind] + 1)]
    votes: dict[tuple[int, int, int], list[str]] = defaultdict(list)
    for row in scores[scores["not_scored"] != ""].to_dict("records"):
        at = _place(row, place)
        if at is not None and row["not_scored"] in list(_OF_IMAGE):
            votes[at].append(str(row["not_scored"]))
    for at, said in votes.items():
        if (grades[at] < 0).all():
            reasons[at] = REASONS.index(said[0])
    images = np.stack([each[2] for each in entries]).reshape(*shape, *entries[0][2].shape[1:])
    there = np.stack([each[3] for each in entries]).reshape(shape)
    widths = np.full((*shape, 3), np.nan, np.float32)
    names = tuple(each[0] for each in entries)
    marks = np.zeros(shape, np.int8)
    return GradedPatients(images, there, grades, reasons, marks, widths, names, soft=soft), notes


def _place(row: Any, place: dict[tuple[str, str], int]) -> tuple[int, int, int] | None:
    """Return patient, side and joint of a row of a table; None where there is no image."""
    entry = place.get((str(row["patient"]), str(row["visit"])))
    return None if entry is None else (entry, SIDES.index(row["side"]), JOINTS.index(row["site"]))
