"""Check the polarity of a radiograph by the joints found on it: bones must be brighter than the soft tissue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import Joint

#: Points along each side of a joint's box at which the radiograph is sampled.
_POINTS = 32
#: Where the shafts lie, as shares of the box: distance from the joint space along the finger, largest distance of the
#: bone from the finger's axis, and distances of the soft tissue beside it.
_ALONG, _BONE, _BESIDE = (0.15, 0.47), 0.09, (0.24, 0.36)
#: Least number of points from which a median is computed.
_LEAST_POINTS = 8
#: Least number of joints that show the polarity, and the share of them on which bones are darker than the soft tissue.
#: On 65 real radiographs and 70 simulated ones, bones are darker on at most 0.29 of a radiograph's joints; on the
#: negatives on which a hand is found, on at least 0.8 of them, but for one of a flexed hand seen obliquely (0.5).
_LEAST_JOINTS, _DARK_SHARE = 4, 0.75


def bones_are_dark(pixels: NDArray[np.float32], joints: Sequence[Joint]) -> bool:
    """Return whether a radiograph is a negative: the bones of most joints are darker than the soft tissue beside them.

    Parameters
    ----------
    pixels : (H, W) float32 array
    joints : sequence of Joint
        Joints found on it. With fewer than 4 joints the result is False.
    """
    contrasts = [contrast for joint in joints if (contrast := _contrast(pixels, joint)) is not None]
    return len(contrasts) >= _LEAST_JOINTS and float(np.mean(np.array(contrasts) < 0)) >= _DARK_SHARE


def _contrast(pixels: NDArray[np.float32], joint: Joint) -> float | None:
    """Return the intensity of a joint's bones minus that of the tissue beside them; None where neither is in view."""
    share = (np.arange(_POINTS) + 0.5) / _POINTS
    across, along = np.meshgrid(share, share)
    top_left, top_right, bottom_right, bottom_left = joint.box
    top = top_left + across[..., None] * (top_right - top_left)
    bottom = bottom_left + across[..., None] * (bottom_right - bottom_left)
    points = top + along[..., None] * (bottom - top)
    in_view = ((points >= 0) & (points <= np.array(pixels.shape) - 1)).all(axis=-1)
    values = ndimage.map_coordinates(pixels, np.moveaxis(points, -1, 0), order=1, mode="nearest")
    from_axis, from_gap = np.abs(across - 0.5), np.abs(along - 0.5)
    shaft = in_view & (from_gap > _ALONG[0]) & (from_gap < _ALONG[1])
    differences = []
    for half in (along < 0.5, along > 0.5):
        bone = shaft & half & (from_axis < _BONE)
        beside = shaft & half & (from_axis > _BESIDE[0]) & (from_axis < _BESIDE[1])
        if min(bone.sum(), beside.sum()) >= _LEAST_POINTS:
            differences.append(float(np.median(values[bone]) - np.median(values[beside])))
    return float(np.mean(differences)) if differences else None
