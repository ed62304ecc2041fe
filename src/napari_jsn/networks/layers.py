"""Layers that several networks are made of."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation, added to the input (He et al., CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body: nn.Sequential = nn.Sequential(
            convolution(channels, channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        return torch.relu(features + self.body(features))


def convolution(channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Return a 3 x 3 convolution with batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, out_channels, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def channels_last(network: Network) -> Network:
    """Store the weights with the channels as the last axis, which convolves faster; return the same network."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's own types lack it
    return network
