import numpy as np

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import (
    HAND_MM,
    fit_similarity,
    joint_axes,
    mean_hand,
    mean_metacarpals,
    mirrored,
    transform_points,
)


def at(points, joint):
    return points[JOINTS.index(joint)]


def test_the_mean_hand_has_its_thumb_to_the_right_and_its_fingers_up():
    hand = mean_hand()
    assert hand.shape == (14, 2)
    assert at(hand, "IP1")[0] > at(hand, "MCP2")[0] > at(hand, "MCP5")[0]
    assert at(hand, "DIP3")[1] < at(hand, "PIP3")[1] < at(hand, "MCP3")[1]
    points = np.array([at(hand, joint) for joint in ("MCP3", "DIP3")])
    assert 85 > points[0, 1] - points[1, 1] > HAND_MM / 3


def test_a_similarity_is_found_again():
    linear = np.array([[1.2, -0.5], [0.5, 1.2]])
    points = mean_hand() @ linear.T + (40, -7)
    found = fit_similarity(mean_hand(), points, np.linspace(0.2, 1, 14))
    np.testing.assert_allclose(found, np.column_stack([linear, (40, -7)]), atol=1e-9)
    np.testing.assert_allclose(transform_points(found, mean_hand()), points)


def test_axes_run_from_the_distal_to_the_proximal_bone():
    upright = np.column_stack([np.eye(2), np.zeros(2)])
    found = joint_axes(mean_hand(), upright, right=False)
    np.testing.assert_allclose(np.hypot(*found.T), 1)
    bone = at(mean_hand(), "MCP3") - at(mean_hand(), "PIP3")
    assert at(found, "DIP3") @ bone / np.hypot(*bone) > 0.98
    metacarpal, phalanx = mean_metacarpals()[1], at(mean_hand(), "MCP2") - at(mean_hand(), "PIP2")
    angles = [np.arctan2(*each) for each in (metacarpal, at(found, "MCP2"), phalanx)]
    assert sorted(angles) in (angles, angles[::-1])  # between the two
    np.testing.assert_allclose(joint_axes(mirrored(mean_hand()), upright, right=True), mirrored(found), atol=1e-12)
