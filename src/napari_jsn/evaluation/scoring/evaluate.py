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
from napari_jsn.scoring.automatic.total import DEFAULT
from napari_jsn.scoring.grades import HIGHEST, KINDS
from napari_jsn.scoring.maps.joint_map import METHODS
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
        Of the two-stage method.
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
        constants = grader.card.get("totals", dict.fromkeys((*HIGHEST, "total"), DEFAULT))
        held = {KINDS[kind]: totals_held(found, constants, [kind]) for kind in HIGHEST}
        held["both"] = totals_held(found, constants, list(HIGHEST))
        checks = check_maps(patients, grader, METHODS[::-1], maps) if maps and grades == "uniform" else []
        sets.append(ScoringEvaluation(grades, count, methods, held, checks))
    return sets


def _rule(fitted: tuple[int, int], device: str, cache: Path | None, progress: Progress | None) -> WidthRule | None:
    count, seed = fitted
    if not count:
        return None
    patients = simulated_patients(count, seed, "uniform", cache, progress)
    truth = patients.grades[..., 0].reshape(count, TOKENS).astype(int)
    return fit_width_rule(measured_widths(patients, device), truth)
