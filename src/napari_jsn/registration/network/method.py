"""The method ``network``: predict the maps of both bones in one forward pass of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.device import compute_in_batches
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

#: Width of the window whose mean is subtracted from the images, and the largest translation that is tried, in pixels of
#: the square.
_DETAIL_PX, _MAX_DISPLACEMENT_PX = 9, 4
#: Displacement of the bones against each other that remains, above which a registration has failed, in pixels of the
#: square: of a model with a fitted uncertainty, and of one without. Of 36 pairs, the shipped model left 0.83 at most.
_MAX_DISPLACED_PX, _MAX_DISPLACED_UNKNOWN_PX = 0.9, 0.35

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

    loaded = _load(model, torch.device("cpu"))  # the device may have no room for it
    weights = loaded.card.get("figures", {}).get("uncertainty_px2", {"constant": _UNKNOWN_SD_PX**2})
    limit = _MAX_DISPLACED_PX if "uncertainty_px2" in loaded.card.get("figures", {}) else _MAX_DISPLACED_UNKNOWN_PX
    if unknown := sorted(set(weights) - set(TERMS)):
        raise InputError(
            f"The card of the model {model} weights unknown terms of the uncertainty ({', '.join(unknown)}). "
            f"The terms are: {', '.join(TERMS)}. Train the model again.",
            "model",
        )
    progress.update(0, len(pairs), "Registering")

    def predict_batch(
        some: Sequence[PreparedPair], used: torch.device
    ) -> list[tuple[MethodResult, dict[str, float], float]]:
        found = []
        network = _load(model, used).network
        squares = canvases(some, loaded.side, used)
        with torch.inference_mode():
            maps = network(squares.fixed, squares.moving, squares.fixed_masks, squares.moving_masks)
            quality, displaced = _match_quality(maps, squares), _still_displaced(maps, squares)
        image_maps = squares.to_image_maps(maps.double().cpu().numpy())
        for k, (pair, (upper, lower)) in enumerate(zip(some, image_maps, strict=True)):
            narrowing = joint_space_narrowing(upper, lower, pair.point, pair.axis)
            terms = {"constant": 1.0, "dissimilarity": float(1 - quality[0, k].mean())}
            unit_px = float(1 / squares.fixed_to_square[k, 0, 0])
            sd_px = unit_px * float(np.sqrt(sum(weight * terms[name] for name, weight in weights.items())))
            reasons = _reasons(quality[:, k], abs(displaced[k]) > limit)
            found.append((MethodResult(upper, lower, narrowing, sd_px, reasons), terms, unit_px))
        return found

    return compute_in_batches(pairs, _BATCH, device, predict_batch, progress, "Registering")


def predict_both_directions(
    pairs: Sequence[PreparedPair], device: torch.device, model: str = "default"
) -> NDArray[np.float64]:
    """Return maps (pairs, 2 directions, 2 bones, 3, 3): fixed to moving, and moving to fixed, predicted separately."""
    import torch

    from napari_jsn.registration.network.canvas import canvases

    loaded = _load(model, device)
    squares = canvases(pairs, loaded.side, device)
    directions = [squares, squares.swapped()]
    if len(pairs) == 1:  # both at once take three quarters of the time; larger batches are rounded otherwise
        directions = [directions[0].followed_by(directions[1])]
    found = []
    with torch.inference_mode():
        for each in directions:
            maps = loaded.network(each.fixed, each.moving, each.fixed_masks, each.moving_masks)
            found += list(each.to_image_maps(maps.double().cpu().numpy()))
    return np.stack([found[: len(pairs)], found[len(pairs) :]], 1)


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


def _still_displaced(maps: torch.Tensor, squares: Canvases) -> NDArray[np.float64]:
    """Return (B,) narrowings in pixels of the square that a further translation along the columns would add.

    Each bone is translated to where the detail of both images correlates best. A network that has learned nothing
    leaves the whole narrowing.
    """
    import torch
    from torch.nn.functional import avg_pool2d

    from napari_jsn.networks.canvas import pixel_points, sample_planes
    from napari_jsn.registration.network.maps import transform_points

    def detail(images: torch.Tensor) -> torch.Tensor:
        return images - avg_pool2d(images, _DETAIL_PX, 1, _DETAIL_PX // 2, count_include_pad=False)

    side, flat = squares.fixed.shape[-1], maps.flatten(0, 1)
    points = transform_points(
        pixel_points(side, squares.fixed).expand(len(flat), -1, -1, -1), flat[:, :2, :2], flat[:, :2, 2]
    )
    fixed = detail(squares.fixed).expand(-1, 2, -1, -1).flatten(0, 1)
    moving = detail(squares.moving).expand(-1, 2, -1, -1).flatten(0, 1)[:, None]
    weight = squares.fixed_masks.flatten(0, 1)
    scores = []
    for rows in range(-_MAX_DISPLACEMENT_PX, _MAX_DISPLACEMENT_PX + 1):
        sampled = sample_planes(moving, points + points.new_tensor([0.0, float(rows)]))[:, 0]
        energy = (weight * fixed.square()).sum((1, 2)) * (weight * sampled.square()).sum((1, 2))
        scores.append((weight * fixed * sampled).sum((1, 2)) / energy.sqrt().clamp_min(1e-6))
    score = torch.stack(scores, 1)
    best = score.argmax(1).clamp(1, score.shape[1] - 2)
    before, at, after = (score.gather(1, (best + k)[:, None])[:, 0] for k in (-1, 0, 1))
    peak = ((after - before) / (2 * (2 * at - before - after).clamp_min(1e-6))).clamp(-1, 1)
    shift = (best - _MAX_DISPLACEMENT_PX + peak).unflatten(0, (-1, 2))
    return (shift[:, 0] - shift[:, 1]).double().cpu().numpy()


def _reasons(quality: NDArray[np.float64], displaced: bool) -> tuple[Reason, ...]:
    """Return why a pair has failed, from its (3, 2) quality and whether its bones are still displaced."""
    ncc, overlap, in_view = quality
    reasons = [Reason(ReasonCode.STILL_DISPLACED)] if displaced else []
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
