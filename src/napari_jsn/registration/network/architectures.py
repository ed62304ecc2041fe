"""The registration networks: from two joint images and their masks to the maps of both bones.

Every preset is called alike: ``network(fixed, moving, fixed_masks, moving_masks)`` with images (B, 1, S, S), grey in
[0, 1], and masks (B, 2, S, S), upper and lower bone, gives (B, 2, 3, 3) maps from ``(x, y, 1)`` of the fixed to the
moving image, in pixels of these squares.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from napari_jsn.common.errors import InputError
from napari_jsn.registration.network.default import PoseNet

#: What :func:`build` makes of each preset.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {"kind": "default", "coarse": (24, 48, 96, 160), "fine": (24, 48, 96, 128), "passes": (1, 2)},
    "paper": {"kind": "paper", "stem": 64, "blocks": (3, 4, 6, 3), "features": (128, 256, 512, 512)},
}


def build(architecture: str | dict[str, Any]) -> nn.Module:
    """A network with random weights: a preset's by its name, or as a card's architecture says.

    Parameters
    ----------
    architecture : str or dict
        ``"default"``, ``"paper"`` (47,000,224 parameters), or the arguments themselves.

    Raises
    ------
    InputError
        If there is no such preset.
    """
    if isinstance(architecture, str):
        if architecture not in ARCHITECTURES:
            choices = ", ".join(ARCHITECTURES)
            raise InputError(f"There is no preset {architecture!r}. Choose one of: {choices}.", "preset")
        architecture = ARCHITECTURES[architecture]
    arguments = {name: value for name, value in architecture.items() if name not in ("kind", "class")}
    network = KINDS[architecture["kind"]](**arguments)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types lack it
    return network


def parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(each.numel() for each in network.parameters())


def fused(network: nn.Module) -> nn.Module:
    """The network with every normalisation taken into the convolution before it: the same answers, a fifth sooner."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for name, child in network.named_children():
        if isinstance(child, nn.Sequential):
            layers: list[nn.Module] = []
            for layer in child:
                if isinstance(layer, nn.BatchNorm2d) and layers and isinstance(layers[-1], nn.Conv2d):
                    layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
                else:
                    layers.append(layer)
            child = nn.Sequential(*layers)
            setattr(network, name, child)
        fused(child)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types lack it
    return network


def similarities(dz: Tensor, dtheta: Tensor, shift: Tensor, centre: tuple[float, float]) -> Tensor:
    """Matrices (..., 3, 3) of Eq. 1, ``S R T`` about a centre ``(x, y)``; ``shift`` is (..., 2)."""
    cos, sin = dz * torch.cos(dtheta), dz * torch.sin(dtheta)
    linear = torch.stack([cos, -sin, sin, cos], -1).unflatten(-1, (2, 2))
    middle = shift.new_tensor(centre)
    offset = middle - (linear @ (middle - shift)[..., None])[..., 0]
    last = torch.tensor([0.0, 0.0, 1.0]).to(offset).expand(*offset.shape[:-1], 1, 3)
    return torch.cat([torch.cat([linear, offset[..., None]], -1), last], -2)


class PaperNet(nn.Module):
    """The network of Wang et al. 2023, Table 2: a residual network that regresses eight numbers.

    Each image passes a 3 x 3 convolution of one channel; the two, and the two masks, go through a stem of 7 x 7 and
    four stages of residual blocks; the mean over the image, and one layer, give four numbers for each bone. Their
    ranges are scale 1 + tanh, turn tanh times 90 degrees, and shifts in pixels, unbounded.

    A mask's channel is 1 in the upper bone, -1 in the lower one and 0 beside both.

    Parameters
    ----------
    stem : int
        Channels of the stem.
    blocks, features : four int
        Blocks of each stage, and their channels.
    """

    def __init__(
        self, stem: int = 64, blocks: tuple[int, ...] = (3, 4, 6, 3), features: tuple[int, ...] = (128, 256, 512, 512)
    ) -> None:
        super().__init__()
        self.fixed, self.moving = (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1)) for _ in range(2))
        layers: list[nn.Module] = [
            nn.Conv2d(4, stem, 7, 2, 3, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        ]  # fmt: skip
        before = stem
        for stage, (count, channels) in enumerate(zip(blocks, features, strict=True)):
            for k in range(count):
                stride = 2 if stage > 0 and k == 0 else 1
                layers.append(Residual(before, channels, stride, shortcut=k == 0))
                before = channels
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(before, 8)

    def forward(self, fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> Tensor:
        """Maps (B, 2, 3, 3) of both bones (Eq. 1)."""
        regions = [masks[:, :1] - masks[:, 1:] for masks in (fixed_masks, moving_masks)]
        features = self.body(torch.cat([self.fixed(fixed), self.moving(moving), *regions], 1)).mean((2, 3))
        told = self.head(features).float().unflatten(1, (2, 4))
        rows, cols = fixed.shape[-2:]
        dz, dtheta = 1 + torch.tanh(told[..., 0]), torch.tanh(told[..., 1]) * math.pi / 2
        return similarities(dz, dtheta, told[..., 2:], ((cols - 1) / 2, (rows - 1) / 2))


class Residual(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to what came in (He et al., CVPR 2016)."""

    def __init__(self, before: int, channels: int, stride: int = 1, shortcut: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if shortcut:
            self.shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, given: Tensor) -> Tensor:
        """Of the same size, or half of it."""
        return torch.relu(self.body(given) + self.shortcut(given))


#: The networks that a card's architecture can name.
KINDS: dict[str, type[nn.Module]] = {"default": PoseNet, "paper": PaperNet}
