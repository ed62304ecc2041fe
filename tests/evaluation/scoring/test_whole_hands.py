import numpy as np
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.evaluation.scoring.whole_hands import graded_whole_hands
from napari_jsn.scoring.graded_joints import GradedJoints
from napari_jsn.scoring.training import whole_hands
from tests.scoring.training.test_task import patients


class Certain:
    """Marks the joints MCP2 and PIP3 only; their grade is the number of the hand."""

    def __init__(self):
        self.seen = []

    def grade(self, hands):
        (hand,) = hands
        grade = round(float(hand.radiograph.pixels.max() * 255)) - 1
        self.seen.append(hand.radiograph.spacing_mm)
        return GradedJoints(
            {
                ("L", joint, kind): tuple(np.eye(size)[grade])
                for joint in ("MCP2", "PIP3")
                for kind, size in (("jsn", 5), ("erosion", 6))
            }
        )


def test_whole_hands_are_graded_and_compared_with_the_truth(monkeypatch):
    some = patients(2, 5)
    images = np.zeros((20, 2, 84, 56), np.uint8)
    for k in range(4):
        images[k // 2, k % 2, 40, 30] = k + 1
    hands = {"images": images, "spacing_mm": np.full(20, 0.288)}
    monkeypatch.setattr(whole_hands, "simulated_hand_images", lambda seed, grades, cache: hands)
    grader = Certain()
    found = graded_whole_hands(some, 7, "uniform", grader)
    assert len(grader.seen) == 4
    for kind, place in (("jsn", 0), ("erosion", 1)):
        sites = found[kind]
        assert {JOINTS[k] for k in sites.joints} == {"MCP2", "PIP3"}
        assert sites.grades.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        expected = [
            some.grades[p, s, JOINTS.index(j), place] for p in range(2) for s in range(2) for j in ("MCP2", "PIP3")
        ]
        assert sites.truth.tolist() == expected
        assert sites.not_scored == (some.grades[..., place] >= 0).sum() - 8


def test_more_patients_are_used_for_totals_than_for_grades(monkeypatch):
    asked = {"fitted": {"uniform": (2, 7), "natural": (3, 8)}, "totals": {"natural": (5, 8)}}
    given = {}
    monkeypatch.setattr(whole_hands, "CALIBRATION", asked["fitted"])
    monkeypatch.setattr(whole_hands, "TOTALS", asked["totals"])
    monkeypatch.setattr(
        whole_hands,
        "whole_hand_probabilities",
        lambda count, seed, *rest: {kind: np.full((count, 28, 5), float(seed)) for kind in ("jsn", "erosion")},
    )
    truth = {"grades": np.zeros((20, 2, 14, 2), np.int8)}
    monkeypatch.setattr(whole_hands, "simulated_chunk", lambda *rest: truth)
    monkeypatch.setattr(
        whole_hands, "fit_all", lambda found, of_totals, scaled: given.update(f=found, t=of_totals) or {}
    )
    whole_hands.one_stage_calibration(torch.nn.Linear(1, 1), {"inner_mm": 4.0})
    for kind in ("jsn", "erosion"):
        assert given["f"][kind][0][:, 0, 0].tolist() == [7.0, 7.0, 8.0, 8.0, 8.0]
        assert len(given["t"][kind][0]) == len(given["t"][kind][1]) == 5
