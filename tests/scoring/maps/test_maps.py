from dataclasses import replace

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.scoring.maps.site_map import MAPS, on_radiograph


@pytest.fixture(scope="module")
def scores(both_hands, small_model):
    radiographs, boxes = both_hands
    return jsn.score(radiographs, scheme="svdh-hands", model=small_model, boxes=boxes)


@pytest.mark.parametrize(("kind", "how"), [(kind, how) for (_, kind), each in list(MAPS.items())[:2] for how in each])
def test_a_map_lies_on_its_joint_only(scores, kind, how):
    for side in "LR":
        shown = scores.maps("PIP3", kind, side, method=how)
        hand = next(each for each in scores.hands if each.side == side)
        assert shown.shape == hand.radiograph.pixels.shape
        assert np.isfinite(shown).all()
        assert shown.min() >= 0
        rows, cols = np.nonzero(shown)
        joint = next(each for each in hand.joints if each.name == "PIP3")
        if len(rows):
            reach = 12 / float(np.min(hand.radiograph.spacing_mm))
            assert np.hypot(rows - joint.centre[0], cols - joint.centre[1]).max() < reach


def test_maps_of_the_mirrored_hand_are_mirrored(scores):
    left, right = (scores.maps("MCP2", "erosion", side, method="areas") for side in "LR")
    assert np.abs(left - right[:, ::-1]).max() < 0.05


@pytest.mark.parametrize(
    ("site", "kind", "how"), [("RC", "jsn", None), ("MCP2", "jsn", "areas"), ("MCP9", "jsn", None)]
)
def test_maps_that_are_not_there_are_refused(scores, site, kind, how):
    with pytest.raises(InputError):
        scores.maps(site, kind, "L", method=how)


def test_a_map_needs_its_visit(scores):
    with pytest.raises(InputError):
        replace(scores, hands=()).maps("MCP2", "jsn", "L")


@pytest.mark.parametrize("angle", [0.0, 0.5, 2.0])
def test_an_image_lands_where_its_matrix_says(angle):
    image = np.zeros((21, 31), np.float32)
    image[8, 20] = 1.0
    cos, sin = 2 * np.cos(angle), 2 * np.sin(angle)
    matrix = np.array([[cos, -sin, 100.0], [sin, cos, 90.0], [0, 0, 1]])
    placed = on_radiograph(image, matrix, (200, 220))
    x, y, _ = matrix @ (20, 8, 1)
    row, col = np.unravel_index(placed.argmax(), placed.shape)
    assert np.hypot(row - y, col - x) < 1.5


def test_an_image_outside_the_radiograph_leaves_it_empty():
    far = np.array([[1.0, 0, 900], [0, 1, 900], [0, 0, 1]])
    assert not on_radiograph(np.ones((5, 5), np.float32), far, (50, 60)).any()
