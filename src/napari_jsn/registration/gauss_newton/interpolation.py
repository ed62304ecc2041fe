"""Images between their pixels, batched.

Registration reads the other image between its pixels over and over, and what an interpolation gets wrong there moves
the answer. torch's own ``bicubic`` (Keys' kernel with a = -0.75) does not even reproduce a straight line: a quarter of
a pixel beyond a pixel it shows what lies at 0.30, and every answer was drawn towards whole pixels by up to 0.04 px.
Cubic B-splines (Unser 1999) have no such error; with bilinear look-ups at moved points (Sigg and Hadwiger 2005) they
cost little more.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def linear(images: Tensor, col: Tensor, row: Tensor) -> Tensor:
    """Images (N, H, W) at points (N, h, w) each, bilinear; beyond the border its last pixel is repeated."""
    height, width = images.shape[-2:]
    grid = torch.stack([(2 * col + 1) / width - 1, (2 * row + 1) / height - 1], -1)
    return F.grid_sample(images[:, None], grid, mode="bilinear", padding_mode="border", align_corners=False)[:, 0]


def spline_coefficients(images: Tensor) -> Tensor:
    """Coefficients (N, H, W) of the cubic B-splines that pass through the pixels of (N, H, W) images."""
    height, width = images.shape[-2:]
    return _to_coefficients(height).to(images) @ images @ _to_coefficients(width).to(images).T


def spline(coefficients: Tensor, col: Tensor, row: Tensor) -> Tensor:
    """Images of these :func:`spline_coefficients` at points (N, h, w) each."""
    left_share, left, right = _pairs(col)
    top_share, top, bottom = _pairs(row)
    cols, rows = torch.cat([left, right, left, right], 1), torch.cat([top, top, bottom, bottom], 1)
    corners = linear(coefficients, cols, rows).split(col.shape[1], 1)
    upper = corners[1] + left_share * (corners[0] - corners[1])
    lower = corners[3] + left_share * (corners[2] - corners[3])
    return lower + top_share * (upper - lower)


def _pairs(at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Four neighbours as two linear look-ups: the first's share, and where the two are.

    Two weighted neighbours are one look-up between them; B-spline weights are never negative, so that it lies there.
    """
    first = torch.floor(at)
    part = at - first
    rest = 1 - part
    before, after = rest**3 / 6, part**3 / 6
    nearest = (4 - 6 * part**2 + 3 * part**3) / 6
    share = before + nearest
    return share, first - 1 + nearest / share, first + 1 + after / (1 - share)


def _to_coefficients(length: int) -> Tensor:
    """(length, length) matrix from pixels to coefficients; beyond the border the last coefficient is repeated."""
    matrix = torch.eye(length, dtype=torch.float64) * 4
    matrix.diagonal(1).fill_(1)
    matrix.diagonal(-1).fill_(1)
    matrix[0, 0] += 1
    matrix[-1, -1] += 1
    return torch.linalg.inv(matrix / 6)
