from dataclasses import replace

import numpy as np
import pytest

from napari_jsn import Radiograph
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.reasons import ReasonCode
from napari_jsn.localization.hands import locate_hand
from napari_jsn.localization.sides import joints_of_hands


@pytest.fixture
def noise():
    return Radiograph(np.random.default_rng(0).random((1024, 1024)).astype(np.float32))


def found(located, radiograph):
    return joints_of_hands([located], np.diag([4.0, 4.0, 1.0]), radiograph)


def without(located, names):
    probability = located.probability.copy()
    probability[[JOINTS.index(name) for name in names]] = 0.1
    return replace(located, probability=probability)


@pytest.mark.parametrize(
    "gone",
    [
        ["MCP1", "IP1", "PIP2", "PIP3", "PIP4"],
        ["DIP2", "DIP3", "DIP4", "DIP5", "IP1", "MCP5"],
        ["MCP2", "PIP2", "DIP2", "MCP3", "PIP3", "DIP3", "MCP1"],
    ],
)
def test_many_joints_missing_inside_the_picture_are_a_reason(maps, hand, noise, gone):
    joints = found(without(locate_hand(maps(hand()), False), gone), noise)
    assert [reason.code for reason in joints.reasons] == [ReasonCode.HAND_INCOMPLETE]
    assert all(name in joints.reason for name in gone) and joints.notes == ()


@pytest.mark.parametrize("gone", [["DIP5"], ["MCP1", "IP1"], ["PIP2", "PIP3", "DIP4", "DIP5"]])
def test_few_joints_missing_inside_the_picture_are_a_note(maps, hand, noise, gone):
    joints = found(without(locate_hand(maps(hand()), False), gone), noise)
    assert joints.reliable and len(joints.notes) == 1 and all(name in joints.notes[0] for name in gone)
    assert [name for _, name in joints.missing] == [name for name in JOINTS if name in gone]


@pytest.mark.parametrize("probability", [0.52, 0.6, 0.66, 0.75])
def test_a_low_mean_confidence_is_a_reason(maps, hand, noise, probability):
    joints = found(locate_hand(maps(hand(), probability), False), noise)
    assert len(joints) == 14
    assert [reason.code for reason in joints.reasons] == ([ReasonCode.JOINTS_UNCERTAIN] if probability < 0.68 else [])


def test_ambiguous_names_are_a_reason(maps, hand, noise):
    joints = found(replace(locate_hand(maps(hand()), False), ambiguous=True), noise)
    assert [reason.code for reason in joints.reasons] == [ReasonCode.NAMES_AMBIGUOUS]
