"""Compute the transformed image and the loss spectra (Wang et al. 2023, Eq. 2-6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import facing_margins

Image = NDArray[np.float32]
Matrix = NDArray[np.float64]


def warp(image: Image, matrix: Matrix, shape: tuple[int, ...]) -> tuple[Image, NDArray[np.bool_]]:
    """Return an image transformed by one map (Eq. 2-3).

    Parameters
    ----------
    image : (H, W) float32 array
        The moving image.
    matrix : (3, 3) array
        Map from a point ``(x, y, 1)`` of the fixed image to the moving image.
    shape : tuple of int
        (rows, cols) of the fixed image.

    Returns
    -------
    warped : (rows, cols) float32 array
        Linear interpolation; outside the moving image its border is repeated.
    in_view : (rows, cols) bool array
        True where the mapped point lies inside the moving image.
    """
    rows, cols = np.indices(shape, dtype=float)
    col = matrix[0, 0] * cols + matrix[0, 1] * rows + matrix[0, 2]
    row = matrix[1, 0] * cols + matrix[1, 1] * rows + matrix[1, 2]
    warped = ndimage.map_coordinates(image, [row, col], order=1, mode="nearest").astype(np.float32)
    in_view = (row >= 0) & (row <= image.shape[0] - 1) & (col >= 0) & (col <= image.shape[1] - 1)
    return warped, in_view


def compose(parts: Sequence[Image], masks: BoneMasks) -> Image:
    """Return one image composed of the transformed images of both bones (Eq. 4).

    In the region of a bone its image is used; where the two regions overlap, the mean of both images. A pixel outside
    both regions takes the image of the bone on its side of the joint space, so that no edge of a bone appears twice.

    Parameters
    ----------
    parts : two (H, W) float32 arrays
        The moving image transformed by the upper and by the lower bone's map.
    masks : BoneMasks
        Regions on the fixed image.
    """
    upper, lower = parts
    both = masks.upper & masks.lower
    use_upper = (_above_gap(masks) | masks.upper) & ~(masks.lower & ~masks.upper)
    return np.where(both, (upper + lower) / 2, np.where(use_upper, upper, lower)).astype(np.float32)


def _above_gap(masks: BoneMasks) -> NDArray[np.bool_]:
    """Return a mask of the upper bone's side of the joint space; beside the bones, the limit continues horizontally."""
    bottom, top = facing_margins(masks)
    middle = (bottom + top) / 2
    facing = np.flatnonzero(np.isfinite(middle))
    rows = np.arange(masks.shape[0])[:, None]
    if len(facing) == 0:
        return np.broadcast_to(rows < masks.shape[0] / 2, masks.shape)
    return rows < np.interp(np.arange(masks.shape[1]), facing, middle[facing])[None]


def loss_spectrum(fixed: Image, parts: Sequence[Image], masks: BoneMasks) -> Image:
    """Return the squared difference per pixel (Eq. 5); the two bones are combined as in :func:`compose`."""
    upper, lower = (np.square(fixed - part) for part in parts)
    return compose((upper, lower), masks)


def loss(fixed: Image, parts: Sequence[Image], in_view: Sequence[NDArray[np.bool_]], masks: BoneMasks) -> float:
    """Return the mean squared difference; each bone has the weight one half (Eq. 6).

    The paper also reports mean squared differences. Only pixels in view are used; if a bone has none, the loss is NaN.
    """
    total = 0.0
    for part, visible, mask in zip(parts, in_view, (masks.upper, masks.lower), strict=True):
        where = visible & mask
        total += 0.5 * (float(np.mean(np.square(fixed - part)[where])) if where.any() else float("nan"))
    return total
