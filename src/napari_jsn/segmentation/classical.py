"""Find the two bones of a joint image without learning: the dark gap first, then bone against background.

The gap is the darkest path from the left to the right border (dynamic programming, as in seam
finding); on either side of it, bone is what Otsu's threshold calls bright, one piece, without holes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks

#: Share of the image height, from the top and from the bottom, where the gap is not looked for.
_MARGIN = 0.2
#: The least part of a region that must be bone for the threshold to be believed.
_LEAST_BONE = 0.12


def separate(image: NDArray[np.float32]) -> BoneMasks:
    """The two bones of a joint image whose finger axis is vertical, distal end up.

    Parameters
    ----------
    image : (H, W) float array
        Grey levels in [0, 1], bone bright.

    Returns
    -------
    BoneMasks
        They do not overlap.
    """
    gap = find_gap(image)
    above = np.arange(image.shape[0])[:, None] < gap[None, :]
    return BoneMasks(bone_within(image, above), bone_within(image, ~above))


def find_gap(image: NDArray[np.float32]) -> NDArray[np.int_]:
    """Row of the joint space in every column: the path that is darkest against what lies above and below it.

    Parameters
    ----------
    image : (H, W) float array
        Grey levels in [0, 1], bone bright.
    """
    height, width = image.shape
    scale = height / 128
    smooth = ndimage.gaussian_filter(np.asarray(image, float), 1.2 * scale)
    reach = max(3, round(14 * scale))
    brightest = ndimage.maximum_filter1d(smooth, reach, axis=0)
    above = np.roll(brightest, reach // 2 + 1, axis=0)
    below = np.roll(brightest, -(reach // 2 + 1), axis=0)
    # how far a pixel lies below the lesser of its two walls; shallow where there is bone on one side only
    depth = np.minimum(above, below) - smooth
    cost = -depth / max(float(np.ptp(smooth)), 1e-6)
    edge = round(_MARGIN * height)
    cost[:edge], cost[height - edge :] = 1.0, 1.0
    middle = np.abs(np.arange(height) - (height - 1) / 2) / height
    return _cheapest_path(cost + 0.05 * middle[:, None], width)


def _cheapest_path(cost: NDArray[np.float64], width: int) -> NDArray[np.int_]:
    """Left to right, at most one row up or down a column, each such step at a small price."""
    height = cost.shape[0]
    total = cost.copy()
    came_from = np.zeros((height, width), int)
    steps = np.array([-1, 0, 1])
    price = 0.02 * np.abs(steps)[:, None]
    for column in range(1, width):
        padded = np.pad(total[:, column - 1], 1, constant_values=np.inf)
        options = np.stack([padded[1 + step : 1 + step + height] for step in steps]) + price
        best = options.argmin(axis=0)
        came_from[:, column] = np.arange(height) + steps[best]
        total[:, column] += options.min(axis=0)
    path = np.empty(width, int)
    path[-1] = total[:, -1].argmin()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came_from[path[column], column]
    return path


def bone_within(image: NDArray[np.float32], region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The bone inside a region that may hold background too; the region itself where they cannot be told apart.

    Parameters
    ----------
    image : (H, W) float array
        Grey levels in [0, 1], bone bright.
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
    """The largest piece, filled row by row: cortex encloses its bone, also where the crop cuts the shaft."""
    pieces, count = ndimage.label(ndimage.binary_opening(bright, iterations=1))
    if count == 0:
        return np.zeros_like(bright)
    sizes = ndimage.sum_labels(np.ones_like(pieces), pieces, np.arange(1, count + 1))
    bone = pieces == 1 + int(np.argmax(sizes))
    filled = np.logical_or.accumulate(bone, axis=1) & np.logical_or.accumulate(bone[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(ndimage.binary_fill_holes(filled))
