import numpy as np
import pytest

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.simulation.foot import simulate_feet


@pytest.fixture(scope="module")
def feet():
    return list(simulate_feet(3, seed=21))


def length(points):
    """Length of the middle finger or toe, by the width of the palm or forefoot."""
    at = dict(zip(JOINTS, points, strict=True))
    return np.hypot(*(at["MCP3"] - at["DIP3"])) / np.hypot(*(at["MCP2"] - at["MCP5"]))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_foot_has_short_toes_that_point_up(feet, number):
    foot = feet[number]
    rows, cols = foot.radiograph.shape
    assert foot.radiograph.pixels.dtype == np.float32 and 0.2 < np.ptp(foot.radiograph.pixels) <= 1
    assert ((foot.points > 0) & (foot.points < (cols, rows))).all()
    for ray in "2345":
        upper, lower = (foot.points[JOINTS.index(f"{kind}{ray}")] for kind in ("DIP", "MCP"))
        assert upper[1] < lower[1]
    assert length(foot.points) < 0.8 * length(mean_hand())
    great, fifth = (foot.points[JOINTS.index(f"MCP{ray}")] for ray in (1, 5))
    assert (great[0] < fifth[0]) == foot.right


def test_a_foot_does_not_depend_on_their_number_and_may_be_left_only(feet):
    (first,) = simulate_feet(1, seed=21)
    assert np.array_equal(first.radiograph.pixels, feet[0].radiograph.pixels)
    assert not np.array_equal(feet[0].radiograph.pixels, feet[1].radiograph.pixels)
    assert not any(foot.right for foot in simulate_feet(2, seed=22, mirror=False))
