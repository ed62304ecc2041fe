"""DICOM codes of joints, bones, sides, figures and notes."""

from __future__ import annotations

from typing import NamedTuple

from napari_jsn.anatomy.joints import bones_of


class Code(NamedTuple):
    """A coded concept of DICOM: value, coding scheme and meaning.

    Schemes: SCT is SNOMED CT, DCM is DICOM PS3.16, UCUM is for units. A concept without a verified code in these
    schemes has a code in the scheme :data:`PRIVATE`.
    """

    value: str
    scheme: str
    meaning: str


#: Scheme of the codes of this package. DICOM requires that names of private schemes begin with "99".
PRIVATE = "99NAPARIJSN"

SIDE_CODES = {"R": Code("24028007", "SCT", "Right"), "L": Code("7771000", "SCT", "Left")}

FINGER_CODES = {
    1: Code("76505004", "SCT", "Thumb"),
    2: Code("83738005", "SCT", "Index finger"),
    3: Code("65531009", "SCT", "Middle finger"),
    4: Code("82002001", "SCT", "Ring finger"),
    5: Code("12406000", "SCT", "Little finger"),
}

#: Code of each kind of joint; together with the code of a finger it identifies one joint.
JOINT_CODES = {
    "MCP": Code("70420003", "SCT", "Metacarpophalangeal joint"),
    "IP": Code("115955008", "SCT", "Interphalangeal joint of thumb"),
    "PIP": Code("PIP", PRIVATE, "Proximal interphalangeal joint of finger"),
    "DIP": Code("371200006", "SCT", "Distal interphalangeal joint of finger"),
}

#: Code of each kind of bone; together with the code of a finger it identifies one bone.
BONE_CODES = {
    "MC": Code("36455000", "SCT", "Metacarpal"),
    "PP": Code("306790005", "SCT", "Proximal phalanx of finger"),
    "MP": Code("306791009", "SCT", "Middle phalanx of finger"),
    "DP": Code("306792002", "SCT", "Distal phalanx of finger"),
}
#: In SNOMED CT the thumb is not a finger; a modifier distinguishes its two phalanges.
THUMB_PHALANX = Code("2550002", "SCT", "Phalanx of thumb")
THUMB_MODIFIERS = {"PP": Code("40415009", "SCT", "Proximal"), "DP": Code("46053002", "SCT", "Distal")}

#: Code of each measured value; the keys are the column names of tables without the unit.
FIGURE_CODES = {
    "jsn": Code("JSN", PRIVATE, "Joint space narrowing since baseline"),
    "jsn_sd": Code("JSN_SD", PRIVATE, "Standard uncertainty of joint space narrowing"),
    "ci_low": Code("JSN_CI_LOW", PRIVATE, "Lower end of 95 % interval of narrowing"),
    "ci_high": Code("JSN_CI_HIGH", PRIVATE, "Upper end of 95 % interval of narrowing"),
    "closure": Code("JSN_CLOSURE", PRIVATE, "Closure of narrowing around three visits"),
    "angle": Code("ANGLE", PRIVATE, "Rotation of distal against proximal bone"),
    "jsw": Code("JSW", PRIVATE, "Joint space width"),
    "jsw_sd": Code("JSW_SD", PRIVATE, "Standard uncertainty of joint space width"),
    "jsw_change": Code("JSW_CHANGE", PRIVATE, "Decrease of joint space width since baseline"),
    "jsw_change_sd": Code("JSW_CHANGE_SD", PRIVATE, "Standard uncertainty of decrease of JSW"),
}

#: Notes on a measurement.
NOTES_CODES = {
    "joint_space": Code("JOINT_SPACE", PRIVATE, "Joint space"),
    "reliable": Code("JSN_RELIABLE", PRIVATE, "Joint space narrowing has not failed"),
    "state": Code("JSN_STATE", PRIVATE, "State of joint space narrowing"),
    "reason": Code("JSN_REASON", PRIVATE, "Why joint space narrowing has failed"),
    "jsw_reliable": Code("JSW_RELIABLE", PRIVATE, "Joint space width is reliable"),
    "jsw_reason": Code("JSW_REASON", PRIVATE, "Why joint space width is not reliable"),
    "changed_by_hand": Code("CHANGED_BY_HAND", PRIVATE, "What a person changed"),
    "decision": Code("READER_DECISION", PRIVATE, "Decision of a reader"),
    "spacing_source": Code("SPACING_SOURCE", PRIVATE, "Source of the pixel spacing"),
    "evaluations": Code("C0034375", "UMLS", "Qualitative Evaluations"),
}

#: Values of the state of a narrowing.
STATE_CODES = {
    "good": Code("STATE_GOOD", PRIVATE, "Good"),
    "wide": Code("STATE_WIDE", PRIVATE, "Wide interval"),
    "failed": Code("STATE_FAILED", PRIVATE, "Failed"),
}


def joint_code(joint: str) -> tuple[Code, Code]:
    """Return the codes of a joint's kind and finger: ``"MCP2"`` is metacarpophalangeal joint and index finger."""
    bones_of(joint)
    return JOINT_CODES[joint[:-1]], FINGER_CODES[int(joint[-1])]


def bone_code(bone: str) -> tuple[Code, Code | None]:
    """Return the codes of a bone's kind and, for phalanges of the thumb, its modifier: ``"PP2"``, ``"PP1"``."""
    kind, ray = bone[:-1], int(bone[-1])
    if ray == 1 and kind in THUMB_MODIFIERS:
        return THUMB_PHALANX, THUMB_MODIFIERS[kind]
    return BONE_CODES[kind], None
