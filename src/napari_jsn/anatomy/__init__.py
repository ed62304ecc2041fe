"""Names, order and DICOM codes of the bones and joints of a hand."""

from napari_jsn.anatomy.codes import (
    BONE_CODES,
    FIGURE_CODES,
    FINGER_CODES,
    JOINT_CODES,
    NOTES_CODES,
    PRIVATE,
    SIDE_CODES,
    STATE_CODES,
    THUMB_MODIFIERS,
    THUMB_PHALANX,
    Code,
    bone_code,
    joint_code,
)
from napari_jsn.anatomy.joints import BONES, CARPALS, JOINTS, MEASURED_JOINTS, RAYS, bones_of, joint_group, joint_kind
from napari_jsn.anatomy.sites import SITE_TITLES, SITES, known_site, site_name

__all__ = [
    "BONES",
    "BONE_CODES",
    "CARPALS",
    "FIGURE_CODES",
    "FINGER_CODES",
    "JOINTS",
    "JOINT_CODES",
    "MEASURED_JOINTS",
    "NOTES_CODES",
    "PRIVATE",
    "RAYS",
    "SIDE_CODES",
    "SITES",
    "SITE_TITLES",
    "STATE_CODES",
    "THUMB_MODIFIERS",
    "THUMB_PHALANX",
    "Code",
    "bone_code",
    "bones_of",
    "joint_code",
    "joint_group",
    "joint_kind",
    "known_site",
    "site_name",
]
