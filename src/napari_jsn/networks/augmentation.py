"""Random changes of a batch of images that keep every point in its place, for training.

Images are float tensors (B, 1, H, W), intensities in about [0, 1]. All random numbers come from the generator given,
on the CPU: the order of the draws is part of a training's result, so do not change it.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from napari_jsn.networks.canvas import resize


def uniform(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Draw numbers from a uniform distribution."""
    return low + (high - low) * torch.rand(shape, generator=generator)


def choose(share: float, count: int, generator: Generator) -> Tensor:
    """Draw the indexes of the images to change: each of ``count`` with probability ``share``."""
    return torch.nonzero(torch.rand(count, generator=generator) < share).flatten()


def smooth_field(shape: tuple[int, ...], size: tuple[int, int], nodes: int, generator: Generator) -> Tensor:
    """Draw smooth random fields (*shape, *size): normal values at ``nodes`` x ``nodes`` places, bicubic between."""
    values = torch.randn(math.prod(shape), 1, nodes, nodes, generator=generator)
    return interpolate(values, size=size, mode="bicubic", align_corners=True).view(*shape, *size)


def change_exposure(
    images: Tensor, generator: Generator, gamma_sd: float, gain: tuple[float, float], offset: float
) -> Tensor:
    """Apply a random gamma, gain and offset to each image.

    Parameters
    ----------
    images, generator
        See the module.
    gamma_sd : float
        Standard deviation of the logarithm of gamma.
    gain : (float, float)
        Range of the factor.
    offset : float
        Largest absolute offset.
    """
    one = (len(images), 1, 1, 1)
    images = images.clamp(0, 1) ** torch.exp(gamma_sd * torch.randn(one, generator=generator))
    return images * uniform(*gain, one, generator) + uniform(-offset, offset, one, generator)


def shade(images: Tensor, generator: Generator, sd: float, nodes: int) -> Tensor:
    """Multiply each image by the exponential of a smooth field of standard deviation ``sd``."""
    field = smooth_field((len(images), 1), (images.shape[-2], images.shape[-1]), nodes, generator)
    return images * torch.exp(sd * field)


def invert(images: Tensor, generator: Generator, share: float) -> Tensor:
    """Make a share of the images negative (bone dark)."""
    inverted = torch.rand((len(images), 1, 1, 1), generator=generator) < share
    return torch.where(inverted, 1 - images, images)


def blur(images: Tensor, sigmas: Tensor, reach: int) -> Tensor:
    """Convolve each image with a Gaussian of its own ``sigmas`` (B,), cut off at ``reach`` pixels."""
    steps = torch.arange(-reach, reach + 1)
    kernels = torch.exp(-(steps**2) / (2 * sigmas[:, None] ** 2))
    kernels = kernels / kernels.sum(1, keepdim=True)
    planes = pad(images.transpose(0, 1), (reach,) * 4, mode="reflect")
    planes = conv2d(planes, kernels[:, None, :, None], groups=len(images))
    return conv2d(planes, kernels[:, None, None, :], groups=len(images)).transpose(0, 1)


def coarsen(images: Tensor, generator: Generator, smallest: int) -> Tensor:
    """Reduce the images to a random side of at least ``smallest`` pixels, and magnify them again."""
    size = int(torch.randint(smallest, images.shape[-1], (1,), generator=generator))
    return interpolate(resize(images, (size, size)), size=images.shape[-2:], mode="bilinear", align_corners=False)


def add_noise(images: Tensor, generator: Generator, largest: float) -> Tensor:
    """Add noise to each image, of standard deviation up to ``largest``; in the first half of them of coarse grain."""
    noise = torch.randn(images.shape, generator=generator)
    half = len(images) // 2
    if half:
        noise[:half] = 2 * avg_pool2d(pad(noise[:half], (1, 1, 1, 1), mode="reflect"), 3, 1)
    return images + uniform(0, largest, (len(images), 1, 1, 1), generator) * noise
