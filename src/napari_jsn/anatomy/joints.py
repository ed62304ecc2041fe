"""Names and order of the bones and joints of a hand, and the two bones of each joint.

MC is a metacarpal, PP, MP and DP the proximal, middle and distal phalanx; the number is the ray, 1 the thumb.
"""

from __future__ import annotations

import reprlib

from napari_jsn.common.errors import InputError

#: Rays from thumb to little finger, each from proximal to distal.
RAYS: dict[int, tuple[str, ...]] = {
    1: ("MC1", "PP1", "DP1"),
    **{ray: (f"MC{ray}", f"PP{ray}", f"MP{ray}", f"DP{ray}") for ray in (2, 3, 4, 5)},
}

#: The eight wrist bones: the proximal row, then the distal row, each beginning at the thumb's side.
CARPALS = ("scaphoid", "lunate", "triquetrum", "pisiform", "trapezium", "trapezoid", "capitate", "hamate")

#: All bones of hand and wrist: the rays, the carpals, the forearm.
BONES: tuple[str, ...] = (*(bone for bones in RAYS.values() for bone in bones), *CARPALS, "radius", "ulna")

_JOINT_AFTER = {"MC": "MCP", "PP": "PIP", "MP": "DIP"}


def _joints() -> dict[str, tuple[str, str]]:
    """Return a dict from joint name to (upper, lower) bone, in anatomical order."""
    pairs = {}
    for ray, bones in RAYS.items():
        for lower, upper in zip(bones, bones[1:]):
            kind = "IP" if upper == "DP1" else _JOINT_AFTER[lower[:2]]
            pairs[f"{kind}{ray}"] = (upper, lower)
    return pairs


_BONES_OF = _joints()

#: Finger joints in anatomical order: MCP1, IP1, MCP2, PIP2, DIP2, MCP3, ...
JOINTS: tuple[str, ...] = tuple(_BONES_OF)

#: The ten joints whose narrowing is measured: MCP1-5, IP1, PIP2-5, in anatomical order.
MEASURED_JOINTS: tuple[str, ...] = tuple(joint for joint in JOINTS if not joint.startswith("DIP"))


def bones_of(joint: str) -> tuple[str, str]:
    """Return the two bones of a joint.

    Parameters
    ----------
    joint : str
        One of :data:`JOINTS`, for instance ``"MCP2"``.

    Returns
    -------
    tuple of str
        ``(upper, lower)``: the distal and the proximal bone, ``("PP2", "MC2")``.

    Raises
    ------
    InputError
        If the name is not one of the finger joints.
    """
    if not isinstance(joint, str):
        raise InputError(f"The name of a joint is {reprlib.repr(joint)}. Give one of: {', '.join(JOINTS)}.", "joint")
    if joint not in _BONES_OF:
        raise InputError(f"There is no finger joint {joint!r}. Choose one of: {', '.join(JOINTS)}.", "joint")
    return _BONES_OF[joint]


def joint_kind(joint: str) -> str:
    """Return ``"MCP1"``, ``"IP1"``, ``"MCP"``, ``"PIP"`` or ``"DIP"``: each joint of the thumb is a separate kind.

    Examples
    --------
    >>> from napari_jsn.anatomy import joint_kind
    >>> joint_kind("PIP3"), joint_kind("MCP1")
    ('PIP', 'MCP1')
    """
    return joint if joint.endswith("1") else joint.rstrip("2345")


def joint_group(joint: str) -> str:
    """Return the group in which a joint is reported: its kind, or ``"MCP2-5"`` for MCP joints of the fingers."""
    return "MCP2-5" if joint.startswith("MCP") and joint != "MCP1" else joint_kind(joint)
