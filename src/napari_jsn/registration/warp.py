"""The transformed image and the loss spectra (Wang et al. 2023, Eq. 2-6)."""

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
    """An image seen through one map (Eq. 2-3).

    Parameters
    ----------
    image : (H, W) float32 array
        The moving image.
    matrix : (3, 3) array
        Fixed ``(x, y, 1)`` to moving.
    shape : tuple of int
        (rows, cols) of the fixed image.

    Returns
    -------
    warped : (rows, cols) float32 array
        Linear interpolation; beyond the moving image its border is repeated.
    in_view : (rows, cols) bool array
        Where the moving image was hit.
    """
    rows, cols = np.indices(shape, dtype=float)
    col = matrix[0, 0] * cols + matrix[0, 1] * rows + matrix[0, 2]
    row = matrix[1, 0] * cols + matrix[1, 1] * rows + matrix[1, 2]
    warped = ndimage.map_coordinates(image, [row, col], order=1, mode="nearest").astype(np.float32)
    in_view = (row >= 0) & (row <= image.shape[0] - 1) & (col >= 0) & (col <= image.shape[1] - 1)
    return warped, in_view


def compose(parts: Sequence[Image], masks: BoneMasks) -> Image:
    """One image of the two bones' warps (Eq. 4).

    Each in its own region, their mean where both are; beside the bones that of the bone on this side of the
    joint space, so that no bone's edge is doubled.

    Parameters
    ----------
    parts : two (H, W) float32 arrays
        The moving image through the upper and the lower bone's map.
    masks : BoneMasks
        Regions on the fixed image.
    """
    upper, lower = parts
    both = masks.upper & masks.lower
    takes_upper = (_above_gap(masks) | masks.upper) & ~(masks.lower & ~masks.upper)
    return np.where(both, (upper + lower) / 2, np.where(takes_upper, upper, lower)).astype(np.float32)


def _above_gap(masks: BoneMasks) -> NDArray[np.bool_]:
    """The pixels on the upper bone's side of the joint space, which runs on level beside the bones."""
    bottom, top = facing_margins(masks)
    middle = (bottom + top) / 2
    faced = np.flatnonzero(np.isfinite(middle))
    rows = np.arange(masks.shape[0])[:, None]
    if len(faced) == 0:
        return np.broadcast_to(rows < masks.shape[0] / 2, masks.shape)
    return rows < np.interp(np.arange(masks.shape[1]), faced, middle[faced])[None]


def loss_spectrum(fixed: Image, parts: Sequence[Image], masks: BoneMasks) -> Image:
    """Squared difference per pixel (Eq. 5), each bone by its own map as in :func:`compose`."""
    upper, lower = (np.square(fixed - part) for part in parts)
    return compose((upper, lower), masks)


def loss(fixed: Image, parts: Sequence[Image], in_view: Sequence[NDArray[np.bool_]], masks: BoneMasks) -> float:
    """Mean squared difference, half for each bone (Eq. 6; the paper prints these mean squares).

    Only pixels in view count; a bone wholly out of view gives NaN.
    """
    total = 0.0
    for part, seen, mask in zip(parts, in_view, (masks.upper, masks.lower), strict=True):
        where = seen & mask
        total += 0.5 * (float(np.mean(np.square(fixed - part)[where])) if where.any() else float("nan"))
    return total
