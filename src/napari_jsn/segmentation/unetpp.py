"""U-Net++ with two sigmoid outputs, the upper and the lower bone; which may overlap.

Zhou et al., UNet++: a nested U-Net architecture for medical image segmentation, DLMIA 2018; as MONAI has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

#: What :func:`build` makes of each preset. ``paper`` is the network of Wang et al. 2023: five levels, of which the
#: first begins with a 7 x 7 convolution of 64 channels.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {"features": (32, 32, 64, 128, 256, 32), "fold": 2, "first_kernel": 3},
    "paper": {"features": (64, 128, 256, 512, 1024, 64), "fold": 1, "first_kernel": 7},
}


class BoneNet(nn.Module):
    """MONAI's U-Net++ on an image folded into channels, so that it is as fast as on an image of half the size.

    Folding loses nothing: the ``fold`` x ``fold`` pixels of a block become channels on the way in, and the channels
    become pixels again on the way out (Shi et al., CVPR 2016).

    Parameters
    ----------
    features : six int
        Channels of the five levels, and of the last nodes.
    fold : int
        1 leaves the image as it is.
    first_kernel : int
        Side of the very first convolution.
    """

    def __init__(self, features: Sequence[int], fold: int = 1, first_kernel: int = 3) -> None:
        super().__init__()
        from monai.networks.nets import BasicUNetPlusPlus

        self.fold = fold
        channels = fold * fold
        self.net = BasicUNetPlusPlus(2, channels, 2 * channels, tuple(features), norm="batch")
        if first_kernel != 3:
            first = nn.Conv2d(channels, features[0], first_kernel, padding=first_kernel // 2)
            self.net.set_submodule("conv_0_0.conv_0.conv", first)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 2, H, W) of the upper and the lower bone in images (B, 1, H, W).

        H and W are multiples of 16 times ``fold``.
        """
        logits: Tensor = pixel_shuffle(self.net(pixel_unshuffle(images, self.fold))[0], self.fold)
        return logits


def build(arguments: dict[str, Any]) -> BoneNet:
    """A network with random weights, as the preset's or a card's arguments say."""
    network = BoneNet(**arguments)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types lack it
    return network
