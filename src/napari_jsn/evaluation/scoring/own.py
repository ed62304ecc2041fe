"""Evaluate a network on scored radiographs of the user, next to the agreement of the readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.page import table as markdown
from napari_jsn.evaluation.scoring.report import ScoringEvaluation
from napari_jsn.evaluation.scoring.simulated import all_zeros, graded_sites
from napari_jsn.networks.inputs import left_out_lines
from napari_jsn.networks.ram_h1200 import SPLITS
from napari_jsn.scoring.agreement import agreement
from napari_jsn.scoring.training.own_scores import ScoredRadiographs, read_scored, table_in
from napari_jsn.scoring.training.ram_h1200_hands import is_ram_h1200, read_ram_h1200
from napari_jsn.scoring.training.undamaged import is_undamaged, read_undamaged
from napari_jsn.scoring.two_stage.grader import TwoStageGrader

#: Of hands that are evaluated without a table of scores.
UNDAMAGED_NOTE = "All joints are taken to have the grades 0; that damage is graded rightly is not shown."


def read_own(images: Path, scores: Path | None) -> ScoredRadiographs:
    """Read scored radiographs: a folder and a table, the part ``test`` of RAM-H1200, or hands without damage.

    Raises
    ------
    InputError
        If there is no table and the folder is not of RAM-H1200, or nothing can be read.
    """
    table = scores or table_in(images)
    if table is not None:
        return read_scored(images, table)
    if is_ram_h1200(images):
        return read_ram_h1200(images, SPLITS[2])
    if is_undamaged(images):
        undamaged, left_out = read_undamaged(images, tested=True)
        unread = pd.DataFrame(columns=["patient", "visit", "reader"])
        return ScoredRadiographs(undamaged, unread, ("1",) * len(undamaged), tuple(left_out), (UNDAMAGED_NOTE,))
    raise InputError(
        "Scores of the radiographs are needed. Give their table with --scores, or as scores.csv in the folder.",
        "scores",
    )


def evaluate_own(read: ScoredRadiographs, model: str, device: str) -> ScoringEvaluation:
    """Return the sites of scored radiographs, graded by a network; the truth is the grade or the readers' consensus."""
    found = graded_sites(read.patients, TwoStageGrader(model, device))
    methods = {"two-stage": found, "all zeros": {kind: all_zeros(each) for kind, each in found.items()}}
    return ScoringEvaluation("own scores", len(set(read.patients.names)), methods)


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
