"""Cases are what their names say, runs continue where they ended, and tables count what has failed or is right."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from napari_jsn.evaluation.failure import measured
from napari_jsn.evaluation.failure.__main__ import main
from napari_jsn.evaluation.failure.cases import (
    ANOTHER_JOINT,
    ANOTHER_PATIENT,
    ANOTHER_SIDE,
    CHANGED,
    SLIGHT,
    WRONG,
    real_cases,
    simulated_cases,
)
from napari_jsn.evaluation.failure.measured import CaseResult, load_results, measure_cases
from napari_jsn.evaluation.failure.report import changed_lines, wrong_lines
from napari_jsn.evaluation.public_images import FingerJoint
from napari_jsn.simulation.joint_pair import joint_pairs


@pytest.fixture(scope="module")
def pairs():
    return list(islice(joint_pairs(3, shape=(128, 128), spacing_mm=0.175), 12))


def cases(kind, pairs, count=2):
    return list(simulated_cases(kind, pairs, count, 5))


@pytest.mark.parametrize("kind", [*WRONG, *CHANGED, *SLIGHT])
def test_a_change_leaves_the_baseline_or_both_masks_as_they_were(pairs, kind):
    given, found = cases(kind, pairs)
    pair = pairs[0]
    same_masks = kind.startswith(("sat", "blur", "gamma", "right", "metal", "white", "black", "noise"))
    assert np.array_equal(given.fixed, pair.fixed) == (kind != "both images upside down")
    assert (given.moving_masks is pair.moving_masks) == same_masks
    assert (found.fixed_masks is None) == (not kind.startswith("masks"))
    if kind != "both images upside down":
        point, axis = pair.point, pair.axis
        assert given.true_mm(point, axis) == pytest.approx(pair.jsn_projected_mm, abs=0.02)


def test_pairs_of_two_joints_are_of_one_patient_or_of_two(pairs):
    baseline, followup = pairs[0].fixed, [pair.moving for pair in pairs]
    joint, patient = cases(ANOTHER_JOINT, pairs)[0], cases(ANOTHER_PATIENT, pairs)[0]
    for case, other in ((joint, 1), (patient, 10)):
        assert np.array_equal(case.fixed, baseline) and np.array_equal(case.moving, followup[other])
        assert np.isnan(case.true_mm(pairs[0].point, pairs[0].axis))
    assert pairs[10].fixed_truth.joint == pairs[0].fixed_truth.joint != pairs[1].fixed_truth.joint


@pytest.mark.parametrize("sides", [(256, 256), (200, 256), (384, 200)])
def test_crops_keep_the_truth(sides):
    kind = f"crops of {sides[0]} and {sides[1]} px"
    case = next(simulated_cases(kind, [], 1, 7))
    pair = next(joint_pairs(7, shape=(384, 384)))
    assert (case.fixed.shape[0], case.moving.shape[0]) == sides
    point = pair.point - (384 - sides[0]) / 2
    assert case.true_mm(point, pair.axis) == pytest.approx(pair.jsn_projected_mm, abs=1e-6)


def test_partners_of_real_joints():
    visits = [(np.zeros((8, 8), np.float32), None)] * 2
    names = [("1", "L", "MCP2"), ("1", "L", "MCP5"), ("1", "R", "MCP2"), ("2", "L", "MCP2"), ("1", "R", "PIP3")]
    joints = [
        FingerJoint(*name, [(np.full((8, 8), k, np.float32), None)] * len(visits), 0.175)
        for k, name in enumerate(names)
    ]
    for kind, expected in (
        (ANOTHER_JOINT, {(0, 1), (1, 0)}),
        (ANOTHER_PATIENT, {(0, 3), (3, 0), (2, 3), (3, 2)}),
        (ANOTHER_SIDE, {(0, 2), (2, 0)}),
    ):
        assert {(int(case.fixed[0, 0]), int(case.moving[0, 0])) for case in real_cases(kind, joints, 20, 0)} == expected


def result(kind, failed=False, error_mm=0.01, sd_mm=0.03, reasons="", source="simulated"):
    return CaseResult(source, kind, 0, 0.2 + error_mm, sd_mm, 0.2, failed, reasons)


def test_a_wrong_pair_counts_that_has_failed_or_is_right_all_the_same():
    rows = [
        result(ANOTHER_JOINT, True, reasons="NOT_SIMILAR"),
        result(ANOTHER_JOINT),  # right
        result(ANOTHER_JOINT, error_mm=0.07),  # over 0.06 mm
        result(ANOTHER_JOINT, error_mm=0.05, sd_mm=0.01),  # over 3 sd
        replace(result(ANOTHER_JOINT), true_mm=float("nan")),
    ]
    assert f"| {ANOTHER_JOINT} | simulated | 5 | 40.0% | 20.0% | NOT_SIMILAR |" in wrong_lines(rows)
    assert wrong_lines([]) == [] and changed_lines(rows) == []


def test_changed_pairs_hold_the_truth_or_have_failed():
    rows = [result("gamma 2"), result("gamma 2", error_mm=0.09), result("gamma 2", True, error_mm=0.09)]
    text = "\n".join(changed_lines([*rows, result("gamma 0.8"), result("gamma 0.8", True, reasons="CLIPPED")]))
    assert "| gamma 2 | simulated | 3 | 66.7% | 66.7% | 50.0% | +0.050 | 0.059 |" in text
    assert "| gamma 0.8 | simulated | 2 | 50.0% | 100.0% | 0.0100 | 0.059 | CLIPPED |" in text


def test_a_run_continues_after_the_saved_results(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "_BATCH", 2)
    save, kind = tmp_path / "results.csv", "masks exchanged"
    first = measure_cases("simulated", kind, iter(cases(kind, pairs, 2)), [], save)
    assert load_results(save) == first and all(one.failed for one in first)
    monkeypatch.setattr(measured, "_register", lambda batch: [None] * len(batch))
    again = measure_cases("simulated", kind, iter(cases(kind, pairs, 3)), load_results(save), save)
    assert again[:2] == first and [one.reasons for one in again[2:]] == [measured.REFUSED]


def test_the_command_prints_the_kinds_that_it_is_asked_for(tmp_path, capsys):
    page = tmp_path / "registration.md"
    options = ["--wrong", "2", "--changed", "1", "--source", "simulated", "--page", str(page)]
    assert main([*options, "--kind", "masks exch", "--kind", "gamma 4"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Simulated images: difficulty version 1, SHA-256")
    assert "| masks exchanged | simulated | 2 | 100.0% |" in printed and "| gamma 4 | simulated | 1 |" in printed
    assert not page.exists()
