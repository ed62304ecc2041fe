"""The joint's own frame: one anatomical point and the axis from the upper to the lower bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks

Vector = NDArray[np.float64]

#: Rows on either side of the facing margins from which the axis is taken, as a share of the image height.
_REACH = 0.35


def joint_frame(masks: BoneMasks) -> tuple[Vector, Vector]:
    """Reference point and joint axis of a joint image, from its two bones.

    The point lies in the middle of the columns where the bones face each other, midway between
    the two facing margins. The axis points from the upper to the lower bone; it is taken from the
    bones near the joint, not from the crop.

    Parameters
    ----------
    masks : BoneMasks
        Bones, or halves of the image.

    Returns
    -------
    point, axis : (2,) float arrays
        ``(x, y)`` in pixels, and a unit vector ``(x, y)``.
    """
    bottom, top = facing_margins(masks)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    if len(columns) == 0:  # bones that do not face each other in any column
        centres = [np.argwhere(m).mean(axis=0)[::-1] for m in (masks.upper, masks.lower)]
        apart = centres[1] - centres[0]
        return (centres[0] + centres[1]) / 2, apart / max(float(np.hypot(*apart)), 1e-9)
    middle = (columns[0] + columns[-1]) / 2
    near = columns[np.abs(columns - middle) <= max(2.0, 0.05 * len(columns))]
    point = np.array([middle, np.mean((bottom[near] + top[near]) / 2)])
    if are_halves(masks):  # halves say nothing of the bones' direction; the crop's axis stands in
        return point, np.array([0.0, 1.0])
    return point, _axis(masks, point)


def are_halves(masks: BoneMasks) -> bool:
    """Whether a mask is a side of the image rather than a bone: it reaches from border to border."""
    return any(bool(mask[:, 0].any() and mask[:, -1].any()) for mask in (masks.upper, masks.lower))


def facing_margins(masks: BoneMasks) -> tuple[Vector, Vector]:
    """Row of the upper bone's last pixel and of the lower bone's first, per column; NaN where either is absent."""
    rows = np.arange(masks.shape[0])[:, None]
    bottom = np.where(masks.upper, rows, -1).max(axis=0).astype(float)
    top = np.where(masks.lower, rows, masks.shape[0]).min(axis=0).astype(float)
    absent = (bottom < 0) | (top >= masks.shape[0])
    bottom[absent], top[absent] = np.nan, np.nan
    return bottom, top


def _axis(masks: BoneMasks, point: Vector) -> Vector:
    """Direction from the upper bone's part near the joint to the lower bone's, equally tall on both sides."""
    rows, cols = np.indices(masks.shape)
    reach = _REACH * masks.shape[0]
    reach = min(reach, point[1] + 1, masks.shape[0] - point[1])
    near = np.abs(rows - point[1]) <= max(reach, 4.0)
    centres = []
    for mask in (masks.upper, masks.lower):
        part = mask & near if (mask & near).any() else mask
        centres.append(np.array([cols[part].mean(), rows[part].mean()]))
    apart = centres[1] - centres[0]
    length = float(np.hypot(*apart))
    return apart / length if length > 1 else np.array([0.0, 1.0])
