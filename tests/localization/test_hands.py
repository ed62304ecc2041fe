from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.hands import drop_ambiguous, finger_to_palm, locate_hand
from napari_jsn.localization.network import find_peaks


def test_peaks_are_found_to_a_fraction_of_a_cell(maps, hand):
    points = hand(1.1, 12)
    found, probability = find_peaks(maps(points))
    np.testing.assert_allclose(found, points, atol=0.05)
    np.testing.assert_allclose(probability, 0.9, atol=0.01)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("rotation", [0, 45, -45])
def test_a_hand_is_found_with_its_rotation_and_size(maps, hand, rotation, right):
    points = hand(0.9, rotation, right=right)
    found = locate_hand(maps(points), right)
    assert found.is_hand and found.seen.all()
    assert found.turn_deg == pytest.approx(rotation, abs=0.5) and found.scale == pytest.approx(0.9, abs=0.01)
    np.testing.assert_allclose(found.points, points, atol=0.1)


def test_joints_out_of_view_are_not_guessed(maps, hand):
    points = hand()
    points[JOINTS.index("DIP3")] = np.nan
    found = locate_hand(maps(points), False)
    assert [JOINTS[k] for k in np.flatnonzero(~found.seen)] == ["DIP3"]
    assert np.hypot(*(found.points - hand())[JOINTS.index("DIP3")]) < 1  # but the shape says where it would be


def test_a_peak_far_from_its_place_gives_way_to_one_near_it(maps, hand):
    points = hand()
    astray = points.copy()
    k = JOINTS.index("PIP4")
    astray[k] = (20, 230)
    both = maps(points, 0.45)
    both[k] += maps(astray, 0.5)[k]
    found = locate_hand(both, False)
    assert 0.4 < found.probability[k] < 0.5 and np.hypot(*(found.points[k] - points[k])) < 1
    alone = maps(points)
    alone[k] = maps(astray)[k]
    assert not locate_hand(alone, False).seen[k]


def test_two_joints_are_no_hand(maps, hand):
    points = hand()
    points[[k for k, joint in enumerate(JOINTS) if joint not in ("MCP2", "PIP2")]] = np.nan
    found = locate_hand(maps(points), False)
    assert found is None or not found.is_hand
    assert locate_hand(maps(np.full((14, 2), np.nan)), False) is None


def test_peaks_anywhere_are_no_hand(maps):
    rng = np.random.default_rng(1)
    for _ in range(5):
        found = locate_hand(maps(rng.uniform(5, 250, (14, 2))), False)
        assert found is None or found.seen.sum() <= 6


@pytest.mark.parametrize(("one", "other"), [("DIP3", "DIP4"), ("PIP2", "PIP3"), ("MCP5", "MCP4")])
def test_of_two_joints_in_one_place_the_less_probable_is_left_out(maps, hand, one, other):
    points, k, j = hand(), JOINTS.index(one), JOINTS.index(other)
    located = locate_hand(maps(points), False)
    moved, probability = located.points.copy(), located.probability.copy()
    moved[k], probability[k] = moved[j] + (2, 1), 0.7
    none = torch.zeros((28, 128, 128))
    distinct = drop_ambiguous(replace(located, points=moved, probability=probability), none)
    assert [JOINTS[n] for n in np.flatnonzero(~distinct.seen)] == [one]


@pytest.mark.parametrize(("name", "rival", "right"), [("PIP3", "PIP4", False), ("DIP2", "PIP2", False),
                                                     ("MCP4", "MCP2", True)])  # fmt: skip
@pytest.mark.parametrize(("share", "kept"), [(0.2, True), (0.6, False)])
def test_a_joint_with_an_ambiguous_name_is_left_out(maps, hand, name, rival, right, share, kept):
    points, k = hand(), JOINTS.index(name)
    own, other = maps(points), torch.zeros((14, 128, 128))
    (other if right else own)[JOINTS.index(rival)] += share * maps(points)[k]
    located = drop_ambiguous(locate_hand(own, False), torch.cat([own, other]))
    assert located.seen[k] == kept and located.seen.sum() == 13 + kept


def test_a_left_hand_that_looks_like_a_right_one_keeps_its_joints(maps, hand):
    own = maps(hand())
    assert drop_ambiguous(locate_hand(own, False), torch.cat([own, own])).seen.all()


@pytest.mark.parametrize("shorter", [1.0, 0.7, 0.5])
def test_the_length_of_the_fingers_by_the_palm(maps, hand, shorter):
    points = hand()
    for k, joint in enumerate(JOINTS):
        if joint[:3] in ("PIP", "DIP"):
            knuckle = JOINTS.index(f"MCP{joint[-1]}")
            points[k] = hand()[knuckle] + shorter * (hand()[k] - hand()[knuckle])
    located = replace(locate_hand(maps(hand()), False), points=points)
    assert finger_to_palm(located) == pytest.approx(shorter, abs=0.01)
    assert np.isnan(finger_to_palm(replace(located, probability=np.zeros(14))))
