"""Simulated hands are written by the command, read back with their truth, and compared with what is measured."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.cli import main
from napari_jsn.evaluation.hands import measured as measured_module
from napari_jsn.evaluation.hands.measured import MeasuredJoint, load_measured, measure_hands, save_measured
from napari_jsn.evaluation.hands.re_exposed import re_expose
from napari_jsn.evaluation.hands.report import re_exposed_lines, simulated_lines
from napari_jsn.evaluation.hands.simulated import SimulatedHand, simulated_hands


def test_hands_are_simulated_once_and_read_back_with_their_boxes(tmp_path, monkeypatch):
    commands = []

    def run(command, **options):
        commands.append(command)
        with pytest.raises(SystemExit) as left:
            main(command[3:])
        assert left.value.code == 0

    monkeypatch.setattr(subprocess, "run", run)
    hands = list(simulated_hands(1, 5, 0.5, tmp_path))
    assert [(hand.patient, hand.side) for hand in hands] == [("5-000", "L"), ("5-000", "R")]
    assert all(path.is_file() for hand in hands for path in hand.paths)
    boxes = hands[1].boxes()
    assert set(boxes) == {(1, "R"), (2, "R")} and len(boxes[1, "R"]) == 14
    row = hands[1].truth[1, "MCP2"]
    joint = next(joint for joint in boxes[1, "R"] if joint.name == "MCP2")
    assert joint.centre == pytest.approx((float(row["centre_y_px"]), float(row["centre_x_px"])))
    assert len(list(simulated_hands(1, 5, 0.5, tmp_path))) == 2 and len(commands) == 1
    damaged = list(simulated_hands(1, 5, 0.5, tmp_path, "natural"))
    assert len(commands) == 2 and damaged[0].paths != hands[0].paths
    assert "svdh_narrowing_3d" in damaged[0].truth[2, "MCP2"]


def test_a_copy_is_another_image_of_the_same_shape():
    pixels = np.random.default_rng(0).random((60, 40)).astype(np.float32)
    copy = re_expose(pixels, 1)
    assert copy.shape == pixels.shape and copy.dtype == np.float32
    assert np.abs(copy - pixels).mean() > 0.05


def joint(name="MCP2", pitch_mm=0.1, measured_mm=0.12, sd_mm=0.02, state="good", reasons="", patient="1", **others):
    one = MeasuredJoint(
        patient, "L", pitch_mm, name, 0.1, measured_mm, sd_mm, 0.01, 0.0, 0.15, 0.05, True, state, reasons, 0.5, 9.0
    )
    return replace(one, **others)


def test_the_table_has_the_figures_of_joints_that_have_not_failed():
    measured = [joint(name) for name in ("MCP2", "MCP3", "MCP4", "MCP5", "MCP1", "IP1", "PIP2", "PIP3", "PIP4", "PIP5")]
    measured.append(joint(measured_mm=0.9, state="failed", reasons="OUT_OF_VIEW"))
    text = "\n".join(simulated_lines(measured, "found"))
    assert "| all | 11 | 90.9% (90.9 to 90.9) | 0.0% | 0.0200 | +0.0200 | 100.0% (100.0 to 100.0) | 0.039 |" in text
    assert "| OUT_OF_VIEW | 1 |" in text
    assert "Not measured" in "\n".join(re_exposed_lines([], 0))


def test_pitches_kinds_and_large_rotations_have_rows_of_their_own():
    measured = [
        joint(roll_deg=1.0),
        joint(pitch_mm=0.2, measured_mm=0.5, roll_deg=20.0),
        joint("IP1", 0.2, rotation_deg=-8.0),
    ]
    measured += [replace(each, roll_deg=float("nan")) for each in measured[:2]]  # saved without their roll
    text = "\n".join(simulated_lines(measured, "found"))
    rolls = ("| roll of 0 to 8 deg | 1 |", "| roll of 8 to 16 deg | 1 |", "| roll of 16 to 90 deg | 1 |")
    for row in ("| 0.1 mm pitch | 2 |", "| 0.2 mm pitch | 3 |", "| IP1 | 1 |", "| rotation over 6 deg | 1 |", *rolls):
        assert row in text
    assert "0.144 mm" not in text and "| DIP |" not in text


def test_intervals_are_wider_where_few_patients_have_many_joints():
    def interval(patients):
        measured = [
            joint(patient=str(k % patients), state="failed" if k % patients == 0 else "good") for k in range(120)
        ]
        row = next(line for line in simulated_lines(measured, "found") if line.startswith("| all |"))
        low, high = (float(word) for word in re.search(r"\((\S+) to (\S+)\)", row).groups())
        return high - low

    assert interval(4) > 3 * interval(120)


def test_measured_joints_are_saved_and_read_back(tmp_path):
    measured = [joint(), joint("IP1", 0.2, state="failed", reasons="OUT_OF_VIEW MASKS_DIFFER"), joint(sd_mm=0.1)]
    save_measured(measured, tmp_path / "measured.csv")
    assert load_measured(tmp_path / "measured.csv") == measured


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_run_that_was_stopped_measures_the_other_hands_only(tmp_path, monkeypatch, kept):
    hands = [SimulatedHand(patient, side, (tmp_path, tmp_path), {}) for patient, side in (("1", "L"), ("1", "R"))]
    calls = []

    def measure_hand(hand, boxes, joints):
        calls.append(hand.side)
        return [replace(joint(name, patient=hand.patient), side=hand.side) for name in joints]

    monkeypatch.setattr(measured_module, "measure_hand", measure_hand)
    save = tmp_path / "measured.csv"
    if kept:
        measure_hands(hands[:kept], "found", ["MCP2", "IP1"], 1, save)
    calls.clear()
    found = measure_hands(hands, "found", ["MCP2", "IP1"], 1, save)
    assert [(one.side, one.joint) for one in found] == [(s, j) for s in "LR" for j in ("MCP2", "IP1")]
    assert calls == ["L", "R"][kept:] and load_measured(save) == found
