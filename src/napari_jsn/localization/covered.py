"""Find joints that lie on letters, plates or other bright objects instead of on bone, or at the end of a finger."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_jsn.localization.hands import FINGER, LocatedHand
from napari_jsn.localization.mean_hand import transform_points

#: Half of the side of the part of a joint that is compared, in mm of an average adult's hand.
_HALF_MM = 5.0
#: Pixels that exceed the background by this factor of the excess of bright bone belong to an object.
_BRIGHTER = 1.7
#: A joint below this probability is covered where objects take more than this share of it.
_UNSURE, _SHARE = 0.7, 0.12
#: Part of the distal and of the proximal bone of a joint that is compared: from and to which distance from it, and half
#: the width, in mm of an average adult's hand.
_DISTAL_MM, _PROXIMAL_MM, _WIDTH_MM = (3.2, 4.8), (3.5, 9.0), 2.0
#: Least contrast of the distal bone with the air, as a share of the proximal bone's.
_LEAST_CONTRAST = 0.25
#: The proximal bone has at least this share of the contrast that the surroundings have; in a negative it has none.
_BONE_CONTRAST = 0.4


def covered(hand: LocatedHand, pixels: NDArray[np.float32], to_radiograph: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which joints in view are uncertain and much brighter than the bones of the hand's other joints: (14,).

    Parameters
    ----------
    hand : LocatedHand
        On a square.
    pixels : (H, W) float32 array
        The radiograph.
    to_radiograph : (3, 3) array
        From the square to the radiograph.
    """
    result = np.zeros(len(hand.seen), bool)
    half_x, half_y = (max(2, int(_HALF_MM * hand.scale * abs(to_radiograph[k, k]))) for k in (0, 1))
    rows, cols = pixels.shape
    parts = {}
    for k in np.flatnonzero(hand.seen):
        x, y = (round(float(v)) for v in transform_points(to_radiograph, hand.points[k]))
        part = pixels[max(0, y - half_y) : min(rows, y + half_y + 1), max(0, x - half_x) : min(cols, x + half_x + 1)]
        if part.size:
            parts[int(k)] = part
    if len(parts) < 3:
        return result
    dark = float(np.median([np.percentile(part, 20) for part in parts.values()]))
    bright = float(np.percentile([np.percentile(part, 95) for part in parts.values()], 75))
    for joint, part in parts.items():
        objects = float((part > dark + _BRIGHTER * (bright - dark)).mean())
        result[joint] = hand.probability[joint] < _UNSURE and objects > _SHARE
    return result


def ended(hand: LocatedHand, pixels: NDArray[np.float32], to_radiograph: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return at which joints in view the finger ends, because there is air where the distal bone should be: (14,).

    Joints whose distal bone lies outside the radiograph are not judged.

    Parameters
    ----------
    hand, pixels, to_radiograph
        As for :func:`covered`.
    """
    result = np.zeros(len(hand.seen), bool)
    distal, proximal = (
        np.stack(np.meshgrid(np.linspace(*part, 9), np.linspace(-_WIDTH_MM, _WIDTH_MM, 5)), axis=-1).reshape(-1, 2)
        for part in (_DISTAL_MM, _PROXIMAL_MM)
    )
    around = np.linspace(-_PROXIMAL_MM[1], _PROXIMAL_MM[1], 19)
    square = np.stack(np.meshgrid(around, around), axis=-1).reshape(-1, 2)
    for k in np.flatnonzero(hand.seen):
        first = k == 0 or FINGER[k - 1] != FINGER[k]
        axis = hand.points[k + 1] - hand.points[k] if first else hand.points[k] - hand.points[k - 1]
        axis = axis / max(float(np.hypot(*axis)), 1e-6)
        directions = np.stack([axis, (-axis[1], axis[0])])
        upper, lower, near = (
            _intensities(pixels, transform_points(to_radiograph, hand.points[k] + hand.scale * offsets))
            for offsets in (distal @ directions, -proximal @ directions, square)
        )
        if min(len(upper), len(lower)) > len(distal) / 2:
            air, bright = np.percentile(near, (2, 90))
            bone = float(np.median(lower)) - air
            is_bone = bone > _BONE_CONTRAST * (bright - air)
            result[k] = is_bone and np.median(upper) - air < _LEAST_CONTRAST * bone
    return result


def _intensities(pixels: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the intensities at those points (x, y) that lie on a radiograph."""
    cols, rows = np.rint(points).astype(int).T
    inside = (rows >= 0) & (rows < pixels.shape[0]) & (cols >= 0) & (cols < pixels.shape[1])
    return pixels[rows[inside], cols[inside]]
