"""Move the box of a joint onto its bones, so that every visit has the same field of view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.geometry import are_halves, joint_frame

#: Offset (share of the height) and rotation of a box relative to its bones, above which it is moved.
_MAX_OFFSET, _MAX_ROTATION_DEG = 0.035, 3.0
#: Largest rotation that is corrected: a joint line that is more oblique comes from a wrong mask.
_MAX_CORRECTION_DEG = 20.0


def recentre_box(joint: Joint, image: JointImage, masks: BoneMasks) -> Joint | None:
    """Return the joint with its box centred on the gap and aligned with the axis; None if it need not be moved.

    Registration compares the contents of two joint images, so both must show the same parts of the bones.

    Parameters
    ----------
    joint : Joint
        Joint with the box from which the image was cut out.
    image : JointImage
    masks : BoneMasks
        Masks of the two bones.
    """
    if are_halves(masks) or not (masks.upper.any() and masks.lower.any()):
        return None
    point, axis = joint_frame(masks)
    rotation_deg = float(np.rad2deg(np.arctan2(-axis[0], axis[1])))
    if abs(rotation_deg) > _MAX_CORRECTION_DEG:
        rotation_deg = 0.0
    rows, cols = image.pixels.shape
    translation = point - ((cols - 1) / 2, (rows - 1) / 2)
    if np.hypot(*translation) <= _MAX_OFFSET * rows and abs(rotation_deg) <= _MAX_ROTATION_DEG:
        return None
    return replace(joint, box=_moved(joint.box, image.to_radiograph, rotation_deg, translation))


def _moved(
    box: NDArray[np.float64], to_radiograph: NDArray[np.float64], rotation_deg: float, translation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the box rotated about its middle and translated, both in the joint image, where pixels are square."""
    linear = to_radiograph[:2, :2]
    middle = box[:, ::-1].mean(axis=0)
    corners = np.linalg.solve(linear, (box[:, ::-1] - middle).T).T
    cos, sin = np.cos(np.deg2rad(rotation_deg)), np.sin(np.deg2rad(rotation_deg))
    rotated = corners @ np.array([[cos, sin], [-sin, cos]]) + translation
    return (rotated @ linear.T + middle)[:, ::-1]
