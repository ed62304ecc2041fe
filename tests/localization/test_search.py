from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_jsn import Radiograph, find_joints
from napari_jsn.anatomy import JOINTS
from napari_jsn.localization import search
from napari_jsn.localization.canvas import upright_view
from napari_jsn.localization.hands import locate_hand
from napari_jsn.localization.mean_hand import transform_points
from napari_jsn.localization.search import missing_inside
from napari_jsn.localization.views import exposed_box
from napari_jsn.simulation.foot import simulate_feet


def surrounded(pixels, value, place):
    """Put a radiograph at a place of one of five times its size."""
    rows, cols = pixels.shape
    whole = np.full((5 * rows, 5 * cols), value, np.float32)
    top, left = int(place[0] * 4 * rows), int(place[1] * 4 * cols)
    whole[top : top + rows, left : left + cols] = pixels
    return whole, top, left


@pytest.mark.parametrize(("value", "place"), [(0.0, (0.1, 0.9)), (1.0, (0.5, 0.5)), (0.4, (0.8, 0.0))])
def test_a_hand_on_a_much_larger_radiograph_is_found_as_well(film, value, place):
    radiograph = film.radiograph()
    alone = find_joints(radiograph)
    whole, top, left = surrounded(radiograph.pixels, value, place)
    found = find_joints(Radiograph(whole, radiograph.spacing_mm))
    assert [joint.name for joint in found] == list(JOINTS) and found.reliable
    for joint, same in zip(found, alone, strict=True):
        assert np.hypot(*(np.array(joint.centre) - same.centre - (top, left))) < 3


def test_feet_are_no_hands():
    for foot in simulate_feet(4, seed=5):
        found = find_joints(foot.radiograph.pixels)
        assert len(found) == 0 and "does not look like a hand" in found.reason


def two_views(monkeypatch, maps, hand, distal, first, second):
    """Locate a hand whose upright view shows every joint of the fingers one joint further distal."""
    points = hand(0.9)
    located = locate_hand(maps(points, first), False)
    to_upright = upright_view(located.from_mean)
    upright = transform_points(to_upright, points)
    moved = upright.copy()
    if distal:
        for k, joint in enumerate(JOINTS[:-1]):
            same = joint[-1] == JOINTS[k + 1][-1]
            moved[k] = upright[k + 1] if same else upright[k] + 0.6 * (upright[k] - upright[k - 1])
    shown = torch.cat([maps(moved, second), torch.zeros_like(maps(moved))])
    monkeypatch.setattr(search, "predict_maps", lambda *given, **named: shown)
    pixels = np.full((256, 256), 0.5, np.float32)  # only the maps matter: on even intensities no joint is judged
    refined = search.refine_hand(located, pixels, np.eye(3), (0, 0, 256, 256), None, "cpu")
    return points, refined


@pytest.mark.parametrize("second", [0.55, 0.58, 0.6])
def test_a_second_view_that_names_joints_differently_does_not_replace_a_surer_one(monkeypatch, maps, hand, second):
    points, refined = two_views(monkeypatch, maps, hand, True, 0.98, second)
    assert not refined.ambiguous and np.hypot(*(refined.points - points)[refined.seen].T).max() < 2


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.8), (0.8, 0.9), (0.85, 0.85)])
def test_two_views_that_disagree_and_are_as_sure_are_ambiguous(monkeypatch, maps, hand, first, second):
    assert two_views(monkeypatch, maps, hand, True, first, second)[1].ambiguous


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.6), (0.6, 0.9), (0.9, 0.9)])
def test_two_views_that_agree_are_not_ambiguous(monkeypatch, maps, hand, first, second):
    points, refined = two_views(monkeypatch, maps, hand, False, first, second)
    assert not refined.ambiguous and np.hypot(*(refined.points - points).T).max() < 1


