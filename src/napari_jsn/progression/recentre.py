"""The same field of view at every visit: a joint's box moved onto its bones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.geometry import are_halves, joint_frame

#: Boxes that lie further off the bones are cut anew: by a share of their height, or turned by so many degrees.
_FAR, _TURNED_DEG = 0.035, 3.0
#: The most that a box is turned onto its bones: a joint line that is more askew is a misdrawn mask.
_MOST_DEG = 20.0


def recentre_box(joint: Joint, image: JointImage, masks: BoneMasks) -> Joint | None:
    """The box centred on the gap and turned along the joint's axis; None where it lies there already.

    Registration compares what both crops show, so what matters is that two visits show the same parts of the bones.

    Parameters
    ----------
    joint : Joint
        As the image was cut.
    image : JointImage
    masks : BoneMasks
        Of its two bones.
    """
    if are_halves(masks) or not (masks.upper.any() and masks.lower.any()):
        return None
    point, axis = joint_frame(masks)
    turn_deg = float(np.rad2deg(np.arctan2(-axis[0], axis[1])))
    if abs(turn_deg) > _MOST_DEG:
        turn_deg = 0.0
    rows, cols = image.pixels.shape
    shift = point - ((cols - 1) / 2, (rows - 1) / 2)
    if np.hypot(*shift) <= _FAR * rows and abs(turn_deg) <= _TURNED_DEG:
        return None
    return replace(joint, box=_moved(joint.box, image.to_radiograph, turn_deg, shift))


def _moved(
    box: NDArray[np.float64], to_radiograph: NDArray[np.float64], turn_deg: float, shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The box turned about its middle and shifted, both in the joint image, where pixels are square."""
    linear = to_radiograph[:2, :2]
    middle = box[:, ::-1].mean(axis=0)
    at = np.linalg.solve(linear, (box[:, ::-1] - middle).T).T
    cos, sin = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    turned = at @ np.array([[cos, sin], [-sin, cos]]) + shift
    return (turned @ linear.T + middle)[:, ::-1]
