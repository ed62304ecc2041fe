"""Move the box of a joint onto its bones, so that every visit has the same field of view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.geometry import are_halves, joint_frame

#: Offset (share of the height) and rotation of a box against the bones from which it is cut again.
_FAR, _ROTATED_DEG = 0.035, 3.0
#: Largest rotation of a box onto its bones: a joint line that is more oblique is a wrong mask.
_MOST_DEG = 20.0


def recentre_box(joint: Joint, image: JointImage, masks: BoneMasks) -> Joint | None:
    """Return the joint with its box centred on the gap and aligned with the axis; None where it is so already.

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
    rotation_deg = float(np.rad2deg(np.arctan2(-axis[0], axis[1])))
    if abs(rotation_deg) > _MOST_DEG:
        rotation_deg = 0.0
    rows, cols = image.pixels.shape
    shift = point - ((cols - 1) / 2, (rows - 1) / 2)
    if np.hypot(*shift) <= _FAR * rows and abs(rotation_deg) <= _ROTATED_DEG:
        return None
    return replace(joint, box=_moved(joint.box, image.to_radiograph, rotation_deg, shift))


def _moved(
    box: NDArray[np.float64], to_radiograph: NDArray[np.float64], rotation_deg: float, shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the box rotated about its middle and shifted, both in the joint image, where pixels are square."""
    linear = to_radiograph[:2, :2]
    middle = box[:, ::-1].mean(axis=0)
    at = np.linalg.solve(linear, (box[:, ::-1] - middle).T).T
    cos, sin = np.cos(np.deg2rad(rotation_deg)), np.sin(np.deg2rad(rotation_deg))
    rotated = at @ np.array([[cos, sin], [-sin, cos]]) + shift
    return (rotated @ linear.T + middle)[:, ::-1]
