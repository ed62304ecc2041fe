"""Pairs whose motion is known, made in batches: each bone moves by a similarity of its own, and the exposure changes.

As :mod:`napari_jsn.evaluation.registration.known_motion` does one by one, but fast, with new masks and a wider range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate


@dataclass(frozen=True)
class Amounts:
    """How far bones move and images change; angles and scales are standard deviations, shifts reach both ways.

    Attributes
    ----------
    turn_deg, scale, shift_px : float
        Of a bone about its own middle; shifts are common to both bones.
    relative_px : float
        Of one bone against the other.
    common_scale : float
        Of both bones, at most, in some pairs: a wrong pixel size.
    small : float
        Share of the pairs that move by a quarter of all this.
    roll_px : float
        Of the smooth sideways field inside a bone, at most.
    noise : float
        At most, as a share of the grey range.
    mask_px : float
        How far outlines lie off, and how uneven they are.
    """

    turn_deg: float = 11.0
    scale: float = 0.06
    shift_px: float = 20.0
    relative_px: float = 3.0
    common_scale: float = 0.15
    small: float = 0.4
    roll_px: float = 1.5
    noise: float = 0.05
    mask_px: float = 0.7


@dataclass(frozen=True)
class Sources:
    """Joint images to make pairs of.

    ``grey`` (B, S, S) is in [0, 1], ``outside`` (B, 2, S, S) the distance from each bone's outline in pixels, negative
    inside.
    """

    grey: Tensor
    outside: Tensor


def make_pairs(
    fixed: Sources, moving: Sources, between: Tensor, chance: Generator, amounts: Amounts
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Move and expose pairs anew.

    Parameters
    ----------
    fixed, moving : Sources
        The same image twice, or two visits.
    between : (B, 2, 3, 3) tensor
        Where each bone of the fixed image lies in the moving one.
    chance : torch.Generator
    amounts : Amounts

    Returns
    -------
    fixed, moving : (B, 1, S, S) tensors
    fixed_masks, moving_masks : (B, 2, S, S) tensors
    maps : (B, 2, 3, 3) tensor
        Where each bone lies now.
    """
    count, side = fixed.grey.shape[:2]
    crop = _crops(count, side, chance)
    common = torch.stack([crop, crop], 1)
    here, fixed_outside = _render(fixed, common, torch.zeros(count, 2, side, side))
    moved = _motions((fixed_outside < 0).float(), chance, amounts)
    most = amounts.roll_px * _evenly(count, chance) * (torch.rand(count, generator=chance) < 0.6)
    roll = _field((count, 2), side, 8.0, chance) * most[:, None, None, None]
    there, moving_outside = _render(moving, moved @ common, roll)
    maps = moved @ common @ between @ torch.linalg.inv(common)
    images = [_expose(image, chance, share * amounts.noise)[:, None] for image, share in ((here, 0.6), (there, 1.0))]
    masks = [_outlined(outside, chance, amounts.mask_px) for outside in (fixed_outside, moving_outside)]
    return images[0], images[1], masks[0], masks[1], maps


def _evenly(count: int, chance: Generator, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=chance)


def similarity_about(centre: Tensor, scale: Tensor, turn: Tensor, shift: Tensor) -> Tensor:
    """(..., 3, 3) matrices that scale and turn about a centre (..., 2), then shift (..., 2)."""
    cos, sin = scale * torch.cos(turn), scale * torch.sin(turn)
    linear = torch.stack([cos, -sin, sin, cos], -1).unflatten(-1, (2, 2))
    matrix = torch.eye(3).repeat(*centre.shape[:-1], 1, 1)
    matrix[..., :2, :2] = linear
    matrix[..., :2, 2] = centre + shift - (linear @ centre[..., None])[..., 0]
    return matrix


def _crops(count: int, side: int, chance: Generator) -> Tensor:
    """How else the joint could have been cut out, (B, 3, 3): turned, magnified, shifted, mirrored."""
    centre = torch.full((count, 2), (side - 1) / 2)
    turn = torch.deg2rad(_evenly(count, chance, -10, 10))
    scale = torch.exp(_evenly(count, chance, math.log(0.9), math.log(1.2)))
    shift = 12 * (torch.rand(count, 2, generator=chance) - 0.5)
    crop = similarity_about(centre, scale, turn, shift)
    mirror = torch.eye(3).repeat(count, 1, 1)
    mirrored = torch.rand(count, generator=chance) < 0.5
    mirror[mirrored, 0, 0], mirror[mirrored, 0, 2] = -1.0, float(side - 1)
    return crop @ mirror


