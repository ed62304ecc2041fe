"""The network of the one-stage method: a U-Net with an EfficientNet encoder and three classifiers of every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from napari_jsn.anatomy import JOINTS
from napari_jsn.networks.layers import channels_last
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.canvas import CANVAS

#: Arguments of :class:`HandNet` for each preset: small enough for two cores; and as in the talk.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "one-stage": {"backbone": "efficientnet-b0", "decoder": (64, 48, 32, 24, 16)},
    "paper": {"backbone": "efficientnet-b5", "decoder": (256, 128, 64, 32, 16)},
}
#: Layers of the encoder that classify whole images: they are not used here, and have a third of its weights.
_OF_IMAGE_CLASSES = ("_conv_head", "_bn1", "_fc")
#: Share of a batch in the statistics of normalisation. The encoder's own 0.01 is for trainings of many thousand steps:
#: in shorter ones the statistics lag behind the weights, and the network marks nothing when it is evaluated.
_MOMENTUM = 0.1
#: Channels: the image, and the coordinates x and y of each pixel.
CHANNELS = 3


class PixelClasses(NamedTuple):
    """Logits of every pixel.

    Attributes
    ----------
    joint : (B, 15, H, W) tensor
        Background, then the joints in anatomical order.
    jsn : (B, 5, H, W) tensor
    erosion : (B, 6, H, W) tensor
    """

    joint: Tensor
    jsn: Tensor
    erosion: Tensor


class HandNet(nn.Module):
    """A U-Net over a whole left hand.

    Parameters
    ----------
    backbone : str
        ``"efficientnet-b0"`` to ``"efficientnet-b7"``.
    decoder : sequence of int
        Channels of the five levels of the decoder, the coarsest first.
    """

    def __init__(self, backbone: str, decoder: Sequence[int]) -> None:
        from monai.networks.nets import FlexibleUNet

        super().__init__()
        self.body: Any = FlexibleUNet(
            in_channels=CHANNELS, out_channels=1, backbone=backbone, decoder_channels=tuple(decoder), pretrained=False
        )
        self.body.add_module("segmentation_head", nn.Identity())  # three classifiers of single pixels replace it
        for name in _OF_IMAGE_CLASSES:
            self.body.encoder.add_module(name, nn.Identity())
        for layer in self.body.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = _MOMENTUM
        last = decoder[-1]
        self.joint: nn.Conv2d = nn.Conv2d(last, 1 + len(JOINTS), 1)
        self.jsn: nn.Conv2d = nn.Conv2d(last, 1 + HIGHEST["jsn"], 1)
        self.erosion: nn.Conv2d = nn.Conv2d(last, 1 + HIGHEST["erosion"], 1)

    def forward(self, images: Tensor) -> PixelClasses:
        """Return the logits for images (B, 3, H, W); see :func:`with_coordinates`. H and W are multiples of 32."""
        features = self.body(images)
        return PixelClasses(self.joint(features), self.jsn(features), self.erosion(features))


def build_hand_net(arguments: dict[str, Any]) -> HandNet:
    """Return a network with random weights, with the arguments of a preset or a card."""
    return channels_last(HandNet(**arguments))


def with_coordinates(images: Tensor, origin: Tensor | None = None) -> Tensor:
    """Return images (B, H, W) with two more channels (B, 3, H, W): x and y of each pixel, -1 to 1 on the canvas.

    Parameters
    ----------
    images : (B, H, W) tensor
    origin : (B, 2) tensor, optional
        ``(x, y)`` on the canvas of the first pixel of each image, by default (0, 0).
    """
    count, rows, cols = images.shape
    first = images.new_zeros(count, 2) if origin is None else origin.to(images)
    x = 2 * (first[:, :1] + torch.arange(cols, device=images.device)) / (CANVAS[1] - 1) - 1
    y = 2 * (first[:, 1:] + torch.arange(rows, device=images.device)) / (CANVAS[0] - 1) - 1
    return torch.stack([images, x[:, None].expand_as(images), y[:, :, None].expand_as(images)], 1)
