"""Loss of the networks that grade the joints of patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from napari_jsn.networks.task import use_bfloat16
from napari_jsn.scoring.training.batches import Batch
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities, ordinal_loss

#: Weights of the losses of the widths and of whether a joint can be graded.
_WIDTHS, _SCORED = 1.0, 0.2
#: Weight of the loss of the eroded areas, and of an eroded block in it.
_AREAS, _ERODED = 2.0, 4.0
#: Weight of the squared difference of the expected grades of a joint that was changed in two ways.
_ALIKE = 0.5


def patient_loss(network: Any, batch: Batch, grade_weights: Mapping[str, Tensor], alone: Mapping[str, float]) -> Tensor:
    """Return the ordinal losses of kinds, those of the widths and areas, and of whether a joint can be graded.

    Where a batch has its joints again, changed in another way, each joint graded alone shall have the same grade in
    both images, as it has on two radiographs of one day.

    Parameters
    ----------
    network : PatientNet
    batch : Batch
    grade_weights : mapping of kind to (K + 1,) tensor
        Weight of each grade; of the kinds that are learned.
    alone : mapping of kind to float
        Share of the loss of the joints that are graded as if they were the only ones; 0 where a kind is missing.
    """
    single = {kind: alone[kind] for kind in grade_weights if alone.get(kind, 0.0) > 0}
    with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=use_bfloat16(batch.images.device)):
        found = network(batch.images, batch.there, alone=single, kinds=tuple(grade_weights))
    there, known = batch.there, batch.widths[batch.there]
    total = batch.images.new_zeros(())
    for kind, graded in found.items():
        parts = [(1 - single.get(kind, 0.0), graded.logits[there], graded.scored[there])]
        if kind in single:
            parts.append((single[kind], graded.alone.logits[:, 0], graded.alone.scored[:, 0]))
        for share, logits, scored in parts:
            total = total + share * _of_grades(kind, logits, scored, batch, grade_weights[kind])
        measured = torch.isfinite(known) & (getattr(batch, kind)[there].sum(-1) > 0)[:, None]
        if kind == "jsn" and measured.any():
            widths = graded.widths[there].float()
            total = total + _WIDTHS * smooth_l1_loss(widths[measured], known[measured], beta=0.2)
        if batch.again is not None and kind in single:
            total = total + _ALIKE * _difference(network.kinds[kind], graded, batch)
    if "erosion" not in found:
        return total
    areas, eroded = found["erosion"].areas.float()[there], batch.areas[there]
    drawn = torch.isfinite(eroded)
    if drawn.any():
        weight = torch.tensor(_ERODED, device=areas.device)
        total = total + _AREAS * binary_cross_entropy_with_logits(areas[drawn], eroded[drawn], pos_weight=weight)
    return total


def _difference(network: Any, graded: Any, batch: Batch) -> Tensor:
    """Return the mean squared difference of the expected grades of joints graded alone, between both images."""
    with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=use_bfloat16(batch.images.device)):
        other = network(batch.again, batch.there, alone=True)
    of_both = []
    for each in (graded, other):
        found = grade_probabilities(each.alone.logits[:, 0].float())
        of_both.append(found @ torch.arange(found.shape[-1], dtype=found.dtype, device=found.device))
    return (of_both[0] - of_both[1]).square().mean()


def _of_grades(kind: str, logits: Tensor, scored: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    """Return the losses of the grades, and of whether a joint can be graded, of the N joints with an image."""
    targets, can = getattr(batch, kind)[batch.there], batch.scored[batch.there]
    graded, stated = targets.sum(-1) > 0, torch.isfinite(can)
    total = logits.new_zeros(())
    if graded.any():
        each = ordinal_loss(logits[graded].float(), targets[graded])
        total = total + (each * (targets[graded] @ weights.to(each.device))).mean()
    if stated.any():
        total = total + _SCORED * binary_cross_entropy_with_logits(scored[stated].float(), can[stated])
    return total
