"""``PaperNet``, the network of Wang et al. 2023 (Table 2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from napari_jsn.registration.network.maps import similarities


class PaperNet(nn.Module):
    """The network of Wang et al. 2023, Table 2: a residual network that regresses eight numbers.

    Each image passes a 3 x 3 convolution with one channel. Both results and the two masks pass a 7 x 7 stem and four
    stages of residual blocks. The mean over the image and one linear layer give four numbers for each bone: scale
    1 + tanh, rotation tanh times 90 degrees, and translations in pixels, unbounded.

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
        self.fixed: nn.Sequential = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1))
        self.moving: nn.Sequential = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1))
        layers: list[nn.Module] = [
            nn.Conv2d(4, stem, 7, 2, 3, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        ]  # fmt: skip
        before = stem
        for stage, (count, channels) in enumerate(zip(blocks, features, strict=True)):
            for k in range(count):
                stride = 2 if stage > 0 and k == 0 else 1
                layers.append(ShortcutBlock(before, channels, stride, shortcut=k == 0))
                before = channels
        self.body: nn.Sequential = nn.Sequential(*layers)
        self.head: nn.Linear = nn.Linear(before, 8)

    def forward(self, fixed: Tensor, moving: Tensor, fixed_masks: Tensor, moving_masks: Tensor) -> Tensor:
        """Return the maps (B, 2, 3, 3) of both bones (Eq. 1)."""
        regions = [masks[:, :1] - masks[:, 1:] for masks in (fixed_masks, moving_masks)]
        features = self.body(torch.cat([self.fixed(fixed), self.moving(moving), *regions], 1)).mean((2, 3))
        output = self.head(features).float().unflatten(1, (2, 4))
        rows, cols = fixed.shape[-2:]
        dz, dtheta = 1 + torch.tanh(output[..., 0]), torch.tanh(output[..., 1]) * math.pi / 2
        return similarities(dz, dtheta, output[..., 2:], ((cols - 1) / 2, (rows - 1) / 2))


class ShortcutBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to the input (He et al., CVPR 2016)."""

    def __init__(self, before: int, channels: int, stride: int = 1, shortcut: bool = False) -> None:
        super().__init__()
        self.body: nn.Sequential = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if shortcut:
            self.shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same size, or of half of it."""
        return torch.relu(self.body(features) + self.shortcut(features))
