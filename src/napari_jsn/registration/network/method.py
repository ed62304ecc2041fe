"""The method ``network``: predict the maps of both bones in one forward pass of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.methods import MethodResult, PreparedPair

if TYPE_CHECKING:
    import torch

    from napari_jsn.common.progress import Progress
    from napari_jsn.networks.load import LoadedNetwork
    from napari_jsn.registration.network.canvas import Canvases

#: Pairs that pass the network together.
_BATCH = 32
#: Standard uncertainty where a model's card has none, in pixels of its square.
_UNKNOWN_SD_PX = 1.0
# Limits that wrong pairs do not reach (joints of two patients: mean correlation up to 0.73), and few real pairs miss.
_LEAST_NCC, _LEAST_MEAN_NCC, _LEAST_OVERLAP, _LEAST_IN_VIEW = 0.62, 0.75, 0.85, 0.60

#: The variance of a narrowing is a weighted sum of these terms; the card has the weights, in squared pixels of the
#: square. ``dissimilarity`` is 1 minus the mean normalised cross-correlation.
TERMS = ("constant", "dissimilarity")


def network(
    pairs: Sequence[PreparedPair], device: torch.device, progress: Progress, model: str = "default"
) -> list[MethodResult]:
    """Register pairs in one forward pass; see :class:`~.methods.Method`.

    Parameters
    ----------
    model : str
        One of ``napari_jsn.networks.weights.names("registration")``, or the path of a ``.safetensors`` file.

    References
    ----------
    Wang et al., CMIG 108:102273 (2023). The preset ``paper`` is their network.
    """
    return [estimate for estimate, _, _ in predict(pairs, device, progress, model)]


def predict(
    pairs: Sequence[PreparedPair], device: torch.device, progress: Progress, model: str
) -> list[tuple[MethodResult, dict[str, float], float]]:
    """Return for each pair the estimate, the :data:`TERMS` of its variance, and the side of a pixel of its square.

    The side of the square's pixel is in pixels of the pair.
    """
    import torch

    from napari_jsn.registration.network.canvas import canvases

    loaded = _load(model, device)
    weights = loaded.card.get("figures", {}).get("uncertainty_px2", {"constant": _UNKNOWN_SD_PX**2})
    if unknown := sorted(set(weights) - set(TERMS)):
        raise InputError(
            f"The card of the model {model} weights unknown terms of the uncertainty ({', '.join(unknown)}). "
            f"The terms are: {', '.join(TERMS)}. Train the model again.",
            "model",
        )
    found: list[tuple[MethodResult, dict[str, float], float]] = []
    progress.update(0, len(pairs), "Registering")
    for first in range(0, len(pairs), _BATCH):
        if progress.aborted:
            break
        some = pairs[first : first + _BATCH]
        squares = canvases(some, loaded.side, device)
        with torch.inference_mode():
            maps = loaded.network(squares.fixed, squares.moving, squares.fixed_masks, squares.moving_masks)
            quality = _match_quality(maps, squares)
        image_maps = squares.to_image_maps(maps.double().cpu().numpy())
        for k, (pair, (upper, lower)) in enumerate(zip(some, image_maps, strict=True)):
            narrowing = joint_space_narrowing(upper, lower, pair.point, pair.axis)
            terms = {"constant": 1.0, "dissimilarity": float(1 - quality[0, k].mean())}
            unit_px = float(1 / squares.fixed_to_square[k, 0, 0])
            sd_px = unit_px * float(np.sqrt(sum(weight * terms[name] for name, weight in weights.items())))
            found.append((MethodResult(upper, lower, narrowing, sd_px, _reasons(*quality[:, k])), terms, unit_px))
        progress.update(len(found), len(pairs), "Registering")
    return found


def predict_both_directions(
    pairs: Sequence[PreparedPair], device: torch.device, model: str = "default"
) -> NDArray[np.float64]:
    """Return maps (pairs, 2 directions, 2 bones, 3, 3): fixed to moving, and moving to fixed, predicted separately."""
    import torch

    from napari_jsn.registration.network.canvas import canvases

    loaded = _load(model, device)
    squares = canvases(pairs, loaded.side, device)
    found = []
    with torch.inference_mode():
        for each in (squares, squares.swapped()):
            maps = loaded.network(each.fixed, each.moving, each.fixed_masks, each.moving_masks)
            found.append(each.to_image_maps(maps.double().cpu().numpy()))
    return np.stack(found, 1)


def _match_quality(maps: torch.Tensor, squares: Canvases) -> NDArray[np.float64]:
    """Return (3, B, 2 bones): correlation of the images, overlap of the masks, and share of each bone in view."""
    import torch

    from napari_jsn.networks.canvas import pixel_points, sample_planes
    from napari_jsn.registration.network.maps import transform_points

    side = squares.fixed.shape[-1]
    flat = maps.flatten(0, 1)
    points = pixel_points(side, squares.fixed).expand(len(flat), -1, -1, -1)
    moving_points = transform_points(points, flat[:, :2, :2], flat[:, :2, 2])
    inside = ((moving_points >= 0) & (moving_points <= side - 1)).all(-1)
    planes = torch.stack([squares.moving.expand(-1, 2, -1, -1), squares.moving_masks], 2).flatten(0, 1)
    moving, moving_mask = sample_planes(planes, moving_points).unbind(1)
    fixed, fixed_mask = squares.fixed.expand(-1, 2, -1, -1).flatten(0, 1), squares.fixed_masks.flatten(0, 1)
    weight = fixed_mask * inside
    total = weight.sum((1, 2)).clamp_min(1)
    a, b = (image - ((image * weight).sum((1, 2)) / total)[:, None, None] for image in (fixed, moving))
    size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
    ncc = (weight * a * b).sum((1, 2)) / size.sqrt().clamp_min(1e-6)
    both = (weight * moving_mask).sum((1, 2))
    overlap = both / (total + (moving_mask * inside).sum((1, 2)) - both).clamp_min(1)
    in_view = total / fixed_mask.sum((1, 2)).clamp_min(1)
    return torch.stack([ncc, overlap, in_view]).unflatten(1, (-1, 2)).double().cpu().numpy()


def _reasons(
    ncc: NDArray[np.float64], overlap: NDArray[np.float64], in_view: NDArray[np.float64]
) -> tuple[Reason, ...]:
    """Return why a pair has failed."""
    reasons = []
    if in_view.min() < _LEAST_IN_VIEW:
        reasons.append(Reason(ReasonCode.OUT_OF_VIEW))
    if overlap.min() < _LEAST_OVERLAP:
        reasons.append(Reason(ReasonCode.MASKS_DIFFER))
    if ncc.min() < _LEAST_NCC or ncc.mean() < _LEAST_MEAN_NCC:
        reasons.append(Reason(ReasonCode.NOT_SIMILAR))
    return tuple(reasons)


def _load(model: str, device: torch.device) -> LoadedNetwork:
    from napari_jsn.networks.load import load_network
    from napari_jsn.registration.network.architectures import build_registration_net, fuse_batch_norm

    return load_network("registration", model, str(device), build_registration_net, fuse_batch_norm)
