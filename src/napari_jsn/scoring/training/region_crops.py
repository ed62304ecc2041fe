"""Regions around the joints of hands, on which the one-stage network learns to grade erosion."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, one_hot

from napari_jsn.networks.task import use_bfloat16
from napari_jsn.scoring.crops.site_image import KEPT, SIDE
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.regions import finger_axes, regions
from napari_jsn.scoring.training.augment import augment, centred
from napari_jsn.scoring.training.simulated_patients import MASK_STEP
from napari_jsn.scoring.two_stage.network import normalise
from napari_jsn.scoring.two_stage.ordinal import ordinal_loss

#: Standard deviation of the distance of a region's middle from the joint along each axis, in mm, beside the random
#: changes of all joint images: that of the places that the network finds.
_AWAY_MM = 0.6
#: Quantiles of a region that become black and white before it is changed.
_DARK, _BRIGHT = 0.01, 0.998
#: Weights of the loss of the eroded areas, and of an eroded pixel in it.
_AREAS, _ERODED = 2.0, 4.0


class HandBatch(NamedTuple):
    """Hands.

    Attributes
    ----------
    images, eroded : (B, H, W) tensor
        Hands, and the eroded share of each pixel; NaN where it is not known.
    centres : (B, 14, 2) tensor
        ``(x, y)`` of the joints.
    jsn, erosion : (B, 14) int tensor
        Grades; -1 where there is none.
    widths : (B, 14, 2) tensor
        Visible and healthy width in mm, or NaN.
    pixel_mm : (B,) tensor
    origin : (B, 2) tensor
        Place ``(x, y)`` of an image's first pixel on the canvas.
    """

    images: Tensor
    eroded: Tensor
    centres: Tensor
    jsn: Tensor
    erosion: Tensor
    widths: Tensor
    pixel_mm: Tensor
    origin: Tensor


class RegionCrops(NamedTuple):
    """Regions of joints with a grade of erosion.

    Attributes
    ----------
    images : (N, 1, 96, 96) tensor
        Normalised.
    areas : (N, 48, 48) tensor
        Eroded share of each block of 2 x 2 pixels; NaN where it is not known.
    joints, grades : (N,) int tensor
    """

    images: Tensor
    areas: Tensor
    joints: Tensor
    grades: Tensor


def region_crops(batch: HandBatch, generator: Generator | None) -> RegionCrops:
    """Return the regions of all joints with a grade of erosion whose centre is on the image.

    Parameters
    ----------
    batch : HandBatch
    generator : Generator or None
        Without it the joints lie in the middle, and nothing is changed.
    """
    rows, cols = batch.images.shape[1:]
    size = torch.tensor([cols, rows]).to(batch.centres)
    used = (batch.erosion >= 0) & ((batch.centres > -0.5) & (batch.centres < size - 0.5)).all(-1)
    hand, joint = torch.nonzero(used, as_tuple=True)
    if not len(hand):
        return RegionCrops(
            batch.images.new_empty(0, 1, SIDE, SIDE),
            batch.images.new_empty(0, SIDE // MASK_STEP, SIDE // MASK_STEP),
            joint,
            joint,
        )
    centres, axes = batch.centres[hand, joint], finger_axes(batch.centres)[hand, joint]
    if generator is not None:
        away = torch.randn(centres.shape, generator=generator).to(centres)
        centres = centres + _AWAY_MM / batch.pixel_mm[hand, None] * away
    planes = torch.stack([batch.images, batch.eroded], 1)
    kept = torch.cat(
        [regions(planes[k], centres[hand == k], axes[hand == k], joint[hand == k], KEPT) for k in range(len(planes))]
    )
    dark, bright = torch.quantile(kept[:, 0].flatten(1), torch.tensor([_DARK, _BRIGHT]).to(kept), dim=1)
    spread = (kept[:, 0] - dark[:, None, None]) / (bright - dark).clamp_min(1e-3)[:, None, None]
    images, masks = ((255 * each.clamp(0, 1)).round() for each in (spread, avg_pool2d(kept[:, 1:], MASK_STEP)[:, 0]))
    images = images.nan_to_num().to(torch.uint8)
    if generator is None:
        shown = centred(images)
        covered = torch.full_like(shown, torch.nan)
    else:
        changed, moved = augment(images.cpu(), generator, masks.cpu())
        assert moved is not None
        shown, covered = changed.to(kept), moved.to(kept)
    areas = avg_pool2d(covered[:, None], MASK_STEP)[:, 0]
    return RegionCrops(normalise(shown)[:, None], areas, joint, batch.erosion[hand, joint])


def region_loss(network: Any, crops: RegionCrops) -> Tensor:
    """Return the loss of the grades and of the eroded areas of a :class:`HandNet`."""
    device = crops.images.device
    if not len(crops.images):
        return torch.zeros((), device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=use_bfloat16(device)):
        logits, areas = network.of_regions(crops.images, crops.joints)
    truth = one_hot(crops.grades, HIGHEST["erosion"] + 1).float()
    total = ordinal_loss(logits.float(), truth).mean()
    known = torch.isfinite(crops.areas)
    if known.any():
        weight = torch.tensor(_ERODED, device=device)
        found = areas.float()[known]
        total = total + _AREAS * binary_cross_entropy_with_logits(found, crops.areas[known], pos_weight=weight)
    return total
