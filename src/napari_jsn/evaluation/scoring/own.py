"""Evaluate a network on scored radiographs of the user, next to the agreement of the readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.learned import by_learned, learned_from, sentence
from napari_jsn.evaluation.page import table as markdown
from napari_jsn.evaluation.scoring.report import ScoringEvaluation, scoring_report
from napari_jsn.evaluation.scoring.simulated import all_zeros, graded_sites
from napari_jsn.networks import weights
from napari_jsn.networks.inputs import content_hash, left_out_lines
from napari_jsn.networks.ram_h1200 import SPLITS
from napari_jsn.scoring.agreement import agreement
from napari_jsn.scoring.training.own_scores import ScoredRadiographs, read_scored, table_in
from napari_jsn.scoring.training.ram_h1200_hands import is_ram_h1200, read_ram_h1200
from napari_jsn.scoring.training.simulated_patients import GradedPatients
from napari_jsn.scoring.training.undamaged import is_undamaged, read_undamaged
from napari_jsn.scoring.two_stage.grader import TwoStageGrader

#: Names of the sets.
OWN, RAM_H1200, UNDAMAGED = "own scores", "RAM-H1200", "hands without damage"
#: Of hands that are evaluated without a table of scores.
UNDAMAGED_NOTE = "All joints are taken to have the grades 0; that damage is graded rightly is not shown."


def read_own(images: Path, scores: Path | None, layout: str | None = None) -> ScoredRadiographs:
    """Read scored radiographs: a folder and a table, the part ``test`` of RAM-H1200, or hands without damage.

    Raises
    ------
    InputError
        If there is no table and the folder is not of RAM-H1200, or nothing can be read.
    """
    table = scores or table_in(images)
    if table is not None:
        return read_scored(images, table, layout or "auto")
    if layout is not None:
        raise InputError("A layout is that of a table of scores. Give the table with --scores.", "layout")
    if is_ram_h1200(images):
        return read_ram_h1200(images, SPLITS[2])
    if is_undamaged(images):
        undamaged, left_out = read_undamaged(images, tested=True)
        unread = pd.DataFrame(columns=["patient", "visit", "reader"])
        return ScoredRadiographs(undamaged, unread, undamaged.names, tuple(left_out), (UNDAMAGED_NOTE,))
    raise InputError(
        "Scores of the radiographs are needed. Give their table with --scores, or as scores.csv in the folder.",
        "scores",
    )


def evaluate_own(patients: GradedPatients, name: str, model: str, device: str) -> ScoringEvaluation:
    """Return the sites of scored radiographs, graded by a network; the truth is the grade or the readers' consensus.

    Parameters
    ----------
    patients : GradedPatients
    name : str
        Of the set: ``"own scores"``.
    model, device : str
    """
    found = graded_sites(patients, TwoStageGrader(model, device))
    methods = {"two-stage": found, "all zeros": {kind: all_zeros(each) for kind, each in found.items()}}
    return ScoringEvaluation(name, len(set(patients.names)), methods)


def sets_by_learned(
    read: ScoredRadiographs, model: str, name: str
) -> tuple[list[tuple[str, str, GradedPatients]], list[str]]:
    """Return the scored radiographs by what the model did with them: name, kind, radiographs; and a sentence for each.

    The kinds are those of :mod:`napari_jsn.evaluation.learned`.
    """
    path = weights.find("scoring", model).with_suffix(".json")
    card, patients = weights.read_card(path), read.patients
    kinds = [learned_from(card, path, content_hash(each)) for each in patients.images]
    sets, said = [], []
    for of_set, kind, which in by_learned(name, range(len(patients)), kinds):
        sets.append((of_set, kind, patients.part(np.isin(np.arange(len(patients)), which))))
        said.append(sentence(kind, [f"{patients.names[k]}/{read.visits[k]}" for k in which]))
    return sets, said


def validation_lines(validated: ScoredRadiographs, model: str, device: str) -> list[str]:
    """Return the evaluation on the validation patients of a training, next to the readers' agreement on their joints.

    Parameters
    ----------
    validated : ScoredRadiographs
        Those that the network did not learn.
    model, device : str
    """
    evaluated = evaluate_own(validated.patients, "validation", model, device)
    return [scoring_report([evaluated]), *readers_table(validated)]


def name_of_set(images: Path, scores: Path | None) -> str:
    """Return what radiographs that :func:`read_own` reads are called."""
    if scores is not None or table_in(images) is not None:
        return OWN
    return RAM_H1200 if is_ram_h1200(images) else UNDAMAGED


def readers_table(read: ScoredRadiographs) -> list[str]:
    """Return the agreement of each pair of readers on the finger joints as a Markdown table; empty with one reader."""
    names = {(name, visit) for name, visit in zip(read.patients.names, read.visits, strict=True)}
    keys = zip(read.scores["patient"].astype(str), read.scores["visit"].astype(str), strict=True)
    scores = read.scores[np.array([key in names for key in keys], bool)]
    if scores["reader"].nunique() < 2:
        return []
    pairs: pd.DataFrame = agreement(scores, replicates=0).pairs
    shown = ("exact", "balanced", "within_one", "kappa_quadratic")
    rows = [
        [str(row["reader_a"]), str(row["reader_b"]), str(row["kind"]), str(row["n"])]
        + [f"{row[name]:.3f}" for name in shown]
        for row in pairs.to_dict("records")
    ]
    return ["Readers on the same joints:", "", *markdown(("reader", "reader", "kind", "n", *shown), rows), ""]


def notes_of(read: ScoredRadiographs) -> list[str]:
    """Return lines about what was left out, and notes."""
    return [f"- {line}" for line in (*left_out_lines(read.left_out), *read.notes)]
