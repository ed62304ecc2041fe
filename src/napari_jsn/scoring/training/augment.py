"""Random changes of joint images in training: place, size, exposure, sharpness and noise."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from napari_jsn.networks import augmentation
from napari_jsn.networks.canvas import pixel_points, sample_planes
from napari_jsn.scoring.crops.site_image import KEPT, SIDE

#: Standard deviations of the displacement in pixels, of the rotation in degrees, and of the logarithm of the size.
_SHIFT, _TURN, _SIZE = 3.0, 5.0, 0.06
#: Share of the images that are mirrored, blurred, and get a texture: of a real joint if there are some, or drawn.
_MIRRORED, _BLURRED, _REAL_TEXTURE, _DRAWN_TEXTURE = 0.5, 0.5, 0.35, 0.3
#: Standard deviation in pixels of the blur whose difference from a joint is its texture, and the most of it that
#: counts: outlines exceed it.
_COARSE, _MOST = 2.0, 0.08


def centred(images: Tensor) -> Tensor:
    """Return the middle (N, 96, 96) of kept images (N, 120, 120) of uint8, in [0, 1]."""
    first = (KEPT - SIDE) // 2
    return images[..., first : first + SIDE, first : first + SIDE].float() / 255


def textures_of(images: Tensor) -> Tensor:
    """Return the fine structure (N, 120, 120), of mean about 0, of kept images (N, 120, 120) of uint8."""
    planes = images[:, None].float() / 255
    reach = round(2.5 * _COARSE)
    return (planes - augmentation.blur(planes, torch.full((len(images),), _COARSE), reach))[:, 0].clamp(-_MOST, _MOST)


def augment(
    images: Tensor, generator: Generator, masks: Tensor | None = None, textures: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Return changed middles (N, 96, 96) of kept images (N, 120, 120) of uint8, in about [0, 1].

    Parameters
    ----------
    images, generator
    masks : (N, 60, 60) tensor, optional
        Moved in the same way: their middles (N, 96, 96) are returned too.
    textures : (T, 120, 120) tensor, optional
        Fine structure of real joints, which is added to images of all grades at random places: what real bones look
        like then says nothing about the grade.
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
    _add_textures(changed, generator, textures)
    changed = augmentation.shade(changed, generator, 0.08, 4)
    changed = augmentation.change_exposure(changed, generator, 0.3, (0.8, 1.2), 0.1)
    blurred = augmentation.choose(_BLURRED, count, generator)
    if len(blurred):
        sigmas = augmentation.uniform(0.3, 1.35, (len(blurred),), generator)
        changed[blurred] = augmentation.blur(changed[blurred], sigmas, 5)
    changed = augmentation.add_noise(changed, generator, 0.04)[:, 0]
    if masks is None:
        return changed, None
    moved = sample_planes(masks[:, None].float() / 255, places, "zeros", step=KEPT // masks.shape[-1])
    return changed, moved[:, 0]


def _add_textures(images: Tensor, generator: Generator, textures: Tensor | None) -> None:
    """Add textures of real joints, and drawn ones, to some of the images (N, 1, 96, 96), in place."""
    if textures is not None:
        for k in augmentation.choose(_REAL_TEXTURE, len(images), generator).tolist():
            which, top, left, turned = (
                int(torch.randint(0, most, (1,), generator=generator))
                for most in (len(textures), KEPT - SIDE + 1, KEPT - SIDE + 1, 8)
            )
            part = torch.rot90(textures[which, top : top + SIDE, left : left + SIDE], turned % 4)
            part = part.flip(0) if turned >= 4 else part
            images[k, 0] += augmentation.uniform(0.2, 1.2, (1,), generator) * part
    drawn = augmentation.choose(_DRAWN_TEXTURE, len(images), generator)
    if len(drawn):
        nodes = int(torch.randint(12, 40, (1,), generator=generator))
        fields = augmentation.smooth_field((len(drawn), 1), (SIDE, SIDE), nodes, generator)
        images[drawn] += augmentation.uniform(0.0, 0.05, (len(drawn), 1, 1, 1), generator) * fields
