"""Make batches of pairs with known motion: each bone moves by its own similarity, and the exposure changes.

:mod:`napari_jsn.evaluation.registration.known_motion` makes single pairs; these are faster, with changed masks and a
wider range of motion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d

from napari_jsn.networks.augmentation import smooth_field, uniform
from napari_jsn.networks.canvas import pixel_points, sample_planes
from napari_jsn.registration.network.maps import similarities_about, transform_points


@dataclass(frozen=True)
class MotionAmounts:
    """How far bones move and how much images change.

    Attributes
    ----------
    rotation_deg, scale : float
        Standard deviations, of each bone about its own centre.
    translation_px : float
        Largest absolute translation common to both bones.
    relative_px : float
        Largest absolute translation of one bone, added to the common one.
    common_scale : float
        Largest absolute scale change of both bones in some pairs: a wrong pixel size.
    small : float
        Share of the pairs that move by a quarter of all this.
    roll_px : float
        Largest displacement of the smooth roll field inside a bone.
    noise : float
        Largest standard deviation, as a share of the range of intensities.
    mask_px : float
        Standard deviation of the displacement of an outline, and of its unevenness.
    """

    rotation_deg: float = 11.0
    scale: float = 0.06
    translation_px: float = 20.0
    relative_px: float = 3.0
    common_scale: float = 0.15
    small: float = 0.4
    roll_px: float = 1.5
    noise: float = 0.05
    mask_px: float = 0.7


@dataclass(frozen=True)
class SourceImages:
    """Joint images to make pairs of.

    Attributes
    ----------
    intensities : (B, S, S) tensor
        In [0, 1].
    distances : (B, 2, S, S) tensor
        From each bone's outline in pixels, negative inside.
    """

    intensities: Tensor
    distances: Tensor


def make_pairs(
    fixed: SourceImages, moving: SourceImages, between: Tensor, generator: Generator, amounts: MotionAmounts
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Move the bones of pairs at random and change the exposure.

    Parameters
    ----------
    fixed, moving : SourceImages
        The same image twice, or two visits.
    between : (B, 2, 3, 3) tensor
        Maps of the bones from the fixed to the moving source.
    generator : torch.Generator
    amounts : MotionAmounts

    Returns
    -------
    fixed, moving : (B, 1, S, S) tensors
    fixed_masks, moving_masks : (B, 2, S, S) tensors
    maps : (B, 2, 3, 3) tensor
        Maps of the bones from the fixed to the moving image.
    """
    count, side = fixed.intensities.shape[:2]
    crop = _random_crops(count, side, generator)
    common = torch.stack([crop, crop], 1)
    fixed_image, fixed_distances = _render(fixed, common, torch.zeros(count, 2, side, side))
    motions = _random_motions((fixed_distances < 0).float(), generator, amounts)
    roll_px = amounts.roll_px * uniform(0, 1, (count,), generator) * (torch.rand(count, generator=generator) < 0.6)
    roll = _random_field((count, 2), side, 8.0, generator) * roll_px[:, None, None, None]
    moving_image, moving_distances = _render(moving, motions @ common, roll)
    maps = motions @ common @ between @ torch.linalg.inv(common)
    images = [
        _expose(image, generator, share * amounts.noise)[:, None]
        for image, share in ((fixed_image, 0.6), (moving_image, 1.0))
    ]
    masks = [_redraw(distances, generator, amounts.mask_px) for distances in (fixed_distances, moving_distances)]
    return images[0], images[1], masks[0], masks[1], maps


def _random_crops(count: int, side: int, generator: Generator) -> Tensor:
    """Draw how the joint is cut out, (B, 3, 3): rotation, scale, translation, mirroring."""
    centre = torch.full((count, 2), (side - 1) / 2)
    angle = torch.deg2rad(uniform(-10, 10, (count,), generator))
    scale = torch.exp(uniform(math.log(0.9), math.log(1.2), (count,), generator))
    translation = 12 * (torch.rand(count, 2, generator=generator) - 0.5)
    crop = similarities_about(centre, scale, angle, translation)
    mirror = torch.eye(3).repeat(count, 1, 1)
    mirrored = torch.rand(count, generator=generator) < 0.5
    mirror[mirrored, 0, 0], mirror[mirrored, 0, 2] = -1.0, float(side - 1)
    return crop @ mirror