def _motions(masks: Tensor, chance: Generator, amounts: Amounts) -> Tensor:
    """(B, 2, 3, 3): each bone's own turn and scale about its own middle, a common and an own shift."""
    count, side = masks.shape[0], masks.shape[-1]
    size = masks.sum((2, 3)).clamp_min(1)
    at = torch.arange(side, dtype=torch.float32)
    centre = torch.stack([masks.sum(2) @ at, masks.sum(3) @ at], -1) / size[..., None]
    share = torch.where(torch.rand(count, 1, generator=chance) < amounts.small, 0.25, 1.0)
    turn = torch.deg2rad(amounts.turn_deg * share * torch.randn(count, 2, generator=chance)).clamp(-0.6, 0.6)
    scale = amounts.scale * share * torch.randn(count, 2, generator=chance)
    wrong_size = (torch.rand(count, 1, generator=chance) < 0.3) * amounts.common_scale * share
    scale = scale + wrong_size * (2 * torch.rand(count, 1, generator=chance) - 1)
    shift = amounts.shift_px * share[..., None] * (2 * torch.rand(count, 1, 2, generator=chance) - 1)
    shift = shift + amounts.relative_px * share[..., None] * (2 * torch.rand(count, 2, 2, generator=chance) - 1)
    return similarity_about(centre, torch.exp(scale.clamp(-0.25, 0.25)), turn, shift)


def _render(source: Sources, maps: Tensor, roll: Tensor) -> tuple[Tensor, Tensor]:
    """Images and distances with each bone where its map (B, 2, 3, 3) takes it.

    Between and beside the bones the displacement is interpolated by distance, so that nothing tears.
    """
    side = source.grey.shape[-1]
    back = torch.linalg.inv(maps)[:, :, :2]
    at = torch.arange(side, dtype=torch.float32)
    points = torch.stack([*torch.meshgrid(at, at, indexing="xy"), torch.ones(side, side)], -1).flatten(0, 1)
    origin = (points @ back.flatten(0, 1).transpose(1, 2)).view(-1, 2, side, side, 2)
    origin = torch.stack([origin[..., 0] + roll, origin[..., 1]], -1)
    grid = (2 * origin + 1) / side - 1
    outside = grid_sample(
        source.outside.flatten(0, 1)[:, None], grid.flatten(0, 1), padding_mode="border", align_corners=False
    ).view(-1, 2, side, side)
    away = (outside.clamp_min(0) + 1e-3) ** 4  # a high power keeps each bone's edge with the bone
    share = (away[:, 1] / (away[:, 0] + away[:, 1]))[..., None]
    grid = share * grid[:, 0] + (1 - share) * grid[:, 1]
    grey = grid_sample(source.grey[:, None], grid, "bicubic", padding_mode="border", align_corners=False)
    return grey[:, 0].clamp(0, 1), outside


def _field(shape: tuple[int, ...], side: int, length_px: float, chance: Generator) -> Tensor:
    """Smooth random fields (*shape, side, side) of about unit deviation, alike over about that length."""
    nodes = max(3, round(side / (2 * length_px)) + 1)
    coarse = torch.randn(math.prod(shape), 1, nodes, nodes, generator=chance)
    return 1.3 * interpolate(coarse, (side, side), mode="bicubic", align_corners=True).view(*shape, side, side)


def _expose(images: Tensor, chance: Generator, noise: float) -> Tensor:
    """Another curve, window and light; noise of fine or coarse grain."""
    count, side = images.shape[:2]

    def each(low: float, high: float) -> Tensor:
        return _evenly(count, chance, low, high)[:, None, None]

    images = images ** torch.exp(each(-0.3, 0.3))
    light = 1 + 0.05 * _field((count,), side, 16.0, chance)
    images = images * light * each(0.7, 1.15) + each(-0.08, 0.08)
    grain = torch.randn(images.shape, generator=chance)
    coarse = torch.rand(count, generator=chance) < 0.3
    grain[coarse] = 2 * avg_pool2d(grain[coarse][:, None], 3, 1, 1)[:, 0]
    return (images + noise * each(0, 1).square() ** 0.75 * grain).clamp(0, 1)


def _outlined(outside: Tensor, chance: Generator, mask_px: float) -> Tensor:
    """Masks from distances, drawn by another hand: a little wider or tighter, and uneven."""
    count, side = len(outside), outside.shape[-1]
    off = mask_px * torch.randn(count, 2, 1, 1, generator=chance)
    uneven = mask_px * _field((count, 2), side, 5.0, chance)
    drawn = (torch.rand(count, 1, 1, 1, generator=chance) < 0.85) * (off + uneven)
    return (0.5 - outside - drawn).clamp(0, 1)
