"""Change a batch of joint images at random: geometry together with the masks, then exposure, quality and objects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from napari_jsn.networks.augmentation import add_noise, blur, change_exposure, choose, coarsen, invert, shade, uniform


@dataclass(frozen=True)
class Augmentation:
    """How much images are changed; shares are probabilities per image.

    Attributes
    ----------
    rotation_deg, translation : float
        Largest absolute rotation, and translation as a share of the side.
    scale : (float, float)
        Range of the magnification, uniform in its logarithm.
    stretch : float
        Largest difference of the logarithm of the magnification between the two directions.
    gamma : float
        Standard deviation of the logarithm of gamma.
    shading : float
        Share of images that are brighter in one place than in another.
    blurred, coarse, noisy, inverted, covered : float
        Share of images that are blurred, of low resolution, noisy, negative (bone dark), and covered in part.
    """

    rotation_deg: float = 20.0
    translation: float = 0.1
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
    images: Tensor, masks: Tensor, generator: Generator, amounts: Augmentation | None = None
) -> tuple[Tensor, Tensor]:
    """Change images at random, and their masks with them.

    Parameters
    ----------
    images : (B, 1, H, W) float tensor
        Intensities in [0, 1].
    masks : (B, 2, H, W) float tensor
        Share of each pixel that belongs to the upper and the lower bone.
    generator : torch.Generator
        Source of the random numbers.
    amounts : Augmentation, optional

    Returns
    -------
    images, masks : tensors
        Of the same shapes.
    """
    amounts = amounts or Augmentation()
    images, masks = _transform(images, masks, generator, amounts)
    images = _expose(images, generator, amounts)
    images = _degrade(images, generator, amounts)
    return _cover(images, generator, amounts), masks


def _transform(images: Tensor, masks: Tensor, generator: Generator, amounts: Augmentation) -> tuple[Tensor, Tensor]:
    """Rotate, scale, translate and mirror left to right; border pixels are repeated outside."""
    count = (len(images),)
    angle = torch.deg2rad(uniform(-amounts.rotation_deg, amounts.rotation_deg, count, generator))
    scale = torch.exp(uniform(math.log(amounts.scale[0]), math.log(amounts.scale[1]), count, generator))
    stretch = torch.exp(uniform(-amounts.stretch / 2, amounts.stretch / 2, count, generator))
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    translation = 2 * uniform(-amounts.translation, amounts.translation, (2, *count), generator)
    across, along = mirror * stretch / scale, 1 / (stretch * scale)
    rows = [torch.cos(angle) * across, -torch.sin(angle) * along, translation[0]]
    rows += [torch.sin(angle) * across, torch.cos(angle) * along, translation[1]]
    grid = affine_grid(torch.stack(rows, 1).reshape(-1, 2, 3), list(images.shape), align_corners=False)
    both = grid_sample(torch.cat([images, masks], 1), grid, padding_mode="border", align_corners=False)
    return both[:, :1], both[:, 1:]


def _expose(images: Tensor, generator: Generator, amounts: Augmentation) -> Tensor:
    """Change gamma, gain, offset and shading; make some images negative."""
    images = change_exposure(images, generator, amounts.gamma, gain=(0.6, 1.3), offset=0.1)
    shaded = choose(amounts.shading, len(images), generator)
    if len(shaded):
        images[shaded] = shade(images[shaded], generator, sd=0.15, nodes=3)
    return invert(images.clamp(0, 1), generator, amounts.inverted)


def _degrade(images: Tensor, generator: Generator, amounts: Augmentation) -> Tensor:
    """Blur, reduce the resolution, and add noise."""
    blurred = choose(amounts.blurred, len(images), generator)
    if len(blurred):
        images[blurred] = blur(images[blurred], uniform(0.3, 1.5, (len(blurred),), generator), reach=4)
    coarse = choose(amounts.coarse, len(images), generator)
    if len(coarse):
        images[coarse] = coarsen(images[coarse], generator, smallest=images.shape[-1] // 3)
    noisy = choose(amounts.noisy, len(images), generator)
    if len(noisy):
        images[noisy] = add_noise(images[noisy], generator, largest=0.06)
    return images


def _cover(images: Tensor, generator: Generator, amounts: Augmentation) -> Tensor:
    """Draw a uniform rectangle over a part, as letters, markers and rings do; the bone under it keeps its mask."""
    rows, cols = images.shape[-2:]
    for k in choose(amounts.covered, len(images), generator).tolist():
        height, width = (int(v) for v in torch.randint(rows // 16, rows // 5, (2,), generator=generator))
        top = int(torch.randint(0, rows - height, (1,), generator=generator))
        left = int(torch.randint(0, cols - width, (1,), generator=generator))
        images[k, :, top : top + height, left : left + width] = torch.rand(1, generator=generator)
    return images
