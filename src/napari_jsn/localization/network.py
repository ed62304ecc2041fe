"""The network that points at joints: for each joint of either hand a map of where it is, or that it is not there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle

from napari_jsn.anatomy import JOINTS

#: Side of the network's square, in pixels, and how many of them a cell of the maps is wide.
SIDE, CELL = 256, 2
#: Maps: the joints of a left hand as a posteroanterior film shows it, then those of a right hand, its mirror image.
CHANNELS = 2 * len(JOINTS)

#: What :func:`build` makes of each preset: channels of the levels from fine to coarse.
ARCHITECTURES: dict[str, dict[str, Any]] = {"default": {"features": (24, 48, 72, 104, 112)}}


class JointNet(nn.Module):
    """A small residual U-Net whose coarsest level sees the whole film.

    Blocks of 2 x 2 pixels become channels on the way in, and channels become cells on the way out, as in
    Shi et al., CVPR 2016.

    Parameters
    ----------
    features : sequence of int
        Channels of the levels; the first has half the image's resolution, each further one half of the former.
    channels : int
        Of the images.
    """

    def __init__(self, features: Sequence[int], channels: int = 2) -> None:
        super().__init__()
        features = tuple(features)
        self.channels = channels
        self.stem = _conv(4 * channels, features[0])
        self.down = nn.ModuleList(
            nn.Sequential(_conv(less, more, stride=2), _Residual(more))
            for less, more in zip(features, features[1:], strict=False)
        )
        self.middle = nn.Sequential(_Residual(features[-1]), _Residual(features[-1]))
        # the way up ends one level short of the stem; the head makes up for it
        ups = list(zip(features[:1:-1], features[-2:0:-1], strict=True))
        self.across = nn.ModuleList(nn.Conv2d(more, less, 1) for more, less in ups)
        self.up = nn.ModuleList(_Residual(less) for _, less in ups)
        self.head = nn.Conv2d(features[1], 4 * CHANNELS, 1)
        self.absent = nn.Sequential(
            nn.Linear(2 * features[-1], features[-1]), nn.ReLU(), nn.Linear(features[-1], CHANNELS)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of "not in view" (B, 28) and of every cell (B, 28, S / 2, S / 2) of (B, 2, S, S).

        The two channels are those of :func:`napari_jsn.localization.canvas.normalise`.
        """
        level = self.stem(pixel_unshuffle(images, 2))
        levels = []
        for down in self.down:
            level = down(level)
            levels.append(level)
        level = self.middle(level)
        seen = torch.cat([level.mean((2, 3)), level.amax((2, 3))], 1)
        for across, up, finer in zip(self.across, self.up, reversed(levels[:-1]), strict=True):
            level = up(finer + interpolate(across(level), scale_factor=2.0, mode="nearest"))
        return self.absent(seen), pixel_shuffle(self.head(level), 2)


class _Residual(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels, channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, given: Tensor) -> Tensor:
        """The same shape."""
        return torch.relu(given + self.body(given))


def _conv(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )


def build(arguments: dict[str, Any]) -> JointNet:
    """A network with random weights, as the preset's or a card's arguments say."""
    network = JointNet(**arguments)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types lack it
    return network
