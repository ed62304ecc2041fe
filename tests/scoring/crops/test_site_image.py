from dataclasses import replace

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.anatomy import JOINTS
from napari_jsn.scoring.crops.site_image import KEPT, hand_images, site_image


@pytest.mark.parametrize("name", ["MCP2", "IP1", "DIP5"])
def test_a_right_hand_looks_like_the_mirrored_left_one(both_hands, name):
    radiographs, boxes = both_hands
    joints = (next(each for each in boxes[1, side] if each.name == name) for side in "LR")
    left, right = (site_image(*each).astype(int) for each in zip(radiographs, joints))
    assert np.abs(left - right).max() <= 2


def test_without_a_pixel_size_the_box_gives_the_scale(left_hand):
    radiograph, joints = left_hand
    known, unknown = (
        site_image(each, joints[2]).astype(float) for each in (radiograph, replace(radiograph, spacing_mm=None))
    )
    assert np.corrcoef(known.ravel(), unknown.ravel())[0, 1] > 0.99


def test_each_kind_of_joint_fills_its_image(left_hand):
    images, there = hand_images(*left_hand)
    assert images.shape == (len(JOINTS), KEPT, KEPT)
    assert there.sum() == len(left_hand[1])
    assert (images[there].max((1, 2)) == 255).all()


@pytest.mark.parametrize("centre", [(-400.0, 50.0), (50.0, 5000.0), (9000.0, 9000.0)])
def test_a_joint_outside_the_radiograph_has_no_image(left_hand, centre):
    radiograph, _ = left_hand
    outside = jsn.Joint.around("PIP3", "L", centre, (1.0, 0.0), 60)
    assert not hand_images(radiograph, [outside])[1].any()
