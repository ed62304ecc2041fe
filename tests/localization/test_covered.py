from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.covered import covered
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
