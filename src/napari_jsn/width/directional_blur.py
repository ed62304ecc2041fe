"""Detail along the finger against detail across it: whether a radiograph is blurred in one direction.

A hand that moves during the exposure is blurred along its motion. Motion along the fingers leaves the borders of the
shafts sharp, from which :mod:`napari_jsn.width.edge_width` computes the sharpness, but it removes detail of the bones
along the fingers. Blur that is equal in all directions, noise and edge processing change both directions alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks

#: Smoothing of the detail in mm, at least one pixel, and of what is removed from it, as a multiple of the first.
_FINE_MM, _COARSE = 0.15, 3.0
#: What of a bone lies nearer to its outline is left out, in mm; and the least area of the rest, in pixels.
_INSIDE_MM, _LEAST_AREA = 1.0, 200
#: Least number of bones from which a change is computed, and its least size in standard errors.
_LEAST_BONES, _MIN_SIGNIFICANCE = 6, 3.0


def detail_ratios(pixels: NDArray[np.float32], masks: BoneMasks, pixel_mm: float) -> dict[str, float]:
    """Return for both bones the logarithm of the detail along the finger over that across it.

    Parameters
    ----------
    pixels : (H, W) float32 array
        A joint image, finger axis vertical.
    masks : BoneMasks
    pixel_mm : float
        Size of a (square) pixel in mm.

    Returns
    -------
    dict of str to float
        ``{"upper": ..., "lower": ...}``; a bone of which too little is in view is left out.
    """
    fine = max(_FINE_MM / pixel_mm, 1.0)
    image = pixels.astype(np.float64)
    detail = ndimage.gaussian_filter(image, fine) - ndimage.gaussian_filter(image, _COARSE * fine)
    along, across = np.gradient(detail)
    ratios = {}
    for bone, mask in (("upper", masks.upper), ("lower", masks.lower)):
        inside = ndimage.binary_erosion(mask, iterations=max(1, round(_INSIDE_MM / pixel_mm)))
        if inside.sum() >= _LEAST_AREA:
            energies = [float(np.mean(each[inside] ** 2)) for each in (along, across)]
            if min(energies) > 0:
                ratios[bone] = 0.5 * float(np.log(energies[0] / energies[1]))
    return ratios


def directional_change(before: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]) -> float:
    """Return the change of the ratio as a share, negative if detail along the fingers is weaker now.

    It is the median over the bones of all joints.

    Parameters
    ----------
    before, now : mapping of joint to mapping of bone to ratio
        NaN is returned where they have fewer than 6 bones in common, or where the change is not significant.
    """
    changes = np.array(
        [
            now[joint][bone] - before[joint][bone]
            for joint in before.keys() & now.keys()
            for bone in before[joint].keys() & now[joint].keys()
        ]
    )
    if len(changes) < _LEAST_BONES:
        return float("nan")
    median = float(np.median(changes))
    error = 1.25 * 1.48 * float(np.median(np.abs(changes - median))) / np.sqrt(len(changes))
    return float(np.expm1(median)) if abs(median) > _MIN_SIGNIFICANCE * error else float("nan")
