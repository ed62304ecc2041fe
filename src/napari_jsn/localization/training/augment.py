"""Change the exposure and processing of a batch of training squares at random."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from napari_jsn.networks.augmentation import add_noise, blur, change_exposure, choose, coarsen, invert, shade, uniform

#: Shares of the images that are shaded, blurred, sharpened, of low resolution, noisy, textured, and negative.
SHADED, BLURRED, SHARPENED, COARSE, NOISY, TEXTURED, INVERTED = 0.35, 0.25, 0.3, 0.1, 0.5, 0.2, 0.2
#: Share of the images whose intensities are cut off at both ends of the range; most machines avoid that.
CLIPPED = 0.2


def augment(images: Tensor, generator: Generator) -> Tensor:
    """Change the intensities of images (B, 1, H, W) in [0, 1]; every joint stays in its place."""
    images = change_exposure(images, generator, gamma_sd=0.4, gain=(0.7, 1.4), offset=0.15)
    for share, change in (
        (SHADED, lambda some, generator: shade(some, generator, sd=0.3, nodes=4)),
        (BLURRED, _blur),
        (SHARPENED, _sharpen),
        (COARSE, lambda some, generator: coarsen(some, generator, smallest=some.shape[-1] // 2)),
        (TEXTURED, _add_texture),
        (NOISY, lambda some, generator: add_noise(some, generator, largest=0.05)),
    ):
        chosen = choose(share, len(images), generator)
        if len(chosen):
            images[chosen] = change(images[chosen], generator)
    clipped = torch.rand((len(images), 1, 1, 1), generator=generator) < CLIPPED
    images = torch.where(clipped, images.clamp(0, 1), images.clamp(-0.3, 1.6))
    return invert(images, generator, INVERTED)


def _blur(images: Tensor, generator: Generator) -> Tensor:
    return _blur_all(images, float(uniform(0.4, 1.6, (1,), generator)))


def _sharpen(images: Tensor, generator: Generator) -> Tensor:
    """Amplify fine detail and attenuate large differences, as the processing of X-ray machines does."""
    smooth = _blur_all(images, float(uniform(1.0, 6.0, (1,), generator)))
    amplified = uniform(0.5, 2.5, (len(images), 1, 1, 1), generator)
    attenuated = uniform(0.4, 1.0, (len(images), 1, 1, 1), generator)
    mean = smooth.mean((2, 3), keepdim=True)
    return attenuated * smooth + (1 - attenuated) * mean + amplified * (images - smooth)


def _blur_all(images: Tensor, sigma: float) -> Tensor:
    return blur(images, torch.full((len(images),), sigma), reach=max(1, int(2.5 * sigma + 0.5)))


def _add_texture(images: Tensor, generator: Generator) -> Tensor:
    """Multiply by grain of a few pixels, like that of soft tissue and bone."""
    size = int(torch.randint(images.shape[-1] // 8, images.shape[-1] // 2, (1,), generator=generator))
    noise = torch.randn(len(images), 1, size, size, generator=generator)
    noise = interpolate(noise, size=images.shape[-2:], mode="bilinear", align_corners=False)
    return images * torch.exp(uniform(0.0, 0.15, (len(images), 1, 1, 1), generator) * noise)
