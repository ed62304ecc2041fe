"""Simulated hands are written by the command, read back with their truth, and compared with what is measured."""

import subprocess

import numpy as np
import pytest

from napari_jsn.cli import main
from napari_jsn.evaluation.hands.measured import MeasuredJoint
from napari_jsn.evaluation.hands.re_exposed import re_expose
from napari_jsn.evaluation.hands.report import re_exposed_lines, simulated_lines
from napari_jsn.evaluation.hands.simulated import simulated_hands


def test_hands_are_simulated_once_and_read_back_with_their_boxes(tmp_path, monkeypatch):
    commands = []

    def run(command, **options):
        commands.append(command)
        with pytest.raises(SystemExit) as left:
            main([*command[3:], "--spacing-mm", "0.5"])  # coarse, to be fast
        assert left.value.code == 0

    monkeypatch.setattr(subprocess, "run", run)
    hands = list(simulated_hands(1, 5, tmp_path))
    assert [(hand.patient, hand.side) for hand in hands] == [("SIM0001", "L"), ("SIM0001", "R")]
    assert all(path.is_file() for hand in hands for path in hand.paths)
    boxes = hands[1].boxes()
    assert set(boxes) == {(1, "R"), (2, "R")} and len(boxes[1, "R"]) == 14
    row = hands[1].truth[1, "MCP2"]
    joint = next(joint for joint in boxes[1, "R"] if joint.name == "MCP2")
    assert joint.centre == pytest.approx((float(row["centre_y_px"]), float(row["centre_x_px"])))
    assert len(list(simulated_hands(1, 5, tmp_path))) == 2 and len(commands) == 1


def test_a_copy_is_another_image_of_the_same_shape():
    pixels = np.random.default_rng(0).random((60, 40)).astype(np.float32)
    copy = re_expose(pixels, 1)
    assert copy.shape == pixels.shape and copy.dtype == np.float32
    assert np.abs(copy - pixels).mean() > 0.05


def test_the_table_has_the_figures_of_the_reliable_joints():
    names = ("MCP2", "MCP3", "MCP4", "MCP5", "MCP1", "IP1", "PIP2", "PIP3", "PIP4", "PIP5")
    measured = [MeasuredJoint(name, 0.1, 0.12, 0.02, 0.15, True, "", 0.5) for name in names]
    measured.append(MeasuredJoint("MCP2", 0.1, 0.9, 0.02, 0.15, False, "A bone is partly out of view.", 0.5))
    text = "\n".join(simulated_lines(measured, 1, "found"))
    assert "| all | 11 | 90.9% | 0.0200 | 0.0200 | +0.0200 | 100.0% | 0.00% | 0.050 |" in text
    assert "| A bone is partly out of view. | 1 |" in text
    assert "Not measured" in "\n".join(re_exposed_lines([], 0))
