"""Compute the transformed image and the loss spectra (Wang et al. 2023, Eq. 2-6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.joint.geometry import facing_margins
from napari_jsn.joint.similarity import Similarity, image_centre
from napari_jsn.registration.prepare import finest_pixels, native_map

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


@dataclass(frozen=True)
class RegisteredImages:
    """What a registration shows, and its losses.

    Attributes
    ----------
    transformed : (H, W) float32 array
        The moving image brought onto the fixed one, each bone by its own map (Eq. 2-4).
    original_spectrum, transformed_spectrum : (H, W) float32 array
        Squared difference per pixel before and after (Eq. 5).
    original_loss, transformed_loss : float
        Mean squared difference before and after, half for each bone (Eq. 6).
    """

    transformed: Image
    original_spectrum: Image
    transformed_spectrum: Image
    original_loss: float
    transformed_loss: float


def registered_images(
    fixed: Image, moving: Image, regions: BoneMasks, maps: Sequence[Matrix], steps: tuple[float, float] = (1.0, 1.0)
) -> RegisteredImages:
    """Return the transformed image, both loss spectra and both losses of a registration.

    Before registration, the centres of the two images are aligned.

    Parameters
    ----------
    fixed, moving : (H, W) float32 array
    regions : BoneMasks
        The regions that each map moves, on the fixed image.
    maps : (upper, lower) pair of (3, 3) array
        Each maps a point ``(x, y, 1)`` of the fixed image to the moving image.
    steps : tuple of float
        Pixels of the finer image per pixel of each image.
    """
    identity = native_map(np.eye(3), *steps)
    identity[:2, 2] += np.subtract(image_centre(moving.shape), (identity @ (*image_centre(fixed.shape), 1.0))[:2])
    original, original_view = warp(moving, identity, fixed.shape)
    warped, in_view = zip(*(warp(moving, matrix, fixed.shape) for matrix in maps), strict=True)
    return RegisteredImages(
        compose(warped, regions),
        loss_spectrum(fixed, (original, original), regions),
        loss_spectrum(fixed, warped, regions),
        loss(fixed, (original, original), (original_view, original_view), regions),
        loss(fixed, warped, in_view, regions),
    )


def images_of_pair(
    fixed: JointImage, moving: JointImage, regions: BoneMasks, upper: Similarity, lower: Similarity
) -> RegisteredImages:
    """Return what :func:`registered_images` returns, for two joint images of any pixel sizes."""
    _, steps = finest_pixels(fixed.spacing_mm, moving.spacing_mm)
    return registered_images(fixed.pixels, moving.pixels, regions, (upper.matrix, lower.matrix), steps)
