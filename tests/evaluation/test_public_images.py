"""Reading the real images; those that need them skip where NAPARI_JSN_DATA is unset."""

import os

import numpy as np
import pytest

from napari_jsn.evaluation import public_images as datasets

needs_data = pytest.mark.skipif(not os.environ.get("NAPARI_JSN_DATA"), reason="NAPARI_JSN_DATA is unset")


def test_a_joint_belongs_to_one_half_for_good():
    names = [f"{k:05d}_L_5" for k in range(200)]
    parts = [datasets.part_of(name) for name in names]
    assert 70 < parts.count("report") < 130
    assert parts == [datasets.part_of(name) for name in names]


@needs_data
def test_finger_joints_leave_wrong_masks_and_duplicates_out():
    joints = {joint.name: joint for joint in datasets.finger_joints(size=127)}
    assert not datasets.DUPLICATES & joints.keys()
    assert sum(len(joint.visits) for joint in joints.values()) == 1189
    image, masks = joints["00086_R_11"].visits[0]
    assert image.shape == masks.shape == (127, 127) and image.dtype == np.float32
    assert image.min() >= 0 and image.max() <= 1
    assert joints["00086_R_11"].spacing_mm == pytest.approx(0.1734, abs=1e-4)


@needs_data
def test_phantom_and_published_pair():
    assert [pair.jsn_mm for pair in datasets.phantom()] == [-0.5, 0.5, -0.5, 0.5]
    assert datasets.published_pair().fixed.shape == (127, 127)
