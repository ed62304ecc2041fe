"""The square that the localization network takes, sampled from a radiograph at any place, rotation and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.localization.network import SIDE

if TYPE_CHECKING:
    from torch import Tensor

#: The upright view of one hand: pixels per mm of an average adult's hand, and how far the square's centre lies below
#: the centre of its joints, in mm. It shows the hand from its fingertips to the wrist.
UPRIGHT_PX, DOWN_MM = 1.3, 2.0

NORMALISATION = (
    "two channels, both 0 outside the radiograph: mean 0 and standard deviation 1 over the radiograph, clipped to 4; "
    "and the same over the 28 x 28 pixels around each pixel, with a standard deviation of at least a fifth of its mean"
)
#: The neighbourhood of the second channel: blocks of so many pixels, and so many blocks.
_BLOCK, _BLOCKS = 4, 7
#: The least standard deviation there, as a share of the radiograph's mean one, so that bright borders and plates do
#: not reduce the hand's contrast.
_LEAST_SD = 0.2
_CLIP = 4.0


def whole_view(shape: tuple[int, ...], size: ArrayLike = (1.0, 1.0), side: int = SIDE) -> NDArray[np.float64]:
    """Return the 3 x 3 matrix from the square to a radiograph that lies in its middle as a whole.

    Parameters
    ----------
    shape : (H, W)
    size : (row, col)
        Size of the radiograph's pixels in any unit; the square's pixels are square.
    side : int
        Of the square.
    """
    size = np.asarray(size, dtype=float)
    step = float((np.array(shape) * size).max()) / side
    matrix = np.eye(3)
    matrix[:2, :2] = np.diag(step / size[::-1])
    matrix[:2, 2] = (np.array(shape[::-1]) - 1) / 2 - matrix[:2, :2] @ np.full(2, (side - 1) / 2)
    return matrix


def upright_view(hand: ArrayLike, side: int = SIDE) -> NDArray[np.float64]:
    """Return the 3 x 3 matrix from a radiograph to the square that shows one hand upright at the standard size.

    Parameters
    ----------
    hand : (2, 3) array
        Similarity from the mean hand to the radiograph.
    side : int
        Of the square.
    """
    to_square = np.diag([UPRIGHT_PX, UPRIGHT_PX, 1.0])
    to_square[:2, 2] = (side - 1) / 2 - UPRIGHT_PX * np.array([0.0, DOWN_MM])
    return np.asarray(to_square @ np.linalg.inv(np.vstack([hand, [0, 0, 1]])))


def sample_square(
    pixels: NDArray[np.float32],
    to_radiograph: ArrayLike,
    side: int = SIDE,
    rect: tuple[float, float, float, float] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Sample a radiograph on the square: the mean of blocks of pixels, then linear interpolation.

    Parameters
    ----------
    pixels : (H, W) float32 array
    to_radiograph : (3, 3) array
        From the square's ``(x, y, 1)`` to the radiograph's.
    side : int
        Of the square.
    rect : (top, left, bottom, right), optional
        Only this part of the radiograph counts as inside.

    Returns
    -------
    image : (side, side) float32 array
        Outside the radiograph its border pixels are repeated.
    inside : (side, side) bool array
        Where the radiograph is.
    """
    import torch
    from torch.nn.functional import avg_pool2d, grid_sample

    matrix = np.asarray(to_radiograph, dtype=float)
    blocks = [max(1, int(np.hypot(*row[:2]) + 0.25)) for row in matrix[1::-1]]  # rows, columns
    planes = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))[None, None]
    if max(blocks) > 1:
        planes = avg_pool2d(planes, blocks, ceil_mode=True, count_include_pad=False)
    steps = np.arange(side, dtype=np.float64)
    x = matrix[0, 0] * steps[None, :] + matrix[0, 1] * steps[:, None] + matrix[0, 2]
    y = matrix[1, 0] * steps[None, :] + matrix[1, 1] * steps[:, None] + matrix[1, 2]
    top, left, bottom, right = rect or (0.0, 0.0, *map(float, pixels.shape))
    inside = (x >= left - 0.5) & (x <= right - 0.5) & (y >= top - 0.5) & (y <= bottom - 0.5)
    rows, cols = planes.shape[-2:]
    grid = np.stack([2 * (x + 0.5) / (blocks[1] * cols) - 1, 2 * (y + 0.5) / (blocks[0] * rows) - 1], axis=-1)
    grid_tensor = torch.from_numpy(grid.astype(np.float32))[None]
    image = grid_sample(planes, grid_tensor, padding_mode="border", align_corners=False)[0, 0].numpy()
    return image, inside


def normalise(images: Tensor, inside: Tensor) -> Tensor:
    """Normalise images over the whole radiograph and over each pixel's neighbourhood: (B, 2, S, S).

    Parameters
    ----------
    images : (B, 1, S, S) float tensor
    inside : (B, 1, S, S) bool tensor
        Where the radiograph is; elsewhere both channels are 0.
    """
    import torch

    weight = inside.float()
    count = weight.sum((2, 3), keepdim=True).clamp_min(1)
    centred = (images - (images * weight).sum((2, 3), keepdim=True) / count) * weight
    sd = ((centred**2).sum((2, 3), keepdim=True) / count).sqrt().clamp_min(1e-6)
    centred = centred / sd
    near, mean, square = _neighbourhood_mean(torch.cat([weight, centred, centred**2], 1)).split(1, 1)
    near = near.clamp_min(1e-3)
    mean = mean / near
    local_sd = (square / near - mean**2).clamp_min(0).sqrt()
    least_sd = _LEAST_SD * (local_sd * weight).sum((2, 3), keepdim=True) / count
    local = weight * (centred - mean) / (local_sd + least_sd).clamp_min(1e-4)
    return torch.cat([centred, local], 1).clamp(-_CLIP, _CLIP)


def _neighbourhood_mean(images: Tensor) -> Tensor:
    """Return the mean of every pixel's neighbourhood, from blocks of pixels; 0 is taken outside the square."""
    from torch.nn.functional import avg_pool2d, interpolate

    blocks = avg_pool2d(avg_pool2d(images, _BLOCK), _BLOCKS, 1, _BLOCKS // 2)
    return interpolate(blocks, size=images.shape[-2:], mode="bilinear", align_corners=False)
