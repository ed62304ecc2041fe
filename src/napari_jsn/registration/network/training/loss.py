"""Losses of registration: the distance of the bones' points from the truth, and the similarity of the images."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_jsn.networks.canvas import pixel_points, sample_planes
from napari_jsn.networks.task import use_bfloat16
from napari_jsn.registration.network.maps import linear_part, transform_points
from napari_jsn.registration.network.pose_net import BoneCrops, PoseNet, bone_crops

#: Error of the map that a refinement step starts from, in pixels: uniform in its logarithm, for coarse and fine steps.
_START_ERROR_PX = ((0.5, 10.0), (0.1, 5.0))
#: Share of the coarse steps that start from the identity.
_IDENTITY_START = 0.6
#: Scale and rotation have the same error as translations at this distance, in pixels.
_LEVER_PX = 30.0
#: Weights of the corrections at single places and of the images' correlation, beside that of the map; and of the
#: coarse step.
_PLACES, _NCC, _COARSE = 0.2, 0.5, 0.5
#: Errors below this number of pixels count by their square.
_SMOOTH_PX = (0.2, 0.1)


def refinement_loss(network: PoseNet, batch: Any, random: bool = True) -> Tensor:
    """Return the loss of a coarse and of a fine refinement step, each from a map with a random error.

    Parameters
    ----------
    network : PoseNet
    batch : fixed, moving, fixed_masks, moving_masks, maps, known
        The maps are true where ``known``; elsewhere they are about right, and only the correlation of the images is
        trained on.
    random : bool
        False for validation: the random numbers are the same every time.
    """
    fixed, moving, fixed_masks, moving_masks, maps, known = batch
    crops = bone_crops(fixed, moving, fixed_masks, moving_masks)
    truth = crops.from_matrices(maps.flatten(0, 1))
    known = known.repeat_interleave(2)
    generator = torch.Generator()
    generator.manual_seed(int(torch.randint(2**62, (1,))) if random else 5)
    total = fixed.new_zeros(())
    bfloat16 = use_bfloat16(fixed.device)
    for level in (0, 1):
        linear, offset = _start(crops, truth, level, generator)
        step = network.refine(crops, level, linear, offset, bfloat16)
        true_places = transform_points(step.places, *truth)
        mapped_places = transform_points(step.places, step.linear, step.offset)
        corrected_places = transform_points(step.places + step.corrections, linear, offset)
        smooth_px = _SMOOTH_PX[level]
        error = _mean(_distance(mapped_places - true_places, smooth_px), step.weight) * known
        place_error = _mean(_distance(corrected_places - true_places, smooth_px), step.weight) * known
        each = error + _PLACES * place_error + _NCC * (1 - network.ncc(crops, step, level))
        total = total + each.mean() * (_COARSE if level == 0 else 1.0)
    return total


def _start(
    crops: BoneCrops, truth: tuple[Tensor, Tensor], level: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the maps to start from: the truth after a small random similarity, or (coarse) the identity."""
    count, device = len(crops.centre), crops.centre.device
    low, high = (torch.tensor(each).log() for each in _START_ERROR_PX[level])
    size = torch.exp(low + (high - low) * torch.rand(count, 1, generator=generator))
    scale, angle, x, y = (size * torch.randn(count, 4, generator=generator)).to(device).unbind(1)
    scale, angle = (scale / _LEVER_PX).clamp(-0.3, 0.3), (angle / _LEVER_PX).clamp(-0.5, 0.5)
    linear, offset = truth[0] @ linear_part(1 + scale, angle), truth[1] + torch.stack([x, y], -1)
    if level == 0:
        from_identity = (torch.rand(count, generator=generator) < _IDENTITY_START).to(device)
        identity = crops.identity()
        linear = torch.where(from_identity[:, None, None], identity[0], linear)
        offset = torch.where(from_identity[:, None], identity[1], offset)
    return linear, offset


def _distance(difference: Tensor, smooth_px: float) -> Tensor:
    return (difference.square().sum(-1) + smooth_px**2).sqrt() - smooth_px


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum(1) / weight.sum(1).clamp_min(1e-3)


def masked_loss(maps: Tensor, batch: Any) -> Tensor:
    """Return the mean squared difference (B,) inside the masks, half for each bone (Eq. 5-6)."""
    fixed, moving, fixed_masks = batch[0], batch[1], batch[2]
    squared = (_transformed_by_each(maps, moving) - fixed).square()
    return ((squared * fixed_masks).sum((2, 3)) / fixed_masks.sum((2, 3)).clamp_min(1)).mean(1)


def transformed_image(maps: Tensor, moving: Tensor, fixed_masks: Tensor) -> Tensor:
    """Return the moving image (B, S, S) through each bone's map, each in its own region (Eq. 2-4)."""
    side = moving.shape[-1]
    both = _transformed_by_each(maps, moving)
    upper = fixed_masks[:, :1] / (fixed_masks.sum(1, keepdim=True)).clamp_min(1e-3)
    upper_half = torch.arange(side).to(moving)[:, None] < side / 2
    upper = torch.where(fixed_masks.sum(1, keepdim=True) > 0, upper, upper_half.to(upper))
    return (upper[:, 0] * both[:, 0]) + (1 - upper[:, 0]) * both[:, 1]


def _transformed_by_each(maps: Tensor, moving: Tensor) -> Tensor:
    """Return the moving images (B, 2, S, S) through the map of the upper and of the lower bone."""
    side = moving.shape[-1]
    flat = maps.flatten(0, 1)
    points = pixel_points(side, moving).expand(len(flat), -1, -1, -1)
    points = transform_points(points, flat[:, :2, :2], flat[:, :2, 2])
    return sample_planes(moving.repeat_interleave(2, 0), points).view(-1, 2, side, side)
