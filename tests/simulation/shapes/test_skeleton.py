"""Random hands' joint points."""

from itertools import pairwise

import numpy as np
import pytest

from napari_jsn.anatomy import CARPALS, JOINTS, RAYS
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.shapes.joint_space import mean_widths
from napari_jsn.simulation.shapes.skeleton import BONE_LENGTH_MM, draw_skeleton


@pytest.fixture(scope="module")
def hands():
    return [draw_skeleton(np.random.default_rng(seed)) for seed in range(300)]


def test_every_point_is_there(hands):
    expected = {*JOINTS, *CARPALS, "radius", "ulna", "radius_shaft", "ulna_shaft"}
    expected |= {f"{end}{ray}" for end in ("CMC", "TIP") for ray in RAYS}
    for hand in hands[:5]:
        assert set(hand.points) == expected
        assert all(point.shape == (2,) and np.isfinite(point).all() for point in hand.points.values())
        assert [len(ray) for ray in hand.rays().values()] == [4, 5, 5, 5, 5]


def test_the_same_seed_draws_the_same_hand():
    one, other = (draw_skeleton(np.random.default_rng(7)) for _ in range(2))
    assert one.sex == other.sex
    assert all(np.array_equal(one.points[name], other.points[name]) for name in one.points)


def test_the_mean_hand_has_the_published_lengths():
    women, men = (draw_skeleton(np.random.default_rng(0), sex, variation=0) for sex in "FM")
    for bone, published in BONE_LENGTH_MM.items():
        lengths = []
        for hand in (women, men):
            proximal, distal = hand.ends(bone)
            lengths.append(np.linalg.norm(distal - proximal))
        assert 0 <= np.mean(lengths) - published < 2.0  # and half of a joint space at either end
        assert lengths[1] > lengths[0]
    proximal, distal = women.ends("PP2")
    spaces = mean_widths("F")
    assert np.linalg.norm(distal - proximal) == pytest.approx(0.96 * 39.78 + (spaces["MCP2"] + spaces["PIP2"]) / 2)


def test_lengths_and_spread_vary_as_people_do(hands):
    lengths = np.array([np.linalg.norm(np.subtract(*hand.ends("MC3"))) for hand in hands])
    assert 0.05 < lengths.std() / lengths.mean() < 0.10
    spread = [_direction(hand, "PP2") - _direction(hand, "PP5") for hand in hands]
    assert 20 < np.mean(spread) < 45
    assert np.std(spread) > 5


def test_hands_lie_as_left_ones_with_the_fingers_up(hands):
    for hand in hands:
        x = [hand.points[f"MCP{ray}"][0] for ray in RAYS]
        assert x == sorted(x, reverse=True)  # the thumb is at the right, as on the left hands of the data
        assert np.allclose(hand.points["CMC3"], 0)
        assert hand.points["MCP3"][0] == pytest.approx(0, abs=1e-9)
        assert hand.points["MCP3"][1] < -40
        assert hand.points["radius"][0] > hand.points["ulna"][0]
        for bone in ("radius", "ulna"):
            shaft = hand.points[f"{bone}_shaft"] - hand.points[bone]
            assert np.linalg.norm(shaft) == pytest.approx(40)
            assert shaft[1] > 25


def test_fingers_are_straight_enough_and_never_cross(hands):
    for hand in hands:
        for bones in RAYS.values():
            bends = [abs(_direction(hand, a) - _direction(hand, b)) for a, b in pairwise(bones)]
            assert max(bends) < 60
        corners = [hand.rays()[ray][1:] for ray in (2, 3, 4, 5)]
        for radial, ulnar in pairwise(corners):
            rows = np.linspace(max(radial[-1, 1], ulnar[-1, 1]), min(radial[0, 1], ulnar[0, 1]), 20)
            gap = np.interp(rows, radial[::-1, 1], radial[::-1, 0]) - np.interp(rows, ulnar[::-1, 1], ulnar[::-1, 0])
            assert gap.min() > 14


def test_the_wrist_is_between_hand_and_forearm(hands):
    for hand in hands:
        for bone in ("scaphoid", "lunate", "triquetrum"):
            assert hand.points[bone][1] < max(hand.points["radius"][1], hand.points["ulna"][1])
        rows = [hand.points[name][1] for name in ("CMC3", "capitate", "lunate", "radius")]
        assert rows == sorted(rows)
        assert 24 < np.linalg.norm(hand.points["radius"]) < 50
        assert hand.points["trapezium"][0] > hand.points["capitate"][0] > hand.points["hamate"][0]
        assert hand.points["scaphoid"][0] > hand.points["lunate"][0] > hand.points["triquetrum"][0]


def test_another_sex_is_refused():
    with pytest.raises(InputError, match="sex"):
        draw_skeleton(np.random.default_rng(0), "female")


def _direction(hand, bone):
    """Degrees from straight up, positive towards the thumb."""
    proximal, distal = hand.ends(bone)
    x, y = distal - proximal
    return np.degrees(np.arctan2(x, -y))
