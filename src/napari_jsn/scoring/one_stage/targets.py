"""Targets of the pixels of a hand: a circle around each joint, background far from all, and what is between ignored."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

#: Pixels that the loss does not count.
IGNORED = -1


def circle_targets(centres: Tensor, inner: Tensor, outer: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the joint of every pixel (B, H, W): its number from 1 in a circle, 0 far away, IGNORED between.

    Where circles overlap, the nearest joint counts.

    Parameters
    ----------
    centres : (B, J, 2) tensor
        ``(x, y)`` in pixels; NaN where a joint is not on the image.
    inner, outer : (B,) tensor
        Radius of the circles, and distance beyond which a pixel is background, in pixels.
    size : (int, int)
        Rows and columns.
    """
    rows, cols = (torch.arange(length, device=centres.device, dtype=centres.dtype) for length in size)
    away = torch.sqrt(
        (rows[None, None, :, None] - centres[..., 1, None, None]) ** 2
        + (cols[None, None, None, :] - centres[..., 0, None, None]) ** 2
    ).nan_to_num(torch.inf)
    nearest, which = away.min(1)
    found = torch.where(nearest <= inner[:, None, None], which + 1, IGNORED)
    return torch.where(nearest > outer[:, None, None], 0, found)


def smoothed(grades: Tensor, highest: int, moved: float) -> Tensor:
    """Return the probabilities (..., K + 1) of grades (...), of which a part is moved to the neighbouring grades.

    Parameters
    ----------
    grades : int tensor
        All probabilities are 0 where a grade is below 0.
    highest : int
    moved : float
        Probability that goes to the neighbours, in equal parts; at the ends all of it to the only neighbour.
    """
    known = grades >= 0
    sharp = one_hot(grades.clamp_min(0), highest + 1).to(torch.float32)
    below, above = sharp.roll(-1, -1), sharp.roll(1, -1)
    below[..., -1], above[..., 0] = 0, 0
    around = below + above
    around = around / around.sum(-1, keepdim=True)
    return ((1 - moved) * sharp + moved * around) * known[..., None]


def of_pixels(joints: Tensor, values: Tensor) -> Tensor:
    """Return the values (N, ...) of the joints of the N pixels that lie in a circle, in the order of the pixels.

    Parameters
    ----------
    joints : (B, H, W) tensor
        See :func:`circle_targets`.
    values : (B, J, ...) tensor
        Of the joints.
    """
    image, row, col = torch.nonzero(joints > 0, as_tuple=True)
    return values[image, joints[image, row, col] - 1]
