"""Names of bones and joints."""

import pytest

from napari_jsn.anatomy import BONES, JOINTS, MEASURED_JOINTS, bones_of
from napari_jsn.errors import InputError


def test_joints_are_in_anatomical_order():
    assert JOINTS[:5] == ("MCP1", "IP1", "MCP2", "PIP2", "DIP2")
    assert JOINTS[-1] == "DIP5"
    assert len(JOINTS) == len(set(JOINTS)) == 14


def test_measured_joints_leave_out_the_distal_interphalangeal_ones():
    expected = ("MCP1", "IP1", "MCP2", "PIP2", "MCP3", "PIP3", "MCP4", "PIP4", "MCP5", "PIP5")
    assert expected == MEASURED_JOINTS


def test_a_hand_has_27_bones_and_the_forearm_two():
    assert len(BONES) == len(set(BONES)) == 29


def test_the_upper_bone_is_the_distal_one():
    assert bones_of("MCP2") == ("PP2", "MC2")
    assert bones_of("PIP5") == ("MP5", "PP5")
    assert bones_of("DIP3") == ("DP3", "MP3")
    assert bones_of("MCP1") == ("PP1", "MC1")
    assert bones_of("IP1") == ("DP1", "PP1")
    assert {bone for joint in JOINTS for bone in bones_of(joint)} == set(BONES[:19])


def test_an_unknown_joint_is_refused_with_the_choices():
    with pytest.raises(InputError, match="PIP2") as refused:
        bones_of("PIP1")
    assert refused.value.argument == "joint"