@pytest.mark.parametrize("joint", ["DIP4", "PIP2", "MCP5"])
@pytest.mark.parametrize("still", [False, True])
def test_whether_a_joint_is_covered_is_judged_by_all_joints(monkeypatch, maps, hand, joint, still):
    calls = []

    def covered(located, *_):
        calls.append(located)
        return np.array([name == joint and (still or len(calls) == 1) for name in JOINTS])

    monkeypatch.setattr(search, "covered", covered)
    refined = two_views(monkeypatch, maps, hand, False, 0.9, 0.9)[1]
    k = JOINTS.index(joint)
    assert not refined.seen[k] and refined.completed.seen[k] != still


@pytest.mark.parametrize("joints", [["DIP2"], ["PIP3", "DIP5"], ["MCP1", "MCP4"]])
def test_joints_that_the_upright_view_misses_are_searched_in_other_views(monkeypatch, maps, hand, joints):
    points = hand(0.9)

    def look(pixels, matrix, *given, **named):
        at = transform_points(np.linalg.inv(matrix), points)
        shown = maps(at)
        if abs(np.arctan2(matrix[1, 0], matrix[0, 0])) < 0.1:  # seen on a rotated view only
            shown[[JOINTS.index(joint) for joint in joints]] = 0.0
        return torch.cat([shown, torch.zeros_like(shown)])

    monkeypatch.setattr(search, "predict_maps", look)
    pixels = np.full((256, 256), 0.5, np.float32)  # only the maps matter: on even intensities no joint is judged
    located = locate_hand(maps(points), False)
    refined = search.refine_hand(located, pixels, np.eye(3), (0, 0, 256, 256), None, "cpu")
    assert [JOINTS[k] for k in np.flatnonzero(~refined.seen)] == joints
    assert refined.completed.seen.all() and np.hypot(*(refined.completed.points - points).T).max() < 1


@pytest.mark.parametrize(("length", "foot"), [(1.2, False), (1.08, False), (0.95, True), (0.8, True)])
def test_long_fingers_of_a_completed_hand_show_that_it_is_no_foot(maps, hand, length, foot):
    points = hand(0.9)
    for k in range(2, len(JOINTS)):
        if not JOINTS[k].startswith("MCP"):
            points[k] = points[k - 1] + length * (hand(0.9)[k] - hand(0.9)[k - 1])
    whole = locate_hand(maps(points), False)
    few = [JOINTS.index(joint) for joint in ("MCP2", "PIP2", "MCP4", "PIP4", "DIP4")]
    known = np.isin(np.arange(len(JOINTS)), few)
    part = replace(whole, probability=np.where(known, whole.probability, 0.0))
    thumbless = replace(whole, probability=np.where(np.arange(len(JOINTS)) < 2, 0.0, whole.probability))
    assert search.is_foot(part, np.eye(3), (0, 0, 256, 256))
    assert search.is_foot(replace(part, completed=thumbless), np.eye(3), (0, 0, 256, 256)) == foot


@pytest.mark.parametrize("box", [(0, 0, 100, 80), (30, 20, 100, 80), (10, 5, 60, 70)])
def test_constant_borders_are_not_exposed(box):
    pixels = np.full((100, 80), 0.2, np.float32)
    top, left, bottom, right = box
    pixels[top:bottom, left:right] = np.random.default_rng(0).random((bottom - top, right - left))
    assert exposed_box(pixels) == box
    assert exposed_box(np.full((100, 80), 0.5, np.float32)) == (0, 0, 100, 80)


@pytest.mark.parametrize("gone", [["DIP3"], ["MCP1", "IP1"], ["PIP2", "PIP4", "DIP5"]])
def test_missing_joints_count_only_inside_the_picture(maps, hand, gone):
    points = hand()
    points[[JOINTS.index(joint) for joint in gone]] = np.nan
    located = locate_hand(maps(points), False)
    inside = missing_inside(located, np.eye(3), (0, 0, 256, 256))
    assert [JOINTS[k] for k in np.flatnonzero(inside)] == gone
    above = int(np.nanmin(hand()[:, 1])) - 20
    assert not missing_inside(located, np.eye(3), (0, 0, max(1, above), 256)).any()
