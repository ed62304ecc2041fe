"""Every joint of every film as it will be measured: its image cut out, its bones found, its box moved onto them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.joint import BoneMasks, Joint, JointImage
from napari_jsn.joint.crop import joint_image
from napari_jsn.progression.progression import JointView
from napari_jsn.progression.recentre import recentre_box
from napari_jsn.radiograph import Radiograph
from napari_jsn.segmentation.segment import segment_many
from napari_jsn.width.joint_space_width import joint_space_width


@dataclass
class _Seen:
    """One joint on one film while its view is made."""

    radiograph: Radiograph
    joint: Joint
    image: JointImage
    masks: BoneMasks | None
    drawn: bool


def views_of(
    wanted: Sequence[tuple[Radiograph, Joint]],
    drawn: Mapping[int, BoneMasks],
    model: str,
    device: str,
    progress: Progress,
) -> list[JointView] | None:
    """The views of joints, in the order asked.

    A box that lies off the bones found in it is moved onto them and cut again, once. Boxes that a person set and masks
    that a person drew are kept as they are.

    Parameters
    ----------
    wanted : sequence of (Radiograph, Joint)
    drawn : mapping of index to BoneMasks
        Masks drawn by hand on the image that the joint's box cuts out.
    model, device : str
        Of the segmentation network.
    progress : Progress

    Returns
    -------
    list of JointView, or None if aborted

    Raises
    ------
    InputError
        If drawn masks do not fit their joint image.
    """
    seen = [
        _Seen(radiograph, joint, joint_image(radiograph, joint), drawn.get(k), k in drawn)
        for k, (radiograph, joint) in enumerate(wanted)
    ]
    for one in seen:
        _check_shape(one)
    if not _segment([one for one in seen if not one.drawn], model, device, progress):
        return None
    again = [one for one in seen if not (one.drawn or one.joint.edited) and _recut(one)]
    if again and not _segment(again, model, device, progress):
        return None
    views = []
    for one in seen:
        assert one.masks is not None
        jsw = joint_space_width(one.image, one.masks)
        views.append(JointView(one.joint, one.image, one.masks, jsw, tuple(getattr(one.masks, "reasons", ()))))
    return views


def _segment(seen: Sequence[_Seen], model: str, device: str, progress: Progress) -> bool:
    """Find the bones of all; False if aborted."""
    found = segment_many([one.image for one in seen], model, device, progress)
    for one, masks in zip(seen, found, strict=False):
        one.masks = masks
    return len(found) == len(seen)


def _recut(one: _Seen) -> bool:
    """Move the box onto the bones and cut again; False where it lies there, or would leave the radiograph."""
    assert one.masks is not None
    moved = recentre_box(one.joint, one.image, one.masks)
    if moved is None:
        return False
    try:
        one.image = joint_image(one.radiograph, moved)
    except InputError:  # bones found at the radiograph's very border
        return False
    one.joint = moved
    return True


def _check_shape(one: _Seen) -> None:
    if one.masks is not None and one.masks.shape != one.image.pixels.shape:
        raise InputError(
            f"The masks of {one.joint.name} have {one.masks.shape} pixels, but its joint image has "
            f"{one.image.pixels.shape}. Draw them on the image that its box cuts out.",
            "masks",
        )
