"""Evaluate a network for scores on simulated patients, with the baselines beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_jsn.common.progress import Progress
from napari_jsn.evaluation.scoring.class_maps import check_class_maps
from napari_jsn.evaluation.scoring.figures import GradedSites
from napari_jsn.evaluation.scoring.maps import MapCheck, check_maps
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
        Of either method; a one-stage network grades whole hands.
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
    grader: TwoStageGrader | OneStageGrader
    grader = OneStageGrader(model, device) if is_one_stage(model) else TwoStageGrader(model, device)
    rule = _rule(fitted, device, cache, progress)
    sets = []
    for grades, (count, seed) in counts.items():
        if not count:
            continue
        patients = simulated_patients(count, seed, grades, cache, progress)
        methods: dict[str, Mapping[str, GradedSites]]
        checks: Sequence[MapCheck] = ()
        checked = maps if grades == "uniform" else 0
        if isinstance(grader, OneStageGrader):
            found = graded_whole_hands(patients, seed, grades, grader, cache, progress)
            methods = {"one-stage": found}
            checks = [check_class_maps(seed, grades, grader, checked, progress)] if checked else []
        else:
            found = graded_sites(patients, grader, progress=progress)
            alone = graded_sites(patients, grader, both_hands=False, progress=progress)
            methods = {"two-stage": found, "two-stage, one hand at a time": alone}
            checks = check_maps(patients, grader, METHODS[::-1], checked, progress=progress) if checked else []
        methods["all zeros"] = {kind: all_zeros(each) for kind, each in found.items()}
        if rule is not None:
            widths = measured_widths(patients, device, progress)
            methods["by the measured width"] = {"jsn": by_width(patients, widths, rule)}
        held = {KINDS[kind]: totals_held(found, grader.card, [kind]) for kind in HIGHEST}
        held["both"] = totals_held(found, grader.card, list(HIGHEST))
        sets.append(ScoringEvaluation(grades, count, methods, held, checks))
    return sets


def _rule(fitted: tuple[int, int], device: str, cache: Path | None, progress: Progress | None) -> WidthRule | None:
    count, seed = fitted
    if not count:
        return None
    patients = simulated_patients(count, seed, "uniform", cache, progress)
    truth = patients.grades[..., 0].reshape(count, TOKENS).astype(int)
    return fit_width_rule(measured_widths(patients, device, progress), truth)
