"""Cut out the image of every joint of every radiograph, find its bones, and move its box onto them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.crop import joint_image
from napari_jsn.progression.narrowing import JointView
from napari_jsn.progression.recentre import recentre_box
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
