"""Checks of class maps, on a simulated hand and with networks whose output is given."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Aborted
from napari_jsn.evaluation.scoring import class_maps
from napari_jsn.evaluation.scoring.class_maps import check_class_maps
from napari_jsn.radiograph import Radiograph
from napari_jsn.scoring.one_stage.canvas import CANVAS, hand_canvas
from napari_jsn.scoring.one_stage.grader import OneStageGrader
from napari_jsn.scoring.one_stage.network import PixelClasses

CENTRE, ERODED = (150.0, 200.0), (8, 4)


def drawn_hand(side):
    """A textured block with joints in one place, of which one has an erosion of grade 2 or more."""
    pixels = np.zeros((400, 300), np.float32)
    pixels[40:380, 40:260] = 0.4
    pixels[40:380, 40:260] += 0.2 * np.random.default_rng(0).random((340, 220), np.float32)
    grades = [SimpleNamespace(not_scored="", erosion=grade) for grade in (3, 1, None)]
    mask = SimpleNamespace(
        row=round(CENTRE[1]) + ERODED[1], col=round(CENTRE[0]) + ERODED[0], mask=np.ones((3, 3), bool)
    )
    joints = ("MCP2", "MCP3", "PIP2")
    return SimpleNamespace(
        sides=(side,),
        radiograph=lambda: Radiograph(pixels, 0.4, side),
        truths=[SimpleNamespace(joint=j, centre=CENTRE, grades=g) for j, g in zip(joints, grades, strict=True)],
        erosions=[SimpleNamespace(joint=joint, mask=mask) for joint in joints],
    )


class Pointing(OneStageGrader):
    """Its erosion map has the highest values at a place of the radiograph; deleting there lowers the grade."""

    def __init__(self, hand, away):
        canvas = hand_canvas(hand.radiograph(), hand.sides[0])
        x, y = CENTRE[0] + ERODED[0] + 1 + away, CENTRE[1] + ERODED[1] + 1
        self.place = np.rint((np.linalg.inv(canvas.to_radiograph) @ (x, y, 1))[1::-1]).astype(int)
        self.image, self.card, self.device = canvas.image, {}, "cpu"

    def pixel_classes(self, image):
        joint, narrowing, erosion, eroded = (torch.zeros(1, n, *CANVAS) for n in (15, 5, 6, 1))
        joint[0, 1 + JOINTS.index("MCP2")] = 1.0
        erosion[0, 3] = 1.0
        row, col = self.place
        same = np.array_equal(
            image[row - 1 : row + 2, col - 1 : col + 2], self.image[row - 1 : row + 2, col - 1 : col + 2]
        )
        if same:
            erosion[0, :, row - 2 : row + 3, col - 2 : col + 3] = torch.eye(6)[5][:, None, None]
            eroded[0, 0, row - 2 : row + 3, col - 2 : col + 3] = 1.0
        return PixelClasses(joint, narrowing, erosion, eroded, narrowing)


@pytest.mark.parametrize("side", ["L", "R"])
def test_maps_that_point_at_the_erosion_are_near_and_matter(monkeypatch, side):
    hand = drawn_hand(side)
    monkeypatch.setattr(class_maps, "simulated_radiographs", lambda seed, count, grades: iter([hand]))
    monkeypatch.setattr(class_maps, "_with_random_weights", lambda grader: Pointing(hand, -30))
    found = check_class_maps(1, "uniform", Pointing(hand, 0), 5)
    assert (found.method, found.joints, found.near, found.near_random) == ("class-map", 1, 1, 0)
    assert 0 < found.by_chance < 0.6 and found.fall > 0 and found.fall >= found.fall_random


def test_the_check_can_be_aborted(monkeypatch):
    hand = drawn_hand("L")
    monkeypatch.setattr(class_maps, "simulated_radiographs", lambda seed, count, grades: iter([hand]))
    monkeypatch.setattr(class_maps, "_with_random_weights", lambda grader: grader)
    with pytest.raises(Aborted):
        check_class_maps(1, "uniform", Pointing(hand, 0), 5, SimpleNamespace(aborted=True, update=lambda *each: None))
