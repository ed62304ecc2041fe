"""Choose the bones of both images of a pair, of which some may have masks that are halves of the image, or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, facing_margins, joint_frame
from napari_jsn.segmentation.classical import bone_within
from napari_jsn.segmentation.found_bones import FoundBones

#: Width of the border that is left out of halves that are used on another image, as a share of the image's height.
_BORDER = 1 / 32
#: Halves and found bones agree if less than this share of each bone lies in the other half. It is 0.02 in the median
#: and up to 0.045 for half-planes along a curved joint space, and 0.09 to 0.15 where the network confuses the bones.
_AGREEING = 0.07


def bones_of_pair(
    images: Sequence[NDArray[np.float32]],
    given: Sequence[BoneMasks | None],
    found: Sequence[FoundBones | None],
    least_area: int,
) -> tuple[BoneMasks, BoneMasks]:
    """Return the bones of both images of a pair.

    - Given bones are used as they are.
    - Given halves state which bone a pixel of bone belongs to. If they agree with the bones that were found, and a
      straight line divides them, these bones are used as they are. Where the bones were not found, the bone is searched
      in each half by its intensity; without success it is the half.
    - An image without masks has the bones that were found. If the other image has halves that contradict the bones
      found there, the halves label the bones here too, moved as the joint is; if they were used as they are, so are
      they here, without their border.

    Parameters
    ----------
    images : two (H, W) float32 arrays
    given : two BoneMasks or None
        Bones, or halves of the image.
    found : two FoundBones or None
        What the network found; None for an image whose bones are given.
    least_area : int
        Of a bone, in pixels; smaller ones count as not found.
    """
    halves = [masks if masks is not None and are_halves(masks) else None for masks in given]
    reliable = [bones if bones is not None and _both_found(bones, least_area) else None for bones in found]
    chosen: list[BoneMasks | None] = [
        masks if half is None else _within(image, half, bones)
        for image, masks, half, bones in zip(images, given, halves, reliable, strict=True)
    ]
    for k, other in ((0, 1), (1, 0)):
        half, bones, other_bones = halves[other], reliable[k], reliable[other]
        if chosen[k] is not None:
            continue
        if half is not None and bones is not None and other_bones is not None:
            moved = None if agree(half, other_bones) else move_halves(half, other_bones, bones)
            chosen[k] = bones if moved is None else label_by_halves(bones, moved)
        elif half is not None and chosen[other] is half and half.shape == images[k].shape:
            chosen[k] = without_border(half, max(1, round(_BORDER * half.shape[0])))
        else:
            chosen[k] = found[k]
    assert chosen[0] is not None and chosen[1] is not None
    return chosen[0], chosen[1]


def _both_found(bones: FoundBones, least_area: int) -> bool:
    if any(reason.code is ReasonCode.BONE_NOT_FOUND for reason in bones.reasons):
        return False
    return min(int(bones.upper.sum()), int(bones.lower.sum())) >= least_area


def _within(image: NDArray[np.float32], halves: BoneMasks, bones: FoundBones | None) -> BoneMasks:
    """Return the bones inside the halves; the same halves where no bone can be distinguished in either."""
    if bones is not None:
        return bones if agree(halves, bones) and _are_half_planes(halves) else label_by_halves(bones, halves)
    parts = [bone_within(image, half) for half in (halves.upper, halves.lower)]
    return halves if parts[0] is halves.upper and parts[1] is halves.lower else BoneMasks(*parts)


def agree(halves: BoneMasks, bones: BoneMasks) -> bool:
    """Return whether each bone lies in its half, but for the part where the bones overlap and a small share."""
    only_upper, only_lower = bones.upper & ~bones.lower, bones.lower & ~bones.upper
    parts = ((only_upper, halves.lower), (only_lower, halves.upper))
    return all(int((bone & other).sum()) < _AGREEING * max(1, int(bone.sum())) for bone, other in parts)


def _are_half_planes(halves: BoneMasks) -> bool:
    """Return whether a straight line divides the halves.

    It cannot follow a curved joint space, so it cuts the ends of the bones: where both images have such halves and the
    bones are labelled by them, the RMSE on 13 simulated joints is 0.054 mm, and 0.022 mm with the bones as found. A
    border that is drawn along the joint space is better than the network.
    """
    bottom, top = facing_margins(halves)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    if len(columns) < 3:
        return False
    rows = (bottom[columns] + top[columns]) / 2
    slope, row = np.polyfit(columns, rows, 1)
    return float(np.abs(rows - row - slope * columns).max()) <= 1 + abs(slope)


def label_by_halves(bones: BoneMasks, halves: BoneMasks) -> BoneMasks:
    """Return the pixels of both bones, each as part of the bone of its half of the image.

    The halves state where one bone ends and the other begins, the network where bone is.

    Parameters
    ----------
    bones : BoneMasks
        The bones that the network found.
    halves : BoneMasks
        Of the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn import BoneMasks
    >>> from napari_jsn.registration.halves import label_by_halves
    >>> column = np.array([[True, True, True, False]]).T
    >>> upper = np.array([[True, True, False, False]]).T
    >>> label_by_halves(BoneMasks(column, ~column), BoneMasks(upper, ~upper)).upper.T
    array([[ True,  True, False, False]])
    """
    either = bones.upper | bones.lower
    return BoneMasks(either & halves.upper, either & halves.lower)


def move_halves(halves: BoneMasks, bones: BoneMasks, other_bones: BoneMasks) -> BoneMasks:
    """Return the halves of one image on another image of the joint.

    They move as point and axis of the joint do. Beyond the border of the first image they continue as at the border.

    Parameters
    ----------
    halves, bones : BoneMasks
        Of the first image.
    other_bones : BoneMasks
        Bones of the other image.
    """
    (point, axis), (other_point, other_axis) = joint_frame(bones), joint_frame(other_bones)
    cos = float(axis @ other_axis)
    sin = float(axis[0] * other_axis[1] - axis[1] * other_axis[0])
    rows, cols = np.indices(other_bones.shape)
    x, y = cols - other_point[0], rows - other_point[1]
    # each pixel of the other image takes the label of the place that it comes from
    col = np.rint(cos * x + sin * y + point[0]).astype(int).clip(0, halves.shape[1] - 1)
    row = np.rint(cos * y - sin * x + point[1]).astype(int).clip(0, halves.shape[0] - 1)
    return BoneMasks(halves.upper[row, col], halves.lower[row, col])


def without_border(halves: BoneMasks, width: int) -> BoneMasks:
    """Return the halves without pixels that are nearer than ``width`` to the border of a region or of the image."""
    from scipy import ndimage

    eroded = (
        ndimage.binary_erosion(np.pad(mask, 1), iterations=width)[1:-1, 1:-1] for mask in (halves.upper, halves.lower)
    )
    return BoneMasks(*eroded)
