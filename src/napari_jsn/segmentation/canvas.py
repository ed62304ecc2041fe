"""Joint images of any size on the segmentation network's square, and its output back on their own pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.networks.canvas import centred_padding, pad_to_square, resize

if TYPE_CHECKING:
    from torch import Tensor

#: Side of the square, in pixels; a joint image is about 22 mm wide.
SIDE = 128

#: Largest difference of intensity within a uniform border, and the least share of rows or columns that must be left.
_UNIFORM, _LEAST_REST = 0.01, 0.2

NORMALISATION = "padded to a square by its border pixels, resized (antialiased, linear), mean 0, standard deviation 1"


def to_canvas(image: NDArray[np.float32], side: int = SIDE) -> Tensor:
    """Return an image (H, W), or planes (..., H, W), on the square: (..., side, side) float32."""
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
    flat = planes.reshape(1, -1, *planes.shape[-2:])
    small = resize(pad_to_square(flat, max(planes.shape[-2:])), (side, side))
    return small.reshape(*planes.shape[:-2], side, side)


def without_bright_border(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the image with uniform rows and columns of its brightest intensity at the border replaced by others.

    The nearest other row or column is repeated. Such a border is a page or a mask of the display: no anatomy, and it
    shifts the mean and the standard deviation.
    """
    for axis in (0, 1):
        white = image.min(axis=axis) >= image.max() - _UNIFORM
        if white[0] or white[-1]:
            others = np.flatnonzero(~white)
            if len(others) >= _LEAST_REST * len(white):
                nearest = np.clip(np.arange(len(white)), others[0], others[-1])
                image = image.take(nearest, axis=1 - axis)
    return image


def from_canvas(planes: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return planes (C, side, side) on the grid of the (H, W) image that they were computed for: (C, H, W)."""
    from torch.nn.functional import interpolate

    size = max(shape)
    left, right, above, below = centred_padding(shape, size)
    whole = interpolate(planes[None], size=(size, size), mode="bilinear", align_corners=False)[0]
    return whole[:, above : size - below, left : size - right]


def normalise(images: Tensor) -> Tensor:
    """Scale each image of a batch (B, 1, H, W) to mean 0 and standard deviation 1."""
    flat = images.flatten(1)
    mean, sd = flat.mean(1), flat.std(1).clamp_min(1e-4)
    return (images - mean[:, None, None, None]) / sd[:, None, None, None]
