"""Batches of patients to train the two-stage networks on, changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, one_hot

from napari_jsn.anatomy import JOINTS
from napari_jsn.scoring.crops.site_image import KEPT, SIDE
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES
from napari_jsn.scoring.training.augment import USUAL, Changes, augment, centred
from napari_jsn.scoring.training.simulated_patients import MASK_STEP, GradedPatients
from napari_jsn.scoring.two_stage.network import BLOCK, TOKENS, normalise

#: Share of the patients of whom one hand is shown, and of the joints that are left out.
_ONE_HAND, _WITHOUT = 0.3, 0.1
#: Limits of the widths that are learned, in mm.
WIDTH_MM = (-1.0, 3.0)


class Batch(NamedTuple):
    """Patients as tensors.

    Attributes
    ----------
    images : (B, 28, 96, 96) tensor
    there : (B, 28) bool tensor
    jsn, erosion : (B, 28, K + 1) tensor
        Probability of each grade; all 0 where the grade is not known.
    scored : (B, 28) tensor
        Whether the joint can be graded; NaN where that is not known.
    widths : (B, 28, 2) tensor
        Visible and healthy width in mm, or NaN.
    areas : (B, 28, 48, 48) tensor
        Eroded share of each block of 2 x 2 pixels; NaN where it is not known.
    kept : (B, 28, 120, 120) uint8 tensor or None
        The images before they were cut, where they were not changed at random.
    again : (B, 28, 96, 96) tensor or None
        The same joints, changed at random in another way.
    """

    images: Tensor
    there: Tensor
    jsn: Tensor
    erosion: Tensor
    scored: Tensor
    widths: Tensor
    areas: Tensor
    kept: Tensor | None = None
    again: Tensor | None = None


def batch_of(
    patients: Sequence[tuple[GradedPatients, int]],
    rng: np.random.Generator | None = None,
    generator: torch.Generator | None = None,
    textures: Tensor | None = None,
    changes: Changes = USUAL,
    twice: bool = False,
) -> Batch:
    """Return patients as tensors, changed at random if there are random generators.

    Parameters
    ----------
    patients : sequence of (GradedPatients, int)
        Each with its number among them.
    rng, generator
    textures : (T, 120, 120) tensor, optional
        See :func:`~napari_jsn.scoring.training.augment.textures_of`.
    changes : Changes
    twice : bool
        Whether to change the images in a second way too.
    """
    images = torch.from_numpy(
        np.stack([each.images[k].reshape(TOKENS, *each.images.shape[3:]) for each, k in patients])
    )
    there, grades, reasons, widths = (
        torch.from_numpy(np.stack([getattr(each, name)[k].reshape(TOKENS, -1) for each, k in patients]))
        for name in ("there", "grades", "reasons", "widths")
    )
    there = there[..., 0].clone()
    if rng is not None:
        for row in there:
            hands = row.view(len(SIDES), len(JOINTS))
            if rng.random() < _ONE_HAND and bool(hands.any(1).all()):
                hands[int(rng.integers(len(SIDES)))] = False
            shown = row & torch.from_numpy(rng.random(TOKENS) >= _WITHOUT)
            if shown.any():
                row.copy_(shown)
    planes = torch.zeros(*there.shape, SIDE, SIDE)
    masks, drawn = _masks(patients)
    areas = torch.full((*there.shape, SIDE // BLOCK, SIDE // BLOCK), torch.nan)
    if generator is None:
        planes[there] = centred(images[there])
    else:
        planes[there], moved = augment(images[there], generator, masks[there], textures, changes)
        assert moved is not None
        areas[there] = avg_pool2d(moved, BLOCK)
        areas[~drawn] = torch.nan
    again = None
    if twice and generator is not None:
        again = torch.zeros_like(planes)
        again[there], _ = augment(images[there], generator, None, textures, changes)
        again = normalise(again)
    targets = [_targets(patients, k, kind) for k, kind in enumerate(HIGHEST)]
    scored = torch.where((grades >= 0).any(-1), 1.0, torch.where(reasons[..., 0] > 0, 0.0, torch.nan))
    return Batch(
        normalise(planes),
        there,
        targets[0],
        targets[1],
        scored,
        widths[..., :2].float().clamp(*WIDTH_MM),
        areas,
        images if generator is None else None,
        again,
    )


def _targets(patients: Sequence[tuple[GradedPatients, int]], place: int, kind: str) -> Tensor:
    """Return the probability (B, 28, K + 1) of each grade of a kind; all 0 where it is not known."""
    found = []
    for each, k in patients:
        if each.soft is not None:
            found.append(torch.from_numpy(each.soft[kind][k].reshape(TOKENS, -1)).float())
            continue
        known = torch.from_numpy(each.grades[k].reshape(TOKENS, -1)[:, place]).long()
        found.append(one_hot(known.clamp_min(0), HIGHEST[kind] + 1).float() * (known >= 0)[:, None])
    return torch.stack(found)


def _masks(patients: Sequence[tuple[GradedPatients, int]]) -> tuple[Tensor, Tensor]:
    """Return the masks of erosions (B, 28, 60, 60), and of which patients they are known (B,)."""
    nothing = np.zeros((TOKENS, KEPT // MASK_STEP, KEPT // MASK_STEP), np.uint8)
    each = [nothing if one.erosions is None else one.erosions[k].reshape(nothing.shape) for one, k in patients]
    return torch.from_numpy(np.stack(each)), torch.tensor([one.erosions is not None for one, _ in patients])
