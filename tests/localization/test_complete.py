import numpy as np
import pytest
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.complete import complete_hand
from napari_jsn.localization.hands import drop_ambiguous, locate_hand


def index(joint):
    return JOINTS.index(joint)


@pytest.fixture
def uncertain(maps, hand):
    """Maps of a left hand: ``uncertain({joint: probability}, {joint: (x, y) in mm off its place})``."""

    def make(probability, moved=(), gone=()):
        points = hand()
        for joint, off in dict(moved).items():
            points[index(joint)] += off
        points[[index(joint) for joint in gone]] = np.nan
        shown = maps(points, 0.9)
        for joint, value in probability.items():
            shown[index(joint)] *= value / 0.9
        return torch.cat([shown, torch.zeros_like(shown)])

    return make


def completed(maps):
    found = drop_ambiguous(locate_hand(maps[: len(JOINTS)], False), maps)
    return found, complete_hand(found, maps)


@pytest.mark.parametrize("joints", [{"DIP3": 0.4}, {"MCP1": 0.45}, {"PIP5": 0.35, "DIP2": 0.48}])
def test_uncertain_joints_are_in_view_where_their_finger_confirms_them(uncertain, hand, joints):
    found, whole = completed(uncertain(joints))
    assert [JOINTS[k] for k in np.flatnonzero(~found.seen)] == [joint for joint in JOINTS if joint in joints]
    assert whole.seen.all() and np.hypot(*(whole.points - hand()).T).max() < 0.5
    assert (whole.probability[found.seen] == found.probability[found.seen]).all()
    assert all(joints[joint] < whole.probability[index(joint)] < 0.9 for joint in joints)


@pytest.mark.parametrize("off", [(12, 0), (-9, 9), (0, -13)])
def test_uncertain_joints_away_from_their_place_stay_out(uncertain, off):
    assert not completed(uncertain({"DIP3": 0.4}, {"DIP3": off}))[1].seen[index("DIP3")]


@pytest.mark.parametrize("finger", ["2", "3", "4"])
def test_a_hand_of_which_little_is_known_is_not_completed(uncertain, finger):
    shown = {finger, str(int(finger) + 1)}
    gone = [joint for joint in JOINTS if joint[-1] not in shown]
    found, whole = completed(uncertain({f"DIP{finger}": 0.4}, gone=gone))
    assert not found.seen[index(f"DIP{finger}")] and (whole.seen == found.seen).all()


@pytest.mark.parametrize(("joint", "rival"), [("DIP5", "PIP5"), ("DIP3", "DIP2"), ("PIP4", "MCP4")])
def test_a_joint_with_a_place_elsewhere_is_no_rival(uncertain, maps, hand, joint, rival):
    shown = uncertain({joint: 0.7, rival: 0.55})
    points = hand()
    points[index(rival)] = points[index(joint)]
    shown[index(rival)] += 0.5 * maps(points)[index(rival)]
    found, whole = completed(shown)
    assert not found.seen[index(joint)] and whole.seen[index(joint)]


@pytest.mark.parametrize("finger", ["2", "3", "4"])
def test_a_sure_knuckle_is_kept_where_the_tips_of_its_finger_lie_on_another_one(uncertain, hand, finger):
    """As on a bent finger, whose joints the network confuses with those of the next one."""
    moved = {
        f"{joint}{finger}": hand()[index(f"{joint}{int(finger) + 1}")] - hand()[index(f"{joint}{finger}")] + (4, 6)
        for joint in ("PIP", "DIP")
    }
    weak = {f"PIP{finger}": 0.55, f"DIP{finger}": 0.6, f"MCP{finger}": 0.95}
    whole = completed(uncertain(weak, moved))[1]
    assert whole.seen[index(f"MCP{finger}")]


@pytest.mark.parametrize("knuckle", ["MCP2", "MCP4", "MCP5"])
def test_a_knuckle_at_the_place_of_the_next_joint_is_not_added(uncertain, hand, knuckle):
    further = JOINTS[index(knuckle) + 1]
    off = hand()[index(further)] - hand()[index(knuckle)]
    whole = completed(uncertain({knuckle: 0.6}, {knuckle: off}, gone=[further]))[1]
    assert not whole.seen[index(knuckle)]


@pytest.mark.parametrize("joint", ["MCP1", "IP1"])
def test_a_thumb_of_one_uncertain_joint_is_not_added(uncertain, joint):
    other = {"MCP1": "IP1", "IP1": "MCP1"}[joint]
    assert not completed(uncertain({joint: 0.49, other: 0.0}))[1].seen[:2].any()
