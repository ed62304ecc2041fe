"""Make of a batch of films what other machines, exposures and processing could have made of them."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

#: Shares of the films that are brighter in one place than in another, blurred, sharpened, coarse, noisy, textured, and
#: negative (bone dark).
SHADED, BLURRED, SHARPENED, COARSE, NOISY, TEXTURED, INVERTED = 0.35, 0.25, 0.3, 0.1, 0.5, 0.2, 0.2
#: Share of the films that are cut off at both ends of the grey scale.
BURNT = 0.2


def expose(images: Tensor, generator: Generator) -> Tensor:
    """Change grey levels (B, 1, H, W) in [0, 1] in every way that keeps the joints where they are."""
    one = (len(images), 1, 1, 1)
    images = images.clamp(0, 1) ** torch.exp(0.4 * torch.randn(one, generator=generator))
    images = images * _evenly(0.7, 1.4, one, generator) + _evenly(-0.15, 0.15, one, generator)
    for share, change in (
        (SHADED, _shade),
        (BLURRED, _soften),
        (SHARPENED, _sharpen),
        (COARSE, _coarsen),
        (TEXTURED, _texture),
        (NOISY, _grain),
    ):
        chosen = torch.nonzero(torch.rand(len(images), generator=generator) < share).flatten()
        if len(chosen):
            images[chosen] = change(images[chosen], generator)
    # most machines keep bones from the ends of their scale
    burnt = torch.rand(one, generator=generator) < BURNT
    images = torch.where(burnt, images.clamp(0, 1), images.clamp(-0.3, 1.6))
    inverted = torch.rand(one, generator=generator) < INVERTED
    return torch.where(inverted, 1 - images, images)


def _evenly(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def _shade(images: Tensor, generator: Generator) -> Tensor:
    coarse = 0.3 * torch.randn(len(images), 1, 4, 4, generator=generator)
    return images * torch.exp(interpolate(coarse, size=images.shape[-2:], mode="bicubic", align_corners=True))


def _soften(images: Tensor, generator: Generator) -> Tensor:
    return _blur(images, float(_evenly(0.4, 1.6, (1,), generator)))


def _sharpen(images: Tensor, generator: Generator) -> Tensor:
    """As machines do: fine detail stronger, large differences weaker."""
    smooth = _blur(images, float(_evenly(1.0, 6.0, (1,), generator)))
    strength = _evenly(0.5, 2.5, (len(images), 1, 1, 1), generator)
    weaker = _evenly(0.4, 1.0, (len(images), 1, 1, 1), generator)
    return weaker * smooth + (1 - weaker) * smooth.mean((2, 3), keepdim=True) + strength * (images - smooth)


def _coarsen(images: Tensor, generator: Generator) -> Tensor:
    size = int(torch.randint(images.shape[-1] // 2, images.shape[-1], (1,), generator=generator))
    small = interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    return interpolate(small, size=images.shape[-2:], mode="bilinear", align_corners=False)


def _texture(images: Tensor, generator: Generator) -> Tensor:
    """Grain of a few pixels, such as soft tissue and bone have."""
    size = int(torch.randint(images.shape[-1] // 8, images.shape[-1] // 2, (1,), generator=generator))
    noise = torch.randn(len(images), 1, size, size, generator=generator)
    noise = interpolate(noise, size=images.shape[-2:], mode="bilinear", align_corners=False)
    return images * torch.exp(_evenly(0.0, 0.15, (len(images), 1, 1, 1), generator) * noise)


def _grain(images: Tensor, generator: Generator) -> Tensor:
    noise = torch.randn(images.shape, generator=generator)
    half = len(images) // 2
    if half:
        noise[:half] = 2 * avg_pool2d(pad(noise[:half], (1, 1, 1, 1), mode="reflect"), 3, 1)
    return images + _evenly(0, 0.05, (len(images), 1, 1, 1), generator) * noise


def _blur(images: Tensor, sigma: float) -> Tensor:
    reach = max(1, int(2.5 * sigma + 0.5))
    at = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    planes = pad(images, (reach,) * 4, mode="reflect")
    return conv2d(conv2d(planes, kernel[None, None, :, None]), kernel[None, None, None, :])
