"""Interpolate batches of images between their pixels.

Registration samples the other image between its pixels, and errors of the interpolation bias the estimate. The
``bicubic`` of torch (Keys' kernel with a = -0.75) does not reproduce a straight line: at 0.25 px it returns the value
of 0.30 px, and every estimate was biased towards whole pixels by up to 0.04 px. Cubic B-splines (Unser 1999) have no
such error. They are evaluated by bilinear look-ups at shifted points (Sigg and Hadwiger 2005), which costs little more.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


def linear(images: Tensor, col: Tensor, row: Tensor) -> Tensor:
    """Return images (N, H, W) at points (N, h, w), bilinear; the border pixel is repeated outside."""
    grid = col.new_empty(*col.shape, 2)  # torch.stack along the last axis takes three times as long
    grid[..., 0], grid[..., 1] = _on_grid(col, images.shape[2]), _on_grid(row, images.shape[1])
    return _sampled(images, grid)


def spline_coefficients(images: Tensor) -> Tensor:
    """Return the coefficients (N, H, W) of the cubic B-splines that pass through the pixels of (N, H, W) images."""
    height, width = images.shape[-2:]
    return _to_coefficients(height).to(images) @ images @ _to_coefficients(width).to(images).T


def spline(coefficients: Tensor, col: Tensor, row: Tensor) -> Tensor:
    """Return the images of these :func:`spline_coefficients` at points (N, h, w)."""
    left_weight, left, right = _linear_lookups(col)
    top_weight, top, bottom = _linear_lookups(row)
    n, rows, cols = col.shape
    grid = col.new_empty(n, 4, rows, cols, 2)
    for k, at in enumerate((left, right)):
        grid[:, k::2, ..., 0] = _on_grid(at, coefficients.shape[2])[:, None]
    for k, at in enumerate((top, bottom)):
        grid[:, 2 * k : 2 * k + 2, ..., 1] = _on_grid(at, coefficients.shape[1])[:, None]
    corners = _sampled(coefficients, grid.view(n, 4 * rows, cols, 2)).split(rows, 1)
    upper = corners[1] + left_weight * (corners[0] - corners[1])
    lower = corners[3] + left_weight * (corners[2] - corners[3])
    return lower + top_weight * (upper - lower)


def _on_grid(at: Tensor, length: int) -> Tensor:
    """Return positions in pixels as those of ``grid_sample``."""
    return (2 * at + 1) / length - 1


def _sampled(images: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(images[:, None], grid, mode="bilinear", padding_mode="border", align_corners=False)[:, 0]


def _linear_lookups(at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the weight of the first of two linear look-ups that replace four neighbours, and both positions.

    A weighted sum of two neighbours is one linear look-up between them, because B-spline weights are not negative.
    """
    first = torch.floor(at)
    part = at - first
    rest = 1 - part
    before, after = rest**3 / 6, part**3 / 6
    nearest = (4 - 6 * part**2 + 3 * part**3) / 6
    weight = before + nearest
    return weight, first - 1 + nearest / weight, first + 1 + after / (1 - weight)


@lru_cache(maxsize=16)
def _to_coefficients(length: int) -> Tensor:
    """Return the (length, length) matrix from pixels to coefficients; the border coefficient is repeated outside."""
    with torch.inference_mode(False):  # a tensor of inference could not be used for training later
        matrix = torch.eye(length, dtype=torch.float64) * 4
        matrix.diagonal(1).fill_(1)
        matrix.diagonal(-1).fill_(1)
        matrix[0, 0] += 1
        matrix[-1, -1] += 1
        return torch.linalg.inv(matrix / 6)
