"""The square of fixed size that the network sees, from an image of any size, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

#: Side of the square, in pixels; a joint image is about 22 mm wide.
SIDE = 128

NORMALISATION = "padded to a square by its border, resized (antialiased, linear), less its mean, by its deviation"


def padding(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Pixels to add left, right, above and below, so that an image becomes square with its middle in the middle."""
    rows, cols = shape[-2:]
    side = max(rows, cols)
    left, above = (side - cols) // 2, (side - rows) // 2
    return left, side - cols - left, above, side - rows - above


def to_canvas(image: NDArray[np.float32], side: int = SIDE) -> Tensor:
    """One (H, W) image, or several planes (..., H, W), on the square: (..., side, side) float32."""
    import torch
    from torch.nn.functional import interpolate, pad

    planes = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))
    flat = planes.reshape(1, -1, *planes.shape[-2:])
    square = pad(flat, padding(planes.shape), mode="replicate")
    small = interpolate(square, size=(side, side), mode="bilinear", antialias=True)
    return small.reshape(*planes.shape[:-2], side, side)


def from_canvas(planes: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Planes (C, side, side) on the grid of the (H, W) image that they were made for: (C, H, W)."""
    from torch.nn.functional import interpolate

    left, right, above, below = padding(shape)
    size = max(shape)
    whole = interpolate(planes[None], size=(size, size), mode="bilinear", align_corners=False)[0]
    return whole[:, above : size - below, left : size - right]


def normalise(images: Tensor) -> Tensor:
    """(B, 1, H, W) images with mean 0 and standard deviation 1, each for itself."""
    flat = images.flatten(1)
    mean, deviation = flat.mean(1), flat.std(1).clamp_min(1e-4)
    return (images - mean[:, None, None, None]) / deviation[:, None, None, None]
