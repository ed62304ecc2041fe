"""The square canvas: images of any size on the square that a network takes, and sampling in pixels.

Pixel centres lie at integers; points are ``(x, y)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def centred_padding(shape: tuple[int, ...], side: int) -> tuple[int, int, int, int]:
    """Return the pixels to add left, right, above and below, so that an image lies in the middle of a square.

    Parameters
    ----------
    shape : (..., H, W)
        Of the image.
    side : int
        Side of the square.
    """
    rows, cols = shape[-2:]
    left, above = (side - cols) // 2, (side - rows) // 2
    return left, side - cols - left, above, side - rows - above


def pad_to_square(planes: Tensor, side: int) -> Tensor:
    """Pad planes (B, C, H, W) to (B, C, side, side) by repeating their border pixels."""
    from torch.nn.functional import pad

    return pad(planes, centred_padding(tuple(planes.shape), side), mode="replicate")


def resize(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize planes (B, C, H, W) to (rows, cols): linear, with antialiasing."""
    from torch.nn.functional import interpolate

    return interpolate(planes, size=size, mode="bilinear", antialias=True)


def pixel_points(side: int, like: Tensor) -> Tensor:
    """Return ``(x, y)`` of every pixel of a square: (side, side, 2), of the type and on the device of ``like``."""
    import torch

    steps = torch.arange(side).to(like)
    return torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)


def sample_planes(
    planes: Tensor, points: Tensor, padding: str = "border", mode: str = "bilinear", step: int = 1
) -> Tensor:
    """Sample square planes (B, C, S, S) at points (B, rows, cols, 2) in pixels: (B, C, rows, cols).

    Parameters
    ----------
    planes, points : tensors
    padding : {"border", "zeros"}
        What lies outside the square.
    mode : {"bilinear", "bicubic"}
    step : int
        A plane's pixel is this many pixels of the points wide: the planes were averaged over blocks.
    """
    from torch.nn.functional import grid_sample

    grid = (2 * points + 1) / (planes.shape[-1] * step) - 1
    return grid_sample(planes, grid, mode, padding_mode=padding, align_corners=False)
