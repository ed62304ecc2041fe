"""From the network's maps to places: the peak of each joint to a fraction of a cell, and how sure it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from napari_jsn.localization.network import CELL, SIDE

#: Cells a side of a map, and how many around a peak belong to it, each way.
CELLS = SIDE // CELL
_REACH = 3


def probabilities(logits: tuple[Tensor, Tensor]) -> Tensor:
    """(B, 28, cells, cells) probability that the joint lies in each cell; what is left of 1: it is not in view."""
    absent, maps = logits
    both = torch.cat([absent[..., None], maps.flatten(2)], 2).float()
    return torch.softmax(both, dim=2)[..., 1:].unflatten(2, maps.shape[2:])


def peaks(maps: Tensor) -> tuple[Tensor, Tensor]:
    """The highest place of each map.

    Parameters
    ----------
    maps : (N, cells, cells) tensor
        Of :func:`probabilities`.

    Returns
    -------
    points : (N, 2) tensor
        ``(x, y)`` in pixels of the square: the mean of the cells around the peak, weighted by their probability.
    sure : (N,) tensor
        The probability of these cells together.
    """
    best = maps.flatten(1).argmax(1)
    return around(maps, torch.stack([best % CELLS, best // CELLS], 1))


def around(maps: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """The same around given cells (N, 2) as ``(x, y)``."""
    wide = 2 * _REACH + 1
    padded = pad(maps, (_REACH,) * 4)
    step = torch.arange(wide)
    rows, cols = (cells[:, k, None] + step for k in (1, 0))
    window = padded[torch.arange(len(maps))[:, None, None], rows[:, :, None], cols[:, None, :]]
    sure = window.sum((1, 2))
    share = window / sure.clamp_min(1e-12)[:, None, None]
    x = (share.sum(1) * (cols - _REACH)).sum(1)
    y = (share.sum(2) * (rows - _REACH)).sum(1)
    return (torch.stack([x, y], 1) + 0.5) * CELL - 0.5, sure
