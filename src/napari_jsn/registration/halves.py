"""Bones of an image whose given masks are halves: found by the network, labelled by the halves."""

from __future__ import annotations

import numpy as np

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import joint_frame


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
