"""Tables and pictures of simulated grades."""

import numpy as np
import pytest
from PIL import Image

from napari_jsn.evaluation.grades import report
from napari_jsn.evaluation.grades.__main__ import main
from napari_jsn.evaluation.grades.pose import (
    PIXEL_MM,
    PoseSample,
    RegisteredPairs,
    drawn_pose,
    pose_lines,
    registered_lines,
)
from napari_jsn.evaluation.grades.report import GradedSite
from napari_jsn.evaluation.grades.sheet import Cell, crop, write_sheet
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import joint_pair
from napari_jsn.simulation.shapes.joint_grades import JointGrades


def site(joint, visible, space, width=1.0, erosion=(0, 0), **options):
    grades = JointGrades(
        visible, erosion[0], space, erosion[1],
        width_mm=width, healthy_width_mm=1.0, population_width_mm=1.0, **options,
    )  # fmt: skip
    return GradedSite(joint, "F", 50.0, grades)


SITES = [
    site("MCP2", 0, 0), site("MCP2", 1, 0, 0.8), site("PIP3", 2, 2, 0.6), site("PIP3", 3, 3, 0.4, (5, 3)),
    site("DIP4", 4, 4, 0.0, mark="ankylosis"), site("MCP3", 1, 1, 0.95),
    GradedSite("MCP4", "F", 50.0, JointGrades(not_scored="missing")),
]  # fmt: skip


def test_shares_and_differences_count_scored_joints():
    assert report.shares(SITES, "jsn") == pytest.approx([1 / 6, 2 / 6, 1 / 6, 1 / 6, 1 / 6])
    assert report.shares(SITES, "jsn", in_space=True)[0] == pytest.approx(2 / 6)
    text = "\n".join([*report.share_lines(SITES), *report.difference_lines(SITES)])
    assert "7 joints, 1 of them not scored" in text
    assert "| MCP2 | +0.50 (50%; 2)" in text and "+2.00 (100%; 1)" in text


def test_the_width_alone_gives_the_textbook_s_grades():
    assert [report.grade_by_width(width, 1.0) for width in (1.2, 0.9, 0.89, 0.7, 0.45, 0.0, -1.0)] == [
        0, 0, 1, 2, 3, 4, 4
    ]  # fmt: skip
    accuracy, recalls = report.balanced_accuracy(report.scored(SITES), lambda grades: grades.population_width_mm)
    assert recalls == [1.0, 0.5, 1.0, 1.0, 1.0] and accuracy == pytest.approx(0.9)


def test_the_slope_of_the_slide_is_that_of_the_pairs_that_rotated():
    rotation = np.array([2.0, -4.0, 8.0, 0.1])
    sample = PoseSample("pairs", rotation, np.where(np.abs(rotation) < 1, 3.0, 0.5 * PIXEL_MM * rotation))
    assert sample.slide_px_per_deg == pytest.approx(0.5)
    assert "| pairs | 4 | 0.4 / 1.5 / 3.0 / 5.0 / 7.4 |" in "\n".join(pose_lines([sample]))
    assert np.isnan(PoseSample("none", np.zeros(2), np.zeros(2)).slide_px_per_deg)


@pytest.mark.parametrize(("version", "px_per_deg"), [(1, "0.28"), (2, "0.28"), (3, "0.62")])
def test_the_drawn_motion_of_every_version_is_compared(version, px_per_deg):
    row = drawn_pose(2000, 7, version).row()
    assert row[:2] == [f"simulated joint pairs, difficulty {version}", "2000"]
    assert float(row[-1]) == pytest.approx(float(px_per_deg), abs=0.03)


def test_roll_scale_and_overlap_of_registered_pairs_are_listed():
    pair = joint_pair("MCP2", 0.1, seed=3, shape=(128, 128), spacing_mm=0.175, motion=Motion())
    prepared = PreparedPair.from_masks(pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, 0.175)
    line = registered_lines([RegisteredPairs("still", [prepared])])[-1]
    name, count, roll, scale, residual, _ = (cell.strip() for cell in line.strip("| ").split(" | "))
    assert (name, count) == ("still", "1") and float(roll.split()[0]) < 0.3 and float(residual) < 0.3
    assert max(abs(float(value)) for value in scale.split(", ")) < 0.3


def test_the_command_prints_the_difficulty_and_every_table(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("NAPARI_JSN_DATA", raising=False)
    assert main(["--quick", "--n", "14", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "difficulty version 5, SHA-256" in printed
    page = (tmp_path / "simulated-grades.md").read_text()
    assert all(title in page for title in ("Shares of the grades", "Visible grades", "width alone", "Healthy widths"))


@pytest.mark.parametrize(("words", "message"), [(["--n", "0"], "--n"), (["--difficulty", "7"], "version 7")])
def test_wrong_requests_are_refused(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_the_sheet_shows_joints_upright(tmp_path):
    pixels = np.zeros((200, 200), np.float32)
    pixels[:, 100:] = 1.0  # the axis of this joint points to the right: its distal end is dark
    shown = crop(pixels, np.array([100.0, 100.0]), np.array([1.0, 0.0]), 0.2)
    assert shown[:80].mean() < 0.1 and shown[-80:].mean() > 0.9
    path = write_sheet([Cell(shown, "MCP2 J0 E0")] * 3, tmp_path / "new" / "sheet.png", columns=2)
    assert Image.open(path).size[0] == 2 * shown.shape[0]
