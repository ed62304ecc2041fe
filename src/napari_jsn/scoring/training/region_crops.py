"""Regions around the joints of hands, on which the one-stage network learns to grade them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.functional import avg_pool2d, one_hot

from napari_jsn.scoring.crops.site_image import KEPT, SIDE
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.network import HandNet, of_left_hands
from napari_jsn.scoring.one_stage.regions import finger_axes, regions
from napari_jsn.scoring.training.augment import augment, centred
from napari_jsn.scoring.training.batches import Batch
from napari_jsn.scoring.training.loss import patient_loss
from napari_jsn.scoring.training.simulated_patients import MASK_STEP
from napari_jsn.scoring.two_stage.network import BLOCK, normalise

#: Standard deviation of the distance of a region's middle from the joint along each axis, in mm, beside the random
#: changes of all joint images: that of the places that the network finds.
_AWAY_MM = 0.6
#: Quantiles of a region that become black and white before it is changed.
_DARK, _BRIGHT = 0.01, 0.998


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


def region_crops(hands: HandBatch, generator: Generator | None) -> Batch:
    """Return the regions of all joints with a grade whose centre is on the image, as left hands of patients.

    Parameters
    ----------
    hands : HandBatch
    generator : Generator or None
        Without it the joints lie in the middle, and nothing is changed.
    """
    rows, cols = hands.images.shape[1:]
    size = torch.tensor([cols, rows]).to(hands.centres)
    graded = (hands.jsn >= 0) | (hands.erosion >= 0)
    used = graded & ((hands.centres > -0.5) & (hands.centres < size - 0.5)).all(-1)
    images = hands.images.new_zeros(*used.shape, SIDE, SIDE)
    areas = torch.full_like(images[..., ::BLOCK, ::BLOCK], torch.nan)
    if used.any():
        images[used], areas[used] = _cut(hands, used, generator)
    jsn, erosion = (
        one_hot(each.clamp_min(0), HIGHEST[kind] + 1).float() * (each >= 0)[..., None]
        for kind, each in (("jsn", hands.jsn), ("erosion", hands.erosion))
    )
    scored = torch.full_like(hands.centres[..., 0], torch.nan)
    return Batch(*(of_left_hands(each) for each in (images, used, jsn, erosion, scored, hands.widths, areas)))


def region_loss(network: HandNet, crops: Batch) -> Tensor:
    """Return the loss of the grades of regions; see :func:`~napari_jsn.scoring.training.loss.patient_loss`."""
    if not crops.there.any():
        return crops.images.new_zeros(())
    return patient_loss(network.regions, crops, {kind: torch.ones(n + 1) for kind, n in HIGHEST.items()}, {})


def _cut(hands: HandBatch, used: Tensor, generator: Generator | None) -> tuple[Tensor, Tensor]:
    """Return the regions (N, 96, 96) of the N joints that are used, normalised, and their eroded areas (N, 48, 48)."""
    hand, joint = torch.nonzero(used, as_tuple=True)
    centres, axes = hands.centres[hand, joint], finger_axes(hands.centres)[hand, joint]
    if generator is not None:
        away = torch.randn(centres.shape, generator=generator).to(centres)
        centres = centres + _AWAY_MM / hands.pixel_mm[hand, None] * away
    planes = torch.stack([hands.images, hands.eroded], 1)
    kept = torch.cat(
        [regions(planes[k], centres[hand == k], axes[hand == k], joint[hand == k], KEPT) for k in range(len(planes))]
    )
    dark, bright = torch.quantile(kept[:, 0].flatten(1), torch.tensor([_DARK, _BRIGHT]).to(kept), dim=1)
    spread = (kept[:, 0] - dark[:, None, None]) / (bright - dark).clamp_min(1e-3)[:, None, None]
    images, masks = ((255 * each.clamp(0, 1)).round() for each in (spread, avg_pool2d(kept[:, 1:], MASK_STEP)[:, 0]))
    images = images.nan_to_num().to(torch.uint8)
    if generator is None:
        return normalise(centred(images)), kept.new_full((len(kept), SIDE // BLOCK, SIDE // BLOCK), torch.nan)
    changed, moved = augment(images.cpu(), generator, masks.cpu())
    assert moved is not None
    return normalise(changed.to(kept)), avg_pool2d(moved.to(kept)[:, None], BLOCK)[:, 0]
