"""U-Net++ with two sigmoid outputs, the upper and the lower bone, which may overlap.

Zhou et al., UNet++: a nested U-Net architecture for medical image segmentation, DLMIA 2018; MONAI's implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from napari_jsn.networks.layers import channels_last

#: Arguments of :class:`BoneNet` for each preset. ``paper`` is the network of Wang et al. 2023: a 7 x 7 convolution with
#: 64 channels before the first of five levels.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {"features": (32, 32, 64, 128, 256, 32), "fold": 2},
    "paper": {"features": (64, 128, 256, 512, 1024, 64), "first_channels": 64},
}


class BoneNet(nn.Module):
    """MONAI's U-Net++ on an image folded into channels, which is as fast as on an image of half the size.

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
        from monai.networks.nets import BasicUNetPlusPlus

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
        self.net: nn.Module = BasicUNetPlusPlus(2, inside, 2 * channels, tuple(features), norm="batch")

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 2, H, W) of the upper and the lower bone in images (B, 1, H, W).

        H and W must be multiples of 16 times ``fold``.
        """
        logits: Tensor = pixel_shuffle(self.net(self.first(pixel_unshuffle(images, self.fold)))[0], self.fold)
        return logits


def build_bone_net(arguments: dict[str, Any]) -> BoneNet:
    """Return a network with random weights, with the arguments of a preset or a card."""
    return channels_last(BoneNet(**arguments))
