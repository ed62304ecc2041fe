"""Layers that several networks are made of."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

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


def moving_maximum(stack: Tensor, size: int) -> Tensor:
    """Return the maximum of every square of ``size`` x ``size`` pixels inside the images (N, H, W) of a stack.

    The result has ``size - 1`` rows and columns fewer. ``max_pool2d`` takes ten times as long on a CPU.
    """
    for dim in (1, 2):
        length, have = stack.shape[dim] - size + 1, 1
        while 2 * have <= size:  # the maximum of two neighbouring ranges is that of a range twice as long
            stack = torch.maximum(
                stack.narrow(dim, 0, stack.shape[dim] - have), stack.narrow(dim, have, stack.shape[dim] - have)
            )
            have *= 2
        stack = torch.maximum(stack.narrow(dim, 0, length), stack.narrow(dim, size - have, length))
    return stack


def dilated(stack: Tensor, by: int) -> Tensor:
    """Return images (N, H, W) in which every pixel has the maximum of the square of pixels within ``by`` of it."""
    return moving_maximum(pad(stack, (by, by, by, by), value=-torch.inf), 2 * by + 1)
