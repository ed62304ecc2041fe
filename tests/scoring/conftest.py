"""A small network for scores with random weights, and the sample hand."""

from dataclasses import replace

import numpy as np
import pytest

import napari_jsn as jsn
from tests.scoring.small_model import save_small_model


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Path of a model of the two-stage method; its grades are arbitrary."""
    return save_small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def left_hand():
    """A radiograph of a left hand, and its joints."""
    radiograph = jsn.read_radiograph(min(jsn.sample_folder("hand_pair").glob("*.dcm")))
    return radiograph, jsn.find_joints(radiograph)


@pytest.fixture(scope="session")
def both_hands(left_hand):
    """The left hand, and its mirror image as the right one: radiographs and boxes of a visit."""
    radiograph, joints = left_hand
    right = replace(radiograph, pixels=np.ascontiguousarray(radiograph.pixels[:, ::-1]), side="R", path=None)
    return (radiograph, right), {(1, "L"): tuple(joints), (1, "R"): tuple(mirrored(each, right) for each in joints)}


def mirrored(joint, radiograph):
    """Return the joint of a left hand on the mirrored radiograph."""
    corners = joint.box * (1, -1) + (0, radiograph.shape[1] - 1)
    return replace(joint, side="R", box=corners[[1, 0, 3, 2]])
