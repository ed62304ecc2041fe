"""U-Net++ with two sigmoid outputs, the upper and the lower bone, which may overlap.

Zhou et al., UNet++: a nested U-Net architecture for medical image segmentation, DLMIA 2018.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from napari_jsn.networks.layers import channels_last

#: Arguments of :class:`BoneNet` for each preset. ``paper`` is the network of Wang et al. 2023: a 7 x 7 convolution with
#: 64 channels before the first of five levels.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {"features": (32, 32, 64, 128, 256, 32), "fold": 2},
    "paper": {"features": (64, 128, 256, 512, 1024, 64), "first_channels": 64},
}


class NestedUNet(nn.Module):
    """U-Net++ with five levels: the same layers, names of weights and outputs as MONAI's ``BasicUNetPlusPlus``.

    It is written here because loading MONAI takes longer than loading torch, and every command and widget that finds
    bones would load it. A test compares both.

    Node ``i, j`` (row ``i`` of the pyramid, column ``j``) joins all nodes of its row before it and the node below.

    Parameters
    ----------
    channels : int
        Of the input.
    out_channels : int
    features : six int
        Channels of the five levels, and of the last node.
    """

    def __init__(self, channels: int, out_channels: int, features: Sequence[int]) -> None:
        super().__init__()
        *levels, last = features
        depth = len(levels)
        for row, out in enumerate(levels):
            convolutions = _twice(levels[row - 1] if row else channels, out)
            self.add_module(f"conv_{row}_0", _Down(convolutions) if row else convolutions)
        for column in range(1, depth):
            for row in range(depth - column):
                out = last if column == depth - 1 else levels[row]
                self.add_module(f"upcat_{row}_{column}", _Join(levels[row + 1], levels[row], column, out, row > 0))
        for column in range(1, depth):  # all but the last are for deep supervision, which is not used
            self.add_module(
                f"final_conv_0_{column}", nn.Conv2d(last if column == depth - 1 else levels[0], out_channels, 1)
            )
        self._depth = depth

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, ``out_channels``, H, W) of images (B, ``channels``, H, W); H and W must be multiples of 16."""
        rows: list[list[Tensor]] = [[] for _ in range(self._depth)]  # the nodes of each row so far
        for level in range(self._depth):
            rows[level].append(self.get_submodule(f"conv_{level}_0")(rows[level - 1][0] if level else images))
            for column in range(1, level + 1):
                row = level - column
                node = self.get_submodule(f"upcat_{row}_{column}")
                rows[row].append(node(rows[row + 1][column - 1], rows[row][:column]))
        logits: Tensor = self.get_submodule(f"final_conv_0_{self._depth - 1}")(rows[0][-1])
        return logits


class _Down(nn.Module):
    """Maximum of 2 x 2 pixels, then convolutions."""

    def __init__(self, convolutions: nn.Module) -> None:
        super().__init__()
        self.max_pooling: nn.Module = nn.MaxPool2d(2)
        self.convs = convolutions

    def forward(self, features: Tensor) -> Tensor:
        """Return features of half the size."""
        found: Tensor = self.convs(self.max_pooling(features))
        return found


class _Join(nn.Module):
    """A node of U-Net++: the node below, enlarged, beside the nodes of the same row; then convolutions."""

    def __init__(self, below: int, beside: int, count: int, out: int, halved: bool) -> None:
        super().__init__()
        enlarged = below // 2 if halved else below
        self.upsample: nn.Module = nn.Sequential(OrderedDict(deconv=nn.ConvTranspose2d(below, enlarged, 2, 2)))
        self.convs: nn.Module = _twice(count * beside + enlarged, out)

    def forward(self, below: Tensor, beside: Sequence[Tensor]) -> Tensor:
        """Return features of the size of those beside."""
        found: Tensor = self.convs(torch.cat([*beside, self.upsample(below)], 1))
        return found


def _twice(channels: int, out: int) -> nn.Sequential:
    """Return two 3 x 3 convolutions, each with batch normalisation and leaky ReLU."""
    return nn.Sequential(OrderedDict((f"conv_{k}", _convolution(out if k else channels, out)) for k in range(2)))


def _convolution(channels: int, out: int) -> nn.Sequential:
    after = nn.Sequential(OrderedDict(N=nn.BatchNorm2d(out), A=nn.LeakyReLU(0.1, inplace=True)))
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(channels, out, 3, padding=1), adn=after))


class BoneNet(nn.Module):
    """U-Net++ on an image folded into channels, which is as fast as on an image of half the size.

    Folding keeps all pixels: blocks of ``fold`` x ``fold`` pixels become channels at the input, and channels become
    pixels at the output (Shi et al., CVPR 2016).

    Parameters
    ----------
    features : six int
        Channels of the five levels, and of the last nodes.
    fold : int
        1 for no folding.
    first_channels : int
        Channels of a 7 x 7 convolution before the first level; 0 for none.
    """

    def __init__(self, features: Sequence[int], fold: int = 1, first_channels: int = 0) -> None:
        super().__init__()
        self.fold = fold
        channels = fold * fold
        self.first: nn.Module = nn.Identity()
        if first_channels:
            self.first = nn.Sequential(
                nn.Conv2d(channels, first_channels, 7, padding=3, bias=False),
                nn.BatchNorm2d(first_channels),
                nn.ReLU(inplace=True),
            )
        inside = first_channels or channels
        self.net: nn.Module = NestedUNet(inside, 2 * channels, features)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 2, H, W) of the upper and the lower bone in images (B, 1, H, W).

        H and W must be multiples of 16 times ``fold``.
        """
        logits: Tensor = pixel_shuffle(self.net(self.first(pixel_unshuffle(images, self.fold))), self.fold)
        return logits


def build_bone_net(arguments: dict[str, Any]) -> BoneNet:
    """Return a network with random weights, with the arguments of a preset or a card."""
    return channels_last(BoneNet(**arguments))
