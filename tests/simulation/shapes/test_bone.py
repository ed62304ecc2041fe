"""The shapes of bones: distances, rims, and the line that finds a base."""

import numpy as np
import pytest

from napari_jsn.simulation.shapes.bone import BoneShape, Erosion, JointSurface, distance_to_base, smooth_min
from napari_jsn.simulation.shapes.hand_bones import draw_bone


@pytest.fixture
def rod() -> BoneShape:
    """30 mm long, 4 mm thick everywhere, flat ends."""
    flat = JointSurface(1e9, 1e9)
    return BoneShape("PP2", 30.0, (-2, 0, 30, 32), (4,) * 4, (4,) * 4, (4,) * 4, 0.0, flat, flat, rounding=1e-3)


def test_distance_below_the_surface_of_a_rod(rod):
    x, y, z = np.array([0.0, 3.0, 0.0, 5.0, 0.0]), np.array([15.0, 15.0, 1.0, 15.0, 31.0]), np.zeros(5)

    np.testing.assert_allclose(rod.distance(x, y, z), [4.0, 1.0, 1.0, -1.0, -1.0], atol=1e-6)


def test_widths_may_differ_to_the_left_and_right(rod):
    wide = BoneShape("PP2", 30.0, rod.knots, (3,) * 4, (5,) * 4, (4,) * 4, 0.0, rod.head, rod.base)

    distances = wide.side_distance(np.array([-3.0, 5.0]), np.array([15.0, 15.0]), np.zeros(2))
    np.testing.assert_allclose(distances, 0, atol=1e-6)


def test_a_line_meets_the_base_where_the_surface_is():
    bone = draw_bone("PP3", 44.0, 1.0, np.random.default_rng(1))
    start, direction = np.array([0.7, 46.0, -0.4]), np.array([0.05, -0.99, 0.1])
    direction /= np.linalg.norm(direction)

    x, y, z = start + distance_to_base(bone, start, direction) * direction
    assert y == pytest.approx(bone.length + bone.base.height(x, z), abs=1e-8)


def test_the_bow_does_not_move_the_ends():
    bone = draw_bone("MC2", 66.0, 1.0, np.random.default_rng(2))

    *_, middle = bone.profile(np.array([0.0, 33.0, 66.0]))
    np.testing.assert_allclose(middle, [0, -bone.bow, 0], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_drawn_bones_are_thinnest_in_the_shaft(seed):
    for name, length in (("MC3", 64.0), ("PP2", 40.0), ("MP5", 16.0), ("DP4", 17.0), ("MC1", 44.0)):
        bone = draw_bone(name, length, 1.0, np.random.default_rng(seed))
        along = np.linspace(0.1, 1, 50) * length
        left, right, _, _ = bone.profile(along)
        assert 0.2 * length < along[np.argmin(left + right)] < 0.85 * length
        assert (np.diff(bone.knots) > 0).all()


def test_smooth_min_is_never_more_than_the_smaller():
    a, b = np.linspace(-3, 3, 61), np.zeros(61)

    rounded = smooth_min(a, b, 0.8)
    assert (rounded <= np.minimum(a, b) + 1e-12).all()
    np.testing.assert_allclose(rounded[np.abs(a) > 0.8], np.minimum(a, b)[np.abs(a) > 0.8])


def test_an_erosion_is_deepest_in_its_middle():
    erosion = Erosion((1.0, 2.0, 0.0), (1.0, 2.0, 1.5))

    assert erosion.inside(*np.array([1.0, 2.0, 0.0])) == pytest.approx(1.0)
    assert erosion.inside(*np.array([2.0, 2.0, 0.0])) == pytest.approx(0.0, abs=1e-9)
    assert erosion.inside(*np.array([1.0, 9.0, 0.0])) < 0
