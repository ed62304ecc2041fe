from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.covered import covered, ended
from napari_jsn.localization.hands import locate_hand


@pytest.fixture
def radiograph(hand):
    """Bones of brightness 0.6 on 0.3, with some noise."""
    pixels = np.full((256, 256), 0.3, np.float32)
    for x, y in np.rint(hand()).astype(int):
        pixels[y - 8 : y - 1, x - 3 : x + 4] = pixels[y + 1 : y + 8, x - 3 : x + 4] = 0.6
    return pixels + np.random.default_rng(0).normal(0, 0.02, pixels.shape).astype(np.float32)


@pytest.mark.parametrize("name", ["DIP4", "PIP2", "MCP5"])
@pytest.mark.parametrize("probability", [0.55, 0.9])
def test_an_uncertain_joint_on_bright_letters_is_covered(maps, hand, radiograph, name, probability):
    located, k = locate_hand(maps(hand()), False), JOINTS.index(name)
    each = located.probability.copy()
    each[k] = probability
    located = replace(located, probability=each)
    assert not covered(located, radiograph, np.eye(3)).any()
    x, y = np.rint(located.points[k]).astype(int)
    radiograph[y - 6 : y + 6, x - 2 : x + 1] = 1.0
    expected = [name] if probability < 0.6 else []
    assert [JOINTS[k] for k in np.flatnonzero(covered(located, radiograph, np.eye(3)))] == expected


@pytest.mark.parametrize("names", [("PIP3",), ("DIP2",), ("MCP5", "IP1")])
def test_a_joint_without_a_distal_bone_is_the_end_of_a_finger(maps, hand, radiograph, names):
    located = locate_hand(maps(hand()), False)
    assert not ended(located, radiograph, np.eye(3)).any()
    for name in names:
        x, y = np.rint(located.points[JOINTS.index(name)]).astype(int)
        radiograph[y - 14 : y, x - 9 : x + 10] = 0.3
    assert [JOINTS[k] for k in np.flatnonzero(ended(located, radiograph, np.eye(3)))] == sorted(names, key=JOINTS.index)
    assert not ended(located, 1 - radiograph, np.eye(3)).any()  # in a negative, this is not judged


def test_a_distal_bone_outside_the_radiograph_is_not_judged(maps, hand, radiograph):
    located = locate_hand(maps(hand()), False)
    top = int(located.points[JOINTS.index("DIP3")][1])
    radiograph[:top] = 0.3
    assert "DIP3" in [JOINTS[k] for k in np.flatnonzero(ended(located, radiograph, np.eye(3)))]
    below = np.array([[1, 0, 0], [0, 1, -top], [0, 0, 1.0]])  # the radiograph begins at the joint
    assert "DIP3" not in [JOINTS[k] for k in np.flatnonzero(ended(located, radiograph[top:], below))]
