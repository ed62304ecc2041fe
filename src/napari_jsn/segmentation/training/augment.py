"""Make of a batch of joint images what other hands, machines and crops could have made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, avg_pool2d, conv2d, grid_sample, interpolate, pad


@dataclass(frozen=True)
class Augmentation:
    """How far images are changed; shares are probabilities an image.

    Attributes
    ----------
    turn_deg, shift : float
        Largest turn, and largest shift as a share of the side, each way.
    scale : (float, float)
        Magnification, drawn evenly in its logarithm.
    stretch : float
        Largest difference of the two directions' magnification, in its logarithm.
    gamma : float
        Standard deviation of the logarithm of the exponent that the grey levels get.
    shading : float
        Share of images that are brighter on one side than on another.
    blurred, coarse, noisy, inverted, covered : float
        Share of images that are blurred, of low resolution, noisy, negative (bone dark), and covered in part.
    """

    turn_deg: float = 20.0
    shift: float = 0.1
    scale: tuple[float, float] = (0.75, 1.35)
    stretch: float = 0.06
    gamma: float = 0.3
    shading: float = 0.3
    blurred: float = 0.3
    coarse: float = 0.15
    noisy: float = 0.4
    inverted: float = 0.1
    covered: float = 0.15


def augment(
    images: Tensor, masks: Tensor, generator: Generator, how: Augmentation | None = None
) -> tuple[Tensor, Tensor]:
    """Change images in every way, and their masks along with them.

    Parameters
    ----------
    images : (B, 1, H, W) float tensor
        Grey levels in [0, 1].
    masks : (B, 2, H, W) float tensor
        How much of each pixel belongs to the upper and the lower bone.
    generator : torch.Generator
        Where chance comes from.
    how : Augmentation, optional

    Returns
    -------
    images, masks : tensors
        As they came; the masks' edges stay as fine as the pixels allow.
    """
    how = how or Augmentation()
    images, masks = _move(images, masks, generator, how)
    images = _expose(images, generator, how)
    images = _degrade(images, generator, how)
    return _cover(images, generator, how), masks


def _evenly(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _chosen(share: float, images: Tensor, generator: Generator) -> Tensor:
    """Indexes of the images that are changed."""
    return torch.nonzero(torch.rand(len(images), generator=generator) < share).flatten()


def _move(images: Tensor, masks: Tensor, generator: Generator, how: Augmentation) -> tuple[Tensor, Tensor]:
    """Turn, magnify, shift and mirror left to right; beyond the border the border goes on."""
    count = (len(images),)
    angle = torch.deg2rad(_evenly(-how.turn_deg, how.turn_deg, count, generator))
    size = torch.exp(_evenly(math.log(how.scale[0]), math.log(how.scale[1]), count, generator))
    stretch = torch.exp(_evenly(-how.stretch / 2, how.stretch / 2, count, generator))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    shift = 2 * _evenly(-how.shift, how.shift, (2, *count), generator)
    across, along = mirror * stretch / size, 1 / (stretch * size)
    rows = [torch.cos(angle) * across, -torch.sin(angle) * along, shift[0]]
    rows += [torch.sin(angle) * across, torch.cos(angle) * along, shift[1]]
    grid = affine_grid(torch.stack(rows, 1).reshape(-1, 2, 3), list(images.shape), align_corners=False)
    both = grid_sample(torch.cat([images, masks], 1), grid, padding_mode="border", align_corners=False)
    return both[:, :1], both[:, 1:]


def _expose(images: Tensor, generator: Generator, how: Augmentation) -> Tensor:
    """Another curve from attenuation to grey, another window, light that falls off to one side, a negative."""
    one = (len(images), 1, 1, 1)
    images = images.clamp(0, 1) ** torch.exp(how.gamma * torch.randn(one, generator=generator))
    images = images * _evenly(0.6, 1.3, one, generator) + _evenly(-0.1, 0.1, one, generator)
    shaded = _chosen(how.shading, images, generator)
    if len(shaded):
        coarse = 0.15 * torch.randn(len(shaded), 1, 3, 3, generator=generator)
        field = interpolate(coarse, size=images.shape[-2:], mode="bicubic", align_corners=True)
        images[shaded] = images[shaded] * torch.exp(field)
    clipped = images.clamp(0, 1)
    inverted = _chosen(how.inverted, images, generator)
    clipped[inverted] = 1 - clipped[inverted]
    return clipped


def _degrade(images: Tensor, generator: Generator, how: Augmentation) -> Tensor:
    """Blur, coarse pixels, and noise of fine or coarse grain."""
    blurred = _chosen(how.blurred, images, generator)
    if len(blurred):
        images[blurred] = _blur(images[blurred], _evenly(0.3, 1.5, (len(blurred),), generator))
    coarse = _chosen(how.coarse, images, generator)
    if len(coarse):
        size = int(torch.randint(images.shape[-1] // 3, images.shape[-1], (1,), generator=generator))
        small = interpolate(images[coarse], size=(size, size), mode="bilinear", antialias=True)
        images[coarse] = interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)
    noisy = _chosen(how.noisy, images, generator)
    if len(noisy):
        grain = torch.randn(len(noisy), 1, *images.shape[-2:], generator=generator)
        half = len(noisy) // 2
        if half:
            grain[:half] = 2 * avg_pool2d(pad(grain[:half], (1, 1, 1, 1), mode="reflect"), 3, 1)
        images[noisy] = images[noisy] + _evenly(0, 0.06, (len(noisy), 1, 1, 1), generator) * grain
    return images


def _blur(images: Tensor, sigmas: Tensor) -> Tensor:
    """Each image by its own Gaussian."""
    reach = 4
    at = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-(at**2) / (2 * sigmas[:, None] ** 2))
    kernel = kernel / kernel.sum(1, keepdim=True)
    planes = pad(images.transpose(0, 1), (reach,) * 4, mode="reflect")
    planes = conv2d(planes, kernel[:, None, :, None], groups=len(images))
    return conv2d(planes, kernel[:, None, None, :], groups=len(images)).transpose(0, 1)


def _cover(images: Tensor, generator: Generator, how: Augmentation) -> Tensor:
    """An even rectangle over a part, as letters, markers and rings lie there; the bone below keeps its mask."""
    rows, cols = images.shape[-2:]
    for k in _chosen(how.covered, images, generator).tolist():
        height, width = (int(v) for v in torch.randint(rows // 16, rows // 5, (2,), generator=generator))
        top = int(torch.randint(0, rows - height, (1,), generator=generator))
        left = int(torch.randint(0, cols - width, (1,), generator=generator))
        images[k, :, top : top + height, left : left + width] = torch.rand(1, generator=generator)
    return images
