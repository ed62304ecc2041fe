"""U-Net++ with two sigmoid outputs, the upper and the lower bone, which may overlap.

Zhou et al., UNet++: a nested U-Net architecture for medical image segmentation, DLMIA 2018; MONAI's implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from napari_jsn.networks.layers import channels_last

#: Arguments of :class:`BoneNet` for each preset. ``paper`` is the network of Wang et al. 2023: five levels, the first
#: of which begins with a 7 x 7 convolution of 64 channels.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {"features": (32, 32, 64, 128, 256, 32), "fold": 2, "first_kernel": 3},
    "paper": {"features": (64, 128, 256, 512, 1024, 64), "fold": 1, "first_kernel": 7},
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
    first_kernel : int
        Side of the first convolution.
    """

    def __init__(self, features: Sequence[int], fold: int = 1, first_kernel: int = 3) -> None:
        super().__init__()
        from monai.networks.nets import BasicUNetPlusPlus

        self.fold = fold
        channels = fold * fold
        self.net: nn.Module = BasicUNetPlusPlus(2, channels, 2 * channels, tuple(features), norm="batch")
        if first_kernel != 3:
            first = nn.Conv2d(channels, features[0], first_kernel, padding=first_kernel // 2)
            self.net.set_submodule("conv_0_0.conv_0.conv", first)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, 2, H, W) of the upper and the lower bone in images (B, 1, H, W).

        H and W must be multiples of 16 times ``fold``.
        """
        logits: Tensor = pixel_shuffle(self.net(pixel_unshuffle(images, self.fold))[0], self.fold)
        return logits


def build_bone_net(arguments: dict[str, Any]) -> BoneNet:
    """Return a network with random weights, with the arguments of a preset or a card."""
    return channels_last(BoneNet(**arguments))
