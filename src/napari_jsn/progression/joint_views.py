"""Cut out the image of every joint of every radiograph, find its bones, and move its box onto them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.crop import joint_image
from napari_jsn.joint.geometry import are_halves, joint_frame
from napari_jsn.progression.narrowing import JointView
from napari_jsn.radiograph import Radiograph
from napari_jsn.segmentation.found_bones import FoundBones, segmentation_reasons
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.width.joint_space_width import joint_space_width


@dataclass
class _Draft:
    """One joint on one radiograph while its view is made."""

    radiograph: Radiograph
    joint: Joint
    image: JointImage
    masks: BoneMasks | None
    painted: bool


def make_joint_views(
    wanted: Sequence[tuple[Radiograph, Joint]],
    painted: Mapping[int, BoneMasks],
    model: str,
    device: str,
    progress: Progress,
) -> list[JointView] | None:
    """Return the views of joints, in the given order.

    A box that is not centred on the bones found in it is moved onto them, once, and the image is cut out again. Boxes
    that a person set and masks that a person painted are not changed.

    Parameters
    ----------
    wanted : sequence of (Radiograph, Joint)
    painted : mapping of index to BoneMasks
        Masks painted by a person on the image that the joint's box cuts out.
    model, device : str
        Of the segmentation network.
    progress : Progress

    Returns
    -------
    list of JointView, or None if aborted

    Raises
    ------
    InputError
        If painted masks do not fit their joint image.
    """
    drafts = [
        _Draft(radiograph, joint, joint_image(radiograph, joint), painted.get(k), k in painted)
        for k, (radiograph, joint) in enumerate(wanted)
    ]
    for one in drafts:
        _check_shape(one)
    if not _segment([one for one in drafts if not one.painted], model, device, progress):
        return None
    again = [one for one in drafts if not (one.painted or one.joint.edited) and _recut(one)]
    if again and not _segment(again, model, device, progress):
        return None
    views = []
    for one in drafts:
        assert one.masks is not None
        jsw = joint_space_width(one.image, one.masks)
        views.append(JointView(one.joint, one.image, one.masks, jsw, segmentation_reasons(one.masks), one.painted))
    return views


def _segment(drafts: Sequence[_Draft], model: str, device: str, progress: Progress) -> bool:
    """Find the bones of all drafts; return False if aborted. An image without contrast has no bones."""
    with_contrast = []
    for one in drafts:
        if np.ptp(one.image.pixels) > 0:
            with_contrast.append(one)
        else:
            nothing = np.zeros(one.image.pixels.shape, dtype=bool)
            reason = Reason(ReasonCode.BONE_NOT_FOUND, "The bones were not found: the image has no contrast.")
            one.masks = FoundBones(nothing, nothing, (reason,), confidence=0.0)
    found = segment_many([one.image for one in with_contrast], model, device, progress)
    for one, masks in zip(with_contrast, found, strict=False):
        one.masks = masks
    return len(found) == len(with_contrast)


def _recut(one: _Draft) -> bool:
    """Centre the box on the bones and cut out the image again; return False if it is centred or would be cut off."""
    assert one.masks is not None
    moved = recentre_box(one.joint, one.image, one.masks)
    if moved is None:
        return False
    try:
        one.image = joint_image(one.radiograph, moved)
    except InputError:  # bones found at the border of the radiograph
        return False
    one.joint = moved
    return True


def _check_shape(one: _Draft) -> None:
    if one.masks is not None and one.masks.shape != one.image.pixels.shape:
        raise InputError(
            f"The masks of {one.joint.name} have {one.masks.shape} pixels, but its joint image has "
            f"{one.image.pixels.shape}. Paint them on the image that its box cuts out.",
            "masks",
        )


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
