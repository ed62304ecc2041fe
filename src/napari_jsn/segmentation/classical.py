"""Find the bone within a region that contains background too, without a network: by Otsu's threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: The least share of a region that must be bone for a threshold to be accepted.
_LEAST_BONE = 0.12


def bone_within(image: NDArray[np.float32], region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the bone inside a region; the region itself where bone and background cannot be distinguished.

    Parameters
    ----------
    image : (H, W) float array
        Intensities in [0, 1], bone bright.
    region : (H, W) bool array
        For instance one side of the joint space.
    """
    from skimage.filters import threshold_multiotsu, threshold_otsu

    values = np.asarray(image, float)[region]
    if values.size < 16 or len(np.unique(values)) < 8:
        return region
    smooth = ndimage.gaussian_filter(np.asarray(image, float), image.shape[0] / 128)
    # where soft tissue is about as bright as marrow the second threshold finds the cortex
    for threshold in (threshold_otsu(values), threshold_multiotsu(values, 3)[-1]):
        bone = _largest_filled((smooth > threshold) & region)
        crosses = bone[:, 0].any() and bone[:, -1].any()
        if not crosses and bone.sum() >= _LEAST_BONE * region.sum():
            return bone & region
    return region


def _largest_filled(bright: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest piece, filled row by row: cortex encloses the bone, also where the image cuts the shaft."""
    pieces, count = ndimage.label(ndimage.binary_opening(bright, iterations=1))
    if count == 0:
        return np.zeros_like(bright)
    sizes = ndimage.sum_labels(np.ones_like(pieces), pieces, np.arange(1, count + 1))
    bone = pieces == 1 + int(np.argmax(sizes))
    filled = np.logical_or.accumulate(bone, axis=1) & np.logical_or.accumulate(bone[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(ndimage.binary_fill_holes(filled))
