from itertools import combinations

import numpy as np
import pytest

from napari_jsn.evaluation.scoring.report import ScoringEvaluation, scoring_report
from napari_jsn.evaluation.scoring.simulated import (
    all_zeros,
    by_width,
    fit_width_rule,
    graded_sites,
    totals_held,
)
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from tests.scoring.small_model import save_small_model
from tests.scoring.training.test_task import patients


@pytest.fixture(scope="module")
def some():
    return patients(3, 4)


@pytest.fixture(scope="module")
def grader(tmp_path_factory):
    return TwoStageGrader(save_small_model(tmp_path_factory.mktemp("model")), "cpu")


def test_every_joint_with_a_grade_and_an_image_is_graded(some, grader):
    known = (some.grades[..., 0] >= 0).sum()
    for found in (graded_sites(some, grader), graded_sites(some, grader, both_hands=False)):
        for kind, sites in found.items():
            assert len(sites.truth) + sites.not_scored == known
            assert sites.not_scored >= (some.grades[0, 1, :, 0] >= 0).sum(), kind  # this hand has no images


def test_the_fitted_limits_are_the_best_ones():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, (20, 28))
    widths = 1.5 * np.array([1.0, 0.85, 0.65, 0.4, 0.1])[truth] * (1 + 0.2 * rng.standard_normal((20, 28)))
    rule = fit_width_rule(widths, truth)
    assert list(rule.limits) == sorted(rule.limits, reverse=True)

    def balanced(limits):
        grades = sum((widths / np.tile(rule.means, 2) < limit).astype(int) for limit in limits)
        return np.mean([(grades[truth == k] == k).mean() for k in range(5)])

    grid = np.arange(0.1, 1.2, 0.1)
    best = max(balanced(limits[::-1]) for limits in combinations(grid, 4))
    assert balanced(rule.limits) >= best - 1e-9


def test_joints_without_a_width_get_the_most_frequent_grade():
    truth = np.full((2, 28), 4)
    truth[:, :14] = 0
    widths = np.where(truth == 0, 1.5, np.nan)
    assert fit_width_rule(widths, truth).without == 4


def test_the_report_shows_all_methods_and_joints(some, grader):
    found = graded_sites(some, grader)
    widths = 1.5 - 0.3 * some.grades[..., 0].reshape(3, 28)
    rule = fit_width_rule(widths, some.grades[..., 0].reshape(3, 28).astype(int))
    methods = {
        "two-stage": found,
        "all zeros": {kind: all_zeros(each) for kind, each in found.items()},
        "by the measured width": {"jsn": by_width(some, widths, rule)},
    }
    report = scoring_report([ScoringEvaluation("uniform", 3, methods, {"both": (2, 3)})])
    for text in (*methods, "balanced accuracy", "66.7 % of 3", "MCP2", "DIP5", "RPS"):
        assert text in report


def test_wide_intervals_hold_every_total(some, grader):
    found = graded_sites(some, grader)
    kinds = ("jsn", "erosion", "total")
    wide = {"totals": dict.fromkeys(kinds, {"correlation": 0.9, "factor": 100.0})}
    assert totals_held(found, wide, ["jsn"]) == (3, 3)
    assert totals_held(found, wide, ["jsn", "erosion"]) == (3, 3)
    narrow = {"totals": dict.fromkeys(kinds, {"factor": 1e-6})}
    assert totals_held(found, narrow, ["erosion"])[0] == 0
