"""Names of bones and joints."""

import pytest

from napari_jsn.anatomy import (
    BONE_CODES,
    BONES,
    FIGURE_CODES,
    FINGER_CODES,
    JOINT_CODES,
    JOINTS,
    MEASURED_JOINTS,
    NOTES_CODES,
    PRIVATE,
    SIDE_CODES,
    THUMB_MODIFIERS,
    THUMB_PHALANX,
    bone_code,
    bones_of,
    joint_code,
    joint_group,
    joint_kind,
)
from napari_jsn.common.errors import InputError


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


CODES = [
    code
    for table in (SIDE_CODES, FINGER_CODES, JOINT_CODES, BONE_CODES, THUMB_MODIFIERS, FIGURE_CODES, NOTES_CODES)
    for code in table.values()
] + [THUMB_PHALANX]


def check_digit_fits(number):
    """SNOMED CT's check digit (Verhoeff): every slip of one digit, and every swap of two, breaks it."""
    step = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    total = 0
    for place, digit in enumerate(reversed(number)):
        digit = int(digit)
        for _ in range(place % 8):
            digit = step[digit]
        if total < 5:
            total = (total + digit) % 5 + (5 if digit >= 5 else 0)
        else:
            total = (total - digit) % 5 + (0 if digit >= 5 else 5)
    return total == 0


def test_the_check_digit_of_every_snomed_code_fits():
    numbers = [code.value for code in CODES if code.scheme == "SCT"]
    assert len(numbers) == 17 and all(map(check_digit_fits, numbers))
    assert not any(check_digit_fits(str(int(number) + 1)) for number in numbers)


def test_codes_fit_into_dicom_and_differ():
    assert all(len(code.value) <= 16 and len(code.scheme) <= 16 and len(code.meaning) <= 64 for code in CODES)
    assert len({(code.scheme, code.value) for code in CODES}) == len({code.meaning for code in CODES}) == len(CODES)
    assert {code.scheme for code in CODES} <= {"SCT", "UMLS", PRIVATE} and PRIVATE.startswith("99")


def test_joints_and_bones_have_codes_that_tell_them_apart():
    assert [code.meaning for code in joint_code("DIP3")] == ["Distal interphalangeal joint of finger", "Middle finger"]
    assert len({joint_code(joint) for joint in JOINTS}) == len(JOINTS)
    assert bone_code("PP2")[0].meaning == "Proximal phalanx of finger"
    bones = [(bone_code(bone), bone[-1]) for bone in BONES[:19]]
    assert len(set(bones)) == len(bones)
    with pytest.raises(InputError):
        joint_code("PIP1")


def test_each_joint_has_a_kind_and_a_group():
    kinds = {"MCP1": "MCP1", "IP1": "IP1", "MCP4": "MCP", "PIP2": "PIP", "DIP5": "DIP", "": ""}
    assert {joint: joint_kind(joint) for joint in kinds} == kinds
    groups = {"MCP1": "MCP1", "IP1": "IP1", "MCP4": "MCP2-5", "MCP2-5": "MCP2-5", "PIP2": "PIP", "DIP5": "DIP", "": ""}
    assert {joint: joint_group(joint) for joint in groups} == groups