def _random_motions(masks: Tensor, generator: Generator, amounts: MotionAmounts) -> Tensor:
    """Draw the motion of each bone, (B, 2, 3, 3): rotation and scale about its centre, common and own translation."""
    count, side = masks.shape[0], masks.shape[-1]
    size = masks.sum((2, 3)).clamp_min(1)
    steps = torch.arange(side, dtype=torch.float32)
    centre = torch.stack([masks.sum(2) @ steps, masks.sum(3) @ steps], -1) / size[..., None]
    share = torch.where(torch.rand(count, 1, generator=generator) < amounts.small, 0.25, 1.0)
    angle = torch.deg2rad(amounts.rotation_deg * share * torch.randn(count, 2, generator=generator)).clamp(-0.6, 0.6)
    scale = amounts.scale * share * torch.randn(count, 2, generator=generator)
    wrong_size = (torch.rand(count, 1, generator=generator) < 0.3) * amounts.common_scale * share
    scale = scale + wrong_size * (2 * torch.rand(count, 1, generator=generator) - 1)
    share = share[..., None]
    translation = amounts.translation_px * share * (2 * torch.rand(count, 1, 2, generator=generator) - 1)
    translation = translation + amounts.relative_px * share * (2 * torch.rand(count, 2, 2, generator=generator) - 1)
    return similarities_about(centre, torch.exp(scale.clamp(-0.25, 0.25)), angle, translation)


def _render(source: SourceImages, maps: Tensor, roll: Tensor) -> tuple[Tensor, Tensor]:
    """Render images and distances after each bone has moved by its map (B, 2, 3, 3).

    Between and beside the bones the displacement is interpolated by distance, so that it is continuous.
    """
    side = source.intensities.shape[-1]
    inverse = torch.linalg.inv(maps).flatten(0, 1)
    points = pixel_points(side, source.intensities).expand(len(inverse), -1, -1, -1)
    origin = transform_points(points, inverse[:, :2, :2], inverse[:, :2, 2]).unflatten(0, (-1, 2))
    origin = torch.stack([origin[..., 0] + roll, origin[..., 1]], -1)
    distances = sample_planes(source.distances.flatten(0, 1)[:, None], origin.flatten(0, 1))
    distances = distances.view(-1, 2, side, side)
    weights = (distances.clamp_min(0) + 1e-3) ** 4  # the high power keeps each bone's edge with the bone
    share = (weights[:, 1] / (weights[:, 0] + weights[:, 1]))[..., None]
    origin = share * origin[:, 0] + (1 - share) * origin[:, 1]
    image = sample_planes(source.intensities[:, None], origin, mode="bicubic")
    return image[:, 0].clamp(0, 1), distances


def _random_field(shape: tuple[int, ...], side: int, length_px: float, generator: Generator) -> Tensor:
    """Draw smooth fields (*shape, side, side) of about unit standard deviation and that correlation length."""
    nodes = max(3, round(side / (2 * length_px)) + 1)
    return 1.3 * smooth_field(shape, (side, side), nodes, generator)


def _expose(images: Tensor, generator: Generator, noise: float) -> Tensor:
    """Change gamma, shading, gain and offset; add noise of fine or coarse grain."""
    count, side = images.shape[:2]

    def each(low: float, high: float) -> Tensor:
        return uniform(low, high, (count,), generator)[:, None, None]

    images = images ** torch.exp(each(-0.3, 0.3))
    shading = 1 + 0.05 * _random_field((count,), side, 16.0, generator)
    images = images * shading * each(0.7, 1.15) + each(-0.08, 0.08)
    grain = torch.randn(images.shape, generator=generator)
    coarse = torch.rand(count, generator=generator) < 0.3
    grain[coarse] = 2 * avg_pool2d(grain[coarse][:, None], 3, 1, 1)[:, 0]
    return (images + noise * each(0, 1).square() ** 0.75 * grain).clamp(0, 1)


def _redraw(distances: Tensor, generator: Generator, mask_px: float) -> Tensor:
    """Make masks from distances as another reader could draw them: a little wider or tighter, and uneven."""
    count, side = len(distances), distances.shape[-1]
    offset = mask_px * torch.randn(count, 2, 1, 1, generator=generator)
    uneven = mask_px * _random_field((count, 2), side, 5.0, generator)
    displacement = (torch.rand(count, 1, 1, 1, generator=generator) < 0.85) * (offset + uneven)
    return (0.5 - distances - displacement).clamp(0, 1)
