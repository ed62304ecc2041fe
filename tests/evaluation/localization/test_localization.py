import numpy as np
import pytest

from napari_jsn import Joint
from napari_jsn.evaluation.localization import detections as module
from napari_jsn.evaluation.localization.detections import RadiographTruth, detect, summarize_detections
from napari_jsn.evaluation.localization.report import (
    feet_table,
    localization_figures,
    localization_table,
    overlay,
    overlays,
)
from napari_jsn.evaluation.localization.sets import simulated_feet
from napari_jsn.evaluation.localization.variations import conditions, mirrored
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.localization.mean_hand import mean_hand


@pytest.fixture
def truth():
    """A dark radiograph with a bright dot on every joint."""
    points = 2 * mean_hand() + (150, 200)
    pixels = np.full((480, 330), 0.2, np.float32)
    for x, y in np.rint(points).astype(int):
        pixels[y - 4 : y + 5, x - 4 : x + 5] = 0.8
    return RadiographTruth(
        pixels, {("L", joint): at for joint, at in zip(module.JOINTS, points, strict=True)}, 2.0, "film"
    )


def test_joints_stay_on_their_dots_in_every_condition(truth):
    seen = set()
    for condition, truths in conditions([truth, truth]):
        seen.add(condition)
        for one in truths:
            for (side, _), (x, y) in one.points.items():
                if 6 < x < one.pixels.shape[1] - 6 and 6 < y < one.pixels.shape[0] - 6 and "ring" not in condition:
                    value = one.pixels[round(y), round(x)]
                    assert value == pytest.approx(0.2 if condition == "negative" else 0.8, abs=0.02)
                assert side == "R" if condition.startswith("mirrored") else side in "LR"
    assert len(seen) == 12
    both = truths[0]
    assert len(both.points) == 28


def found_as(points):
    joints = [Joint.around(name, side, (y, x), (1, 0), 40) for (side, name), (x, y) in points.items()]
    return FoundJoints(tuple(joints), sides=("L",))


def test_errors_missed_and_false_joints_are_counted(truth, monkeypatch):
    points = {key: at + (3, 4) for key, at in truth.points.items()}
    del points["L", "PIP3"]
    points["R", "MCP2"] = np.array([100.0, 100.0])
    points["L", "DIP2"] = truth.points["L", "DIP2"] + (20, 0)
    monkeypatch.setattr(module, "find_joints", lambda *given, **named: found_as(points))
    detection = detect(truth)
    assert detection.missed == (("L", "PIP3"),) and detection.false == (("R", "MCP2"),)
    assert detection.error_mm["L", "MCP2"] == pytest.approx(2.5) and detection.joints == 14
    summary = summarize_detections([detection])
    assert summary.within == pytest.approx(12 / 14) and summary.median_mm == pytest.approx(2.5)
    assert (summary.missed, summary.false, summary.radiographs) == (1, 1, 1)
    rows = [("real", "as they are", [detection])]
    assert "| **real** | 1 | 14 | 92.9 % | 85.7 % | 85.7 % | 2.50" in localization_table(rows)
    assert summary.unsaid == 2 and localization_figures(rows)["real, as they are"]["wrong_without_reason"] == 2
    assert localization_figures(rows)["real, as they are"]["missed"] == 1
    assert list(overlays(rows)) == ["real-0.png"] and overlay(detection).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("shift", "size", "right"), [(0, 44, 14), (10, 44, 14), (12, 44, 0), (0, 34, 14), (0, 32, 0), (0, 60, 0)]
)
def test_a_box_is_right_if_place_and_side_are_near(truth, monkeypatch, shift, size, right):
    joints = [Joint.around(name, side, (y, x + shift), (1, 0), size) for (side, name), (x, y) in truth.points.items()]
    monkeypatch.setattr(module, "find_joints", lambda *given, **named: FoundJoints(tuple(joints), sides=("L",)))
    assert detect(truth).right_boxes == right


def test_joints_beyond_the_border_are_not_missed_but_false(truth, monkeypatch):
    cut = RadiographTruth(truth.pixels[150:], {key: at - (0, 150) for key, at in truth.points.items()}, 2.0)
    monkeypatch.setattr(module, "find_joints", lambda *given, **named: FoundJoints())
    gone = [key for key, at in cut.points.items() if at[1] < -9]
    assert detect(cut).joints == len(detect(cut).missed) < 14 and gone
    monkeypatch.setattr(module, "find_joints", lambda *given, **named: found_as(cut.points))
    assert set(detect(cut).false) == set(gone)


@pytest.mark.parametrize("missing", [(), ("DIP5",), ("MCP1", "PIP2")])
def test_joints_whose_position_is_not_known_can_be_missed_but_not_wrong(truth, monkeypatch, missing):
    unplaced = frozenset(("L", name) for name in ("MCP1", "PIP2", "DIP5"))
    known = {key: at for key, at in truth.points.items() if key not in unplaced}
    partly = RadiographTruth(truth.pixels, known, 2.0, unplaced=unplaced)
    shown = {key: at for key, at in truth.points.items() if key[1] not in missing}
    monkeypatch.setattr(module, "find_joints", lambda *given, **named: found_as(shown))
    detection = detect(partly)
    assert detection.false == () and {name for _, name in detection.missed} == set(missing)
    assert detection.joints == 11 and detection.wrong == 0
    assert summarize_detections([detection]).found == pytest.approx(1 - len(missing) / 14)
    assert {side for side, _ in mirrored(partly).unplaced} == {"R"}
    cut = dict(conditions([partly]))["fingertips cut off"][0]
    assert not (cut.unplaced - cut.hidden)  # where they are is not known, so neither is whether they are in view


def test_feet_that_are_called_hands_are_counted(monkeypatch, tmp_path, truth):
    feet = list(simulated_feet(2, 3, tmp_path))
    assert all(foot.points == {} and 0 <= foot.pixels.min() < foot.pixels.max() <= 1 for foot in feet)
    again = list(simulated_feet(2, 3, tmp_path))
    assert np.array_equal(feet[1].pixels, again[1].pixels) and not np.array_equal(feet[0].pixels, feet[1].pixels)
    answers = iter([FoundJoints(), found_as(truth.points)])
    monkeypatch.setattr(module, "find_joints", lambda *given, **named: next(answers))
    detections = [detect(foot) for foot in feet]
    assert "| 2 | 1 | 1 | 14 |" in feet_table(detections)
    assert localization_figures([], detections)["simulated feet"]["called_a_hand"] == 1
