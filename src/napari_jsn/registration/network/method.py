"""The method ``network``: the maps of both bones by one forward pass of a trained network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.methods import MethodResult, PreparedPair

if TYPE_CHECKING:
    import torch
    from torch.nn import Module

    from napari_jsn.common.progress import Progress
    from napari_jsn.registration.network.canvas import Canvases

#: Pairs registered at once.
_BATCH = 32
#: Standard uncertainty where a model's card tells none, in pixels of its square.
_UNKNOWN_SD_PX = 1.0
# Limits; wrong pairs stay below them (joints of other patients: mean likeness up to 0.73), real visits seldom.
_LEAST_LIKENESS, _LEAST_MEAN_LIKENESS, _LEAST_OVERLAP, _LEAST_IN_VIEW = 0.62, 0.75, 0.85, 0.60


#: What the variance of a narrowing is a weighted sum of: the card has the weights, in squared pixels of the square.
TERMS = ("constant", "unlike")


def network(
    pairs: Sequence[PreparedPair], device: torch.device, progress: Progress, model: str = "default"
) -> list[MethodResult]:
    """Register pairs by one forward pass; see :class:`~.methods.Method`.

    Parameters
    ----------
    model : str
        One of ``napari_jsn.networks.weights.names("registration")``, or the path of a ``.safetensors`` file.

    References
    ----------
    Wang et al., CMIG 108:102273 (2023): what a network gives in one pass. The preset ``paper`` is their network.
    """
    return [estimate for estimate, _, _ in answers(pairs, device, progress, model)]


def answers(
    pairs: Sequence[PreparedPair], device: torch.device, progress: Progress, model: str
) -> list[tuple[MethodResult, dict[str, float], float]]:
    """Estimates, the :data:`TERMS` of each one's variance, and the side of a pixel of its square in its own pixels."""
    import torch

    from napari_jsn.registration.network.canvas import canvases

    trained, side, card = read(model, device)
    weights = card.get("figures", {}).get("uncertainty_px2", {"constant": _UNKNOWN_SD_PX**2})
    found: list[tuple[MethodResult, dict[str, float], float]] = []
    progress.update(0, len(pairs), "Registering")
    for first in range(0, len(pairs), _BATCH):
        if progress.aborted:
            break
        some = pairs[first : first + _BATCH]
        squares = canvases(some, side, device)
        with torch.inference_mode():
            maps = trained(squares.fixed, squares.moving, squares.fixed_masks, squares.moving_masks)
            seen = _judged(maps, squares)
        for k, (pair, (upper, lower)) in enumerate(zip(some, squares.native(maps.double().cpu().numpy()), strict=True)):
            narrowing = joint_space_narrowing(upper, lower, pair.point, pair.axis)
            terms = {"constant": 1.0, "unlike": float(1 - seen[0, k].mean())}
            unit_px = float(1 / squares.fixed_at[k, 0, 0])
            sd_px = unit_px * float(np.sqrt(sum(weight * terms[name] for name, weight in weights.items())))
            found.append((MethodResult(upper, lower, narrowing, sd_px, _reasons(*seen[:, k])), terms, unit_px))
        progress.update(len(found), len(pairs), "Registering")
    return found


def both_ways(pairs: Sequence[PreparedPair], device: torch.device, model: str = "default") -> NDArray[np.float64]:
    """(pairs, 2 directions, 2 bones, 3, 3) maps: fixed into moving, and moving into fixed, each found by itself."""
    import torch

    from napari_jsn.registration.network.canvas import canvases

    trained, side, _ = read(model, device)
    squares = canvases(pairs, side, device)
    found = []
    with torch.inference_mode():
        for each in (squares, squares.swapped()):
            maps = trained(each.fixed, each.moving, each.fixed_masks, each.moving_masks)
            found.append(each.native(maps.double().cpu().numpy()))
    return np.stack(found, 1)


def _judged(maps: torch.Tensor, squares: Canvases) -> NDArray[np.float64]:
    """(3, B, 2 bones): likeness of the images, overlap of the masks, and how much of each bone is in view."""
    import torch
    from torch.nn.functional import grid_sample

    side = squares.fixed.shape[-1]
    at = torch.arange(side).to(squares.fixed)
    points = torch.stack([*torch.meshgrid(at, at, indexing="xy"), torch.ones(side, side).to(at)], -1)
    there = (points.flatten(0, 1) @ maps.flatten(0, 1)[:, :2].transpose(1, 2)).unflatten(1, (side, side))
    inside = ((there >= 0) & (there <= side - 1)).all(-1)
    planes = torch.stack([squares.moving.expand(-1, 2, -1, -1), squares.moving_masks], 2).flatten(0, 1)
    seen = grid_sample(planes, (2 * there + 1) / side - 1, padding_mode="border", align_corners=False)
    here, grey = squares.fixed_masks.flatten(0, 1), squares.fixed.expand(-1, 2, -1, -1).flatten(0, 1)
    weight = here * inside
    total = weight.sum((1, 2)).clamp_min(1)
    a, b = (each - ((each * weight).sum((1, 2)) / total)[:, None, None] for each in (grey, seen[:, 0]))
    size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
    likeness = (weight * a * b).sum((1, 2)) / size.sqrt().clamp_min(1e-6)
    both = (weight * seen[:, 1]).sum((1, 2))
    overlap = both / (total + (seen[:, 1] * inside).sum((1, 2)) - both).clamp_min(1)
    in_view = total / here.sum((1, 2)).clamp_min(1)
    return torch.stack([likeness, overlap, in_view]).unflatten(1, (-1, 2)).double().cpu().numpy()


def _reasons(
    likeness: NDArray[np.float64], overlap: NDArray[np.float64], in_view: NDArray[np.float64]
) -> tuple[Reason, ...]:
    """Return why a pair has failed."""
    reasons = []
    if in_view.min() < _LEAST_IN_VIEW:
        reasons.append(Reason(ReasonCode.OUT_OF_VIEW))
    if overlap.min() < _LEAST_OVERLAP:
        reasons.append(Reason(ReasonCode.MASKS_DIFFER))
    if likeness.min() < _LEAST_LIKENESS or likeness.mean() < _LEAST_MEAN_LIKENESS:
        reasons.append(Reason(ReasonCode.NOT_SIMILAR))
    return tuple(reasons)


def read(model: str, device: torch.device) -> tuple[Module, int, dict[str, Any]]:
    """A trained network, the side of its squares in pixels, and its card; kept for the next time."""
    from napari_jsn.networks import weights

    path = weights.find("registration", model)
    return _read(str(path), path.stat().st_mtime_ns, str(device))


@lru_cache(maxsize=4)
def _read(path: str, changed: int, device: str) -> tuple[Module, int, dict[str, Any]]:
    from napari_jsn.networks import weights
    from napari_jsn.registration.network.architectures import build, fused

    state, card = weights.load("registration", path)
    try:
        trained = build(card["architecture"])
        trained.load_state_dict(state)
        side = int(card["input_size_px"][0])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{os.path.basename(path)} does not fit the network that its card describes. Get both files again, "
            "or train anew.",
            "model",
        ) from error
    return fused(trained.eval()).to(device), side, card
