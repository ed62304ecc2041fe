"""The localization network and how to read its output: for each joint of either hand, a map of where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad, pixel_shuffle, pixel_unshuffle

from napari_jsn.anatomy import JOINTS
from napari_jsn.networks.layers import ResidualBlock, channels_last, convolution

#: Side of the network's square and of a cell of the maps, in pixels; cells along a side of a map.
SIDE, CELL = 256, 2
CELLS = SIDE // CELL
#: Maps: the joints of a left hand in a posteroanterior view, then those of a right hand, its mirror image.
CHANNELS = 2 * len(JOINTS)
#: Cells on each side of a peak that belong to it.
_REACH = 3

#: Arguments of :class:`JointNet` for each preset.
ARCHITECTURES: dict[str, dict[str, Any]] = {"default": {"features": (24, 48, 72, 104, 112)}}


class JointNet(nn.Module):
    """A small residual U-Net whose coarsest level sees the whole square.

    Blocks of 2 x 2 pixels become channels at the input, and channels become cells at the output (Shi et al., CVPR
    2016).

    Parameters
    ----------
    features : sequence of int
        Channels of the levels; the first has half the image's resolution, each further one half of the one before.
    channels : int
        Of the images.
    """

    def __init__(self, features: Sequence[int], channels: int = 2) -> None:
        super().__init__()
        features = tuple(features)
        self.channels = channels
        self.stem: nn.Module = convolution(4 * channels, features[0])
        self.down: nn.ModuleList = nn.ModuleList(
            nn.Sequential(convolution(fine, coarse, stride=2), ResidualBlock(coarse))
            for fine, coarse in zip(features, features[1:], strict=False)
        )
        self.middle: nn.Sequential = nn.Sequential(ResidualBlock(features[-1]), ResidualBlock(features[-1]))
        # the decoder ends one level below the stem; the head doubles its resolution
        levels = list(zip(features[:1:-1], features[-2:0:-1], strict=True))
        self.across: nn.ModuleList = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for coarse, fine in levels)
        self.up: nn.ModuleList = nn.ModuleList(ResidualBlock(fine) for _, fine in levels)
        self.head: nn.Conv2d = nn.Conv2d(features[1], 4 * CHANNELS, 1)
        self.absent: nn.Sequential = nn.Sequential(
            nn.Linear(2 * features[-1], features[-1]), nn.ReLU(), nn.Linear(features[-1], CHANNELS)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of "not in view" (B, 28) and of every cell (B, 28, S / 2, S / 2) for (B, 2, S, S).

        The two channels are those of :func:`napari_jsn.localization.canvas.normalise`.
        """
        level = self.stem(pixel_unshuffle(images, 2))
        levels = []
        for down in self.down:
            level = down(level)
            levels.append(level)
        level = self.middle(level)
        pooled = torch.cat([level.mean((2, 3)), level.amax((2, 3))], 1)
        for across, up, finer in zip(self.across, self.up, reversed(levels[:-1]), strict=True):
            level = up(finer + interpolate(across(level), scale_factor=2.0, mode="nearest"))
        return self.absent(pooled), pixel_shuffle(self.head(level), 2)


def build_joint_net(arguments: dict[str, Any]) -> JointNet:
    """Return a network with random weights, with the arguments of a preset or a card."""
    return channels_last(JointNet(**arguments))


def cell_probabilities(logits: tuple[Tensor, Tensor]) -> Tensor:
    """Return the probability that each joint lies in each cell: (B, 28, cells, cells).

    What is missing to 1 is the probability that the joint is not in view.
    """
    absent, maps = logits
    both = torch.cat([absent[..., None], maps.flatten(2)], 2).float()
    return torch.softmax(both, dim=2)[..., 1:].unflatten(2, maps.shape[2:])


def find_peaks(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Find the highest peak of each map.

    Parameters
    ----------
    maps : (N, cells, cells) tensor
        From :func:`cell_probabilities`.

    Returns
    -------
    points : (N, 2) tensor
        ``(x, y)`` in pixels of the square: the mean of the cells around the peak, weighted by their probability.
    probability : (N,) tensor
        Of these cells together.
    """
    best = maps.flatten(1).argmax(1)
    return peaks_at(maps, torch.stack([best % CELLS, best // CELLS], 1))


def peaks_at(maps: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same as :func:`find_peaks` around given cells (N, 2) as ``(x, y)``."""
    padded = pad(maps, (_REACH,) * 4)
    steps = torch.arange(2 * _REACH + 1)
    rows, cols = (cells[:, k, None] + steps for k in (1, 0))
    window = padded[torch.arange(len(maps))[:, None, None], rows[:, :, None], cols[:, None, :]]
    probability = window.sum((1, 2))
    share = window / probability.clamp_min(1e-12)[:, None, None]
    x = (share.sum(1) * (cols - _REACH)).sum(1)
    y = (share.sum(2) * (rows - _REACH)).sum(1)
    return (torch.stack([x, y], 1) + 0.5) * CELL - 0.5, probability
