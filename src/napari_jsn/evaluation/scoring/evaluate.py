"""Evaluate a network for scores on simulated patients, with the baselines beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from napari_jsn.common.progress import Progress
from napari_jsn.evaluation.scoring.figures import GradedSites
from napari_jsn.evaluation.scoring.maps import check_maps
from napari_jsn.evaluation.scoring.report import ScoringEvaluation
from napari_jsn.evaluation.scoring.simulated import (
    WidthRule,
    all_zeros,
    by_width,
    fit_width_rule,
    graded_sites,
    measured_widths,
    totals_held,
)
from napari_jsn.evaluation.scoring.whole_hands import graded_whole_hands
from napari_jsn.scoring.automatic.score import is_one_stage
from napari_jsn.scoring.grades import HIGHEST, KINDS
from napari_jsn.scoring.maps.joint_map import METHODS
from napari_jsn.scoring.one_stage.grader import OneStageGrader
from napari_jsn.scoring.training.simulated_patients import simulated_patients
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from napari_jsn.scoring.two_stage.network import TOKENS


def evaluate_scoring(
    model: str,
    device: str,
    counts: Mapping[str, tuple[int, int]],
    fitted: tuple[int, int] = (0, 0),
    cache: Path | None = None,
    progress: Progress | None = None,
    maps: int = 0,
) -> list[ScoringEvaluation]:
    """Return the graded sites of sets of simulated patients.

    Parameters
    ----------
    model, device : str
        A one-stage network is evaluated without maps and without the rule of widths, which are of the other method.
    counts : mapping of sampling to (number, first seed)
        A number of 0 leaves the set out.
    fitted : (number, first seed)
        Patients to whose widths the rule of grading by width is fitted; 0 leaves the rule out.
    cache : path, optional
    progress : Progress, optional
    maps : int
        Joints on which each map of erosion is checked, in the uniform set.

    Raises
    ------
    InputError
        If there is no such model.
    Aborted
        When the progress is aborted.
    """
    if is_one_stage(model):
        return _one_stage(model, device, counts, cache, progress)
    grader = TwoStageGrader(model, device)
    rule = _rule(fitted, device, cache, progress)
    sets = []
    for grades, (count, seed) in counts.items():
        if not count:
            continue
        patients = simulated_patients(count, seed, grades, cache, progress)
        found = graded_sites(patients, grader)
        methods: dict[str, Mapping[str, GradedSites]] = {
            "two-stage": found,
            "two-stage, one hand at a time": graded_sites(patients, grader, both_hands=False),
            "all zeros": {kind: all_zeros(each) for kind, each in found.items()},
        }
        if rule is not None:
            methods["by the measured width"] = {"jsn": by_width(patients, measured_widths(patients, device), rule)}
        held = {KINDS[kind]: totals_held(found, grader.card, [kind]) for kind in HIGHEST}
        held["both"] = totals_held(found, grader.card, list(HIGHEST))
        checks = check_maps(patients, grader, METHODS[::-1], maps) if maps and grades == "uniform" else []
        sets.append(ScoringEvaluation(grades, count, methods, held, checks))
    return sets


def _one_stage(
    model: str, device: str, counts: Mapping[str, tuple[int, int]], cache: Path | None, progress: Progress | None
) -> list[ScoringEvaluation]:
    grader = OneStageGrader(model, device)
    sets = []
    for grades, (count, seed) in counts.items():
        if count:
            patients = simulated_patients(count, seed, grades, cache, progress)
            found = graded_whole_hands(patients, seed, grades, grader, cache, progress)
            zeros = {kind: all_zeros(each) for kind, each in found.items()}
            sets.append(ScoringEvaluation(grades, count, {"one-stage": found, "all zeros": zeros}))
    return sets


def _rule(fitted: tuple[int, int], device: str, cache: Path | None, progress: Progress | None) -> WidthRule | None:
    count, seed = fitted
    if not count:
        return None
    patients = simulated_patients(count, seed, "uniform", cache, progress)
    truth = patients.grades[..., 0].reshape(count, TOKENS).astype(int)
    return fit_width_rule(measured_widths(patients, device), truth)
