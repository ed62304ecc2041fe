"""Random changes of joint images in training: place, size, exposure, sharpness and noise."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from napari_jsn.networks import augmentation
from napari_jsn.networks.canvas import pixel_points, sample_planes
from napari_jsn.scoring.crops.site_image import KEPT, SIDE

#: Standard deviations of the displacement in pixels, of the rotation in degrees, and of the logarithm of the size.
_SHIFT, _TURN, _SIZE = 2.0, 3.0, 0.03
#: Share of the images that are mirrored, coarser, and noisier.
_MIRRORED, _BLURRED = 0.5, 0.3


def centred(images: Tensor) -> Tensor:
    """Return the middle (N, 96, 96) of kept images (N, 120, 120) of uint8, in [0, 1]."""
    first = (KEPT - SIDE) // 2
    return images[..., first : first + SIDE, first : first + SIDE].float() / 255


def augment(images: Tensor, generator: Generator, masks: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Return changed middles (N, 96, 96) of kept images (N, 120, 120) of uint8, in about [0, 1].

    Masks (N, 60, 60) are moved in the same way: their middles (N, 96, 96) are returned too.
    """
    count = len(images)
    turn = math.radians(_TURN) * torch.randn(count, generator=generator)
    size = torch.exp(_SIZE * torch.randn(count, generator=generator))
    shift = _SHIFT * torch.randn(count, 1, 1, 2, generator=generator).clamp(-2.5, 2.5)
    mirror = torch.where(torch.rand(count, generator=generator) < _MIRRORED, -1.0, 1.0)
    cos, sin = size * torch.cos(turn), size * torch.sin(turn)
    linear = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    points = pixel_points(SIDE, torch.empty(0)) - (SIDE - 1) / 2
    places = torch.einsum("nij,rcj->nrci", linear, points) + shift + (KEPT - 1) / 2
    changed = sample_planes(images[:, None].float() / 255, places)
    changed = augmentation.change_exposure(changed, generator, 0.15, (0.9, 1.1), 0.05)
    blurred = augmentation.choose(_BLURRED, count, generator)
    if len(blurred):
        sigmas = augmentation.uniform(0.2, 0.7, (len(blurred),), generator)
        changed[blurred] = augmentation.blur(changed[blurred], sigmas, 3)
    changed = augmentation.add_noise(changed, generator, 0.03)[:, 0]
    if masks is None:
        return changed, None
    moved = sample_planes(masks[:, None].float() / 255, places, "zeros", step=KEPT // masks.shape[-1])
    return changed, moved[:, 0]
