"""The square that the network sees, taken from a film of any size at any place, turn and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.localization.network import SIDE

if TYPE_CHECKING:
    from torch import Tensor

#: Pixels a mm of an average adult's hand when it is laid upright for the second look, and how far below the middle of
#: its joints the square's middle lies, in mm: it shows the hand from its fingertips to the wrist.
UPRIGHT_PX, DOWN_MM = 1.3, 2.0

NORMALISATION = (
    "two channels, both 0 beyond the film: less its mean, by its deviation, clipped to 4; and the same over the "
    "28 x 28 pixels around each pixel, the deviation not below a fifth of its mean over the film"
)
#: The neighbourhood over which the second channel is normalised, in blocks of so many pixels, and the least deviation
#: there, as a share of the film's mean one: bright borders and plates leave the hand's contrast as it is.
_BLOCK, _BLOCKS, _LEAST = 4, 7, 0.2
_CLIP = 4.0


def whole(shape: tuple[int, ...], size: ArrayLike = (1.0, 1.0), side: int = SIDE) -> NDArray[np.float64]:
    """3 x 3 matrix from the square's pixels to a film's: the whole film in its middle.

    Parameters
    ----------
    shape : (H, W)
    size : (row, col)
        Size of the film's pixels in any unit; on the square they are as wide as high.
    """
    size = np.asarray(size, dtype=float)
    step = float((np.array(shape) * size).max()) / side
    matrix = np.eye(3)
    matrix[:2, :2] = np.diag(step / size[::-1])
    matrix[:2, 2] = (np.array(shape[::-1]) - 1) / 2 - matrix[:2, :2] @ np.full(2, (side - 1) / 2)
    return matrix


def upright(hand: ArrayLike, side: int = SIDE) -> NDArray[np.float64]:
    """3 x 3 matrix that lays a hand on the square: fingers up, at its standard size.

    Parameters
    ----------
    hand : (2, 3) array
        From the mean hand to the film.
    """
    onto_square = np.diag([UPRIGHT_PX, UPRIGHT_PX, 1.0])
    onto_square[:2, 2] = (side - 1) / 2 - UPRIGHT_PX * np.array([0.0, DOWN_MM])
    return np.asarray(onto_square @ np.linalg.inv(np.vstack([hand, [0, 0, 1]])))


def sample(
    pixels: NDArray[np.float32],
    to_film: ArrayLike,
    side: int = SIDE,
    rect: tuple[float, float, float, float] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A film's grey levels on the square, by the mean of blocks and then linearly; and where the film is.

    Parameters
    ----------
    pixels : (H, W) float32 array
    to_film : (3, 3) array
        From the square's ``(x, y, 1)`` to the film's.
    side : int
    rect : (top, left, bottom, right), optional
        Only this part of the film counts as film.

    Returns
    -------
    image : (side, side) float32 array
        Beyond the film its border goes on.
    inside : (side, side) bool array
    """
    import torch
    from torch.nn.functional import avg_pool2d, grid_sample

    to_film = np.asarray(to_film, dtype=float)
    blocks = [max(1, int(np.hypot(*row[:2]) + 0.25)) for row in to_film[1::-1]]  # rows, columns
    planes = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32))[None, None]
    if max(blocks) > 1:
        planes = avg_pool2d(planes, blocks, ceil_mode=True, count_include_pad=False)
    at = np.arange(side, dtype=np.float64)
    x = to_film[0, 0] * at[None, :] + to_film[0, 1] * at[:, None] + to_film[0, 2]
    y = to_film[1, 0] * at[None, :] + to_film[1, 1] * at[:, None] + to_film[1, 2]
    top, left, bottom, right = rect or (0.0, 0.0, *map(float, pixels.shape))
    inside = (x >= left - 0.5) & (x <= right - 0.5) & (y >= top - 0.5) & (y <= bottom - 0.5)
    rows, cols = planes.shape[-2:]
    grid = np.stack([2 * (x + 0.5) / (blocks[1] * cols) - 1, 2 * (y + 0.5) / (blocks[0] * rows) - 1], axis=-1)
    grid_ = torch.from_numpy(grid.astype(np.float32))[None]
    image = grid_sample(planes, grid_, padding_mode="border", align_corners=False)[0, 0].numpy()
    return image, inside


def normalise(images: Tensor, film: Tensor) -> Tensor:
    """(B, 2, S, S): the images with mean 0 and deviation 1 over the film, and over each pixel's surroundings.

    Parameters
    ----------
    images : (B, 1, S, S) float tensor
    film : (B, 1, S, S) bool tensor
        Where the film is; elsewhere both channels are 0.
    """
    import torch

    share = film.float()
    count = share.sum((2, 3), keepdim=True).clamp_min(1)
    centred = (images - (images * share).sum((2, 3), keepdim=True) / count) * share
    deviation = ((centred**2).sum((2, 3), keepdim=True) / count).sqrt().clamp_min(1e-6)
    centred = centred / deviation
    near, mean, square = _mean_around(torch.cat([share, centred, centred**2], 1)).split(1, 1)
    near = near.clamp_min(1e-3)
    mean = mean / near
    spread = (square / near - mean**2).clamp_min(0).sqrt()
    least = _LEAST * (spread * share).sum((2, 3), keepdim=True) / count
    local = share * (centred - mean) / (spread + least).clamp_min(1e-4)
    return torch.cat([centred, local], 1).clamp(-_CLIP, _CLIP)


def _mean_around(images: Tensor) -> Tensor:
    """The mean of every pixel's neighbourhood, from blocks of pixels; beyond the border there is 0."""
    from torch.nn.functional import avg_pool2d, interpolate

    blocks = avg_pool2d(avg_pool2d(images, _BLOCK), _BLOCKS, 1, _BLOCKS // 2)
    return interpolate(blocks, size=images.shape[-2:], mode="bilinear", align_corners=False)
