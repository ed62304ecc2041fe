"""Find joints that lie on letters, plates or other bright objects instead of on bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_jsn.localization.hands import LocatedHand
from napari_jsn.localization.mean_hand import transform_points

#: Half of the side of the part of a joint that is compared, in mm of an average adult's hand.
_HALF_MM = 5.0
#: Pixels that exceed the background by this factor of the excess of bright bone belong to an object.
_BRIGHTER = 1.7
#: A joint below this probability is covered where objects take more than this share of it.
_UNSURE, _SHARE = 0.7, 0.12


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
