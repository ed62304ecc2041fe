"""Solve a batch of pairs with both motion models in both directions.

Each bone is registered from fixed to moving and from moving to fixed, with the similarity model and with the roll
field. The measurement is the mean of these results; their differences are part of its uncertainty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_jsn.registration.gauss_newton.bone_batch import (
    DIRECTIONS,
    LEVER_PX,
    BoneBatch,
    Pose,
    build_bone_batch,
    full_pose,
    half_pose,
)
from napari_jsn.registration.gauss_newton.interpolation import linear
from napari_jsn.registration.gauss_newton.match import measure_match, ncc_inside_rigid
from napari_jsn.registration.gauss_newton.pose import Linearised, fit_pose, linearise
from napari_jsn.registration.gauss_newton.roll_field import RollFit, fit_pose_and_roll_field
from napari_jsn.registration.gauss_newton.start import correlation_search, network_pose
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.registration.solutions import Solutions

Matrix = NDArray[np.float64]

#: Depth of the band along the joint-facing margin in which the pose of the whole bone is checked, in working pixels.
_MARGIN_PX = 10

#: Translations from the start that are tried, in pixels of half resolution. Trabeculae repeat, and a wrong optimum one
#: or two pixels away is the same in both directions (inconsistent real visits: 1.9 % with one start, 0 % with these).
_STARTS = ((0.0, 0.0), (0.0, 1.5), (0.0, -1.5), (2.0, 0.0), (-2.0, 0.0))
#: Below this NCC after the network's start, the correlation search gives a second start.
_LEAST_START_NCC = 0.55
#: The network's map is replaced by the fitted map where the two differ by more than this at the bone's centre, in
#: working pixels.
_NETWORK_WRONG_PX = 1.5
#: Gauss-Newton steps at half resolution from each start and from the best start, at full resolution, and with the roll
#: field.
_START_STEPS, _HALF_STEPS, _FULL_STEPS, _ROLL_STEPS = 3, 4, 4, 3
#: More than the steps at full resolution and the roll field add to the correlation inside the bones.
_MOST_NCC_GAIN = 0.3


def solve(
    pairs: Sequence[PreparedPair],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    least_ncc: Sequence[float] | None = None,
) -> list[Solutions]:
    """Solve a batch of pairs at one working resolution.

    With ``least_ncc``, one for each pair, nothing is returned if no pair can reach this normalised cross-correlation
    inside the bones.
    """
    with torch.inference_mode():
        batch = build_bone_batch(pairs, device, dtype)
        first = network_pose(pairs, batch)
        start = full_pose(_start(batch, batch.halved(), first))
        if least_ncc is not None:
            reached = ncc_inside_rigid(batch, start).reshape(len(pairs), -1).mean(1).cpu().numpy() + _MOST_NCC_GAIN
            if (reached < least_ncc).all():
                return []
        similarity_pose = fit_pose(batch, start, _FULL_STEPS)
        roll_fit = fit_pose_and_roll_field(batch, similarity_pose, _ROLL_STEPS)
        linearised = linearise(batch, similarity_pose)
        ncc = _ncc(batch, linearised.sampled, linearised.region).cpu().numpy()
        in_view = (linearised.region.sum((1, 2)) / batch.region.sum((1, 2))).cpu().numpy()
        maps = np.stack([batch.maps(similarity_pose), batch.maps(roll_fit.pose)])
        ncc_identity = _ncc(batch, *batch.sample(_identity(pairs, batch))).cpu().numpy()
        margin = _margin_shift(batch, linearised).cpu().numpy()
        area = batch.region.sum((1, 2)).cpu().numpy()
        overlap = _overlap(batch, roll_fit.pose).cpu().numpy()
        match = measure_match(batch, roll_fit.pose, roll_fit.field)
        inside, sharpness, curve = (each.cpu().numpy() for each in (match.ncc_inside, match.sharpness, match.curve))
        backwards = np.array([1.0 if forward else -1.0 for _, forward in DIRECTIONS])
        variance = _variances(pairs, batch, roll_fit, maps[1])
        roll_prior_sd = roll_fit.roll_prior_sd_px.cpu().numpy()
    maps = np.concatenate([maps, _plausible(batch, batch.maps(first), maps[1])[None]])
    maps[:, 1::2] = np.linalg.inv(maps[:, 1::2])
    solved = []
    for k in range(len(pairs)):
        four = slice(4 * k, 4 * k + 4)
        # DIRECTIONS runs bone by bone; Solutions runs direction by direction
        by_direction = maps[:, four].reshape(3, 2, 2, 3, 3).transpose(0, 2, 1, 3, 4)
        solved.append(
            Solutions(
                by_direction[:2],
                by_direction[2],
                variance[four].reshape(2, 2).sum(axis=0),
                ncc[four].reshape(2, 2).T,
                in_view[four].reshape(2, 2).T,
                roll_prior_sd[four].reshape(2, 2).T,
                overlap[four].reshape(2, 2).mean(axis=1),
                ncc_identity[four].reshape(2, 2).T,
                margin[four].reshape(2, 2).T,
                area[four].reshape(2, 2).T,
                inside[four].reshape(2, 2).T,
                float((backwards * sharpness[four]).mean()),
                float((backwards * curve[four]).mean()),
            )
        )
    return solved


def _plausible(batch: BoneBatch, network: Matrix, fitted: Matrix) -> Matrix:
    """Return the network's maps (N, 3, 3), replaced by the fitted maps where they put the bone elsewhere."""
    middle = (batch.origin + batch.centre).double().cpu().numpy()
    difference = ((network - fitted) @ np.pad(middle, ((0, 0), (0, 1)), constant_values=1)[..., None])[:, :2, 0]
    wrong = np.linalg.norm(difference, axis=1) > _NETWORK_WRONG_PX
    return np.where(wrong[:, None, None], fitted, network)


def _start(batch: BoneBatch, half: BoneBatch, first: Pose) -> Pose:
    """Return the pose at half resolution, from the network or, where the NCC stays low, from a correlation search."""
    pose, ncc = _best_of(half, half_pose(first))
    doubtful = ncc < _LEAST_START_NCC
    if doubtful.any():
        searched, searched_ncc = _best_of(half.select(doubtful), half_pose(correlation_search(batch.select(doubtful))))
        better = searched_ncc > ncc[doubtful]
        at = torch.nonzero(doubtful)[:, 0][better]
        pose.linear[at], pose.translation[at] = searched.linear[better], searched.translation[better]
    return fit_pose(half, pose, _HALF_STEPS)


def _best_of(half: BoneBatch, pose: Pose) -> tuple[Pose, Tensor]:
    """Fit from several translations of a pose; return the fit with the highest NCC, and this NCC (N,)."""
    best, best_ncc = pose, torch.full_like(pose.translation[:, 0], -torch.inf)
    for start in _STARTS:
        moved = Pose(pose.linear, pose.translation + pose.translation.new_tensor(start))
        fitted = fit_pose(half, moved, _START_STEPS)
        ncc = _ncc(half, *half.sample(fitted))
        better = ncc > best_ncc
        best_ncc = torch.where(better, ncc, best_ncc)
        best = Pose(
            torch.where(better[:, None, None], fitted.linear, best.linear),
            torch.where(better[:, None], fitted.translation, best.translation),
        )
    return best, best_ncc


def _ncc(batch: BoneBatch, sampled: Tensor, weight: Tensor) -> Tensor:
    """Return the normalised cross-correlation of the two local contrasts over the region, -1 to 1."""
    a, b = batch.contrast, sampled
    size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
    return (weight * a * b).sum((1, 2)) / size.sqrt().clamp_min(1e-6)


def _identity(pairs: Sequence[PreparedPair], batch: BoneBatch) -> Pose:
    """Return the pose without rotation and scale that puts the centre of one image onto that of the other."""
    centre_offsets = [(np.array(pair.moving.shape) - pair.fixed.shape)[::-1] / 2 for pair in pairs]
    offset = np.array([sign * each for each in centre_offsets for sign in (1, -1, 1, -1)])
    translation = batch.origin + batch.centre + torch.as_tensor(offset).to(batch.centre)
    return Pose(torch.eye(2).to(translation).repeat(len(batch), 1, 1), translation)


def _margin_shift(batch: BoneBatch, linearised: Linearised) -> Tensor:
    """Return the further translation along the columns that fits the band at the joint-facing margin best."""
    from_top = batch.region.cumsum(1)
    from_bottom = batch.region.flip(1).cumsum(1).flip(1)
    lower = torch.tensor([bone == "lower" for bone, _ in DIRECTIONS], device=from_top.device)
    lower = lower.repeat(len(batch) // len(DIRECTIONS))[:, None, None]
    band = linearised.weight * (torch.where(lower, from_top, from_bottom) <= _MARGIN_PX)
    normal_rhs = (band * linearised.gradient_y * linearised.residual).sum((1, 2))
    return normal_rhs / (band * linearised.gradient_y.square()).sum((1, 2)).clamp_min(1e-3)


def _overlap(batch: BoneBatch, pose: Pose) -> Tensor:
    """Return the share that the template's region and the same bone's region in the other image have in common.

    Only what both images show counts: crops of different sizes show different lengths of the bones.
    """
    col, row = batch.points(pose)
    width, height = batch.other_size[:, 0, None, None], batch.other_size[:, 1, None, None]
    in_view = (col >= 0) & (col <= width - 1) & (row >= 0) & (row <= height - 1)
    here, there = (batch.region > 0).to(col) * in_view, (batch.other_region > 0).to(col)
    both = (linear(there, col, row) * here).sum((1, 2))
    # the other direction's template is the other region; its part in view, at the scale of this template
    opposite = torch.arange(len(batch), device=col.device) ^ 1
    scale = torch.linalg.det(pose.linear).abs().clamp_min(1e-3)
    return both / torch.maximum(here.sum((1, 2)), here.sum((1, 2))[opposite] / scale).clamp_min(1)


def _variances(pairs: Sequence[PreparedPair], batch: BoneBatch, roll_fit: RollFit, maps: Matrix) -> NDArray[np.float64]:
    """Return the contribution of each registration to the variance of the narrowing, in squared pixels."""
    covariance = roll_fit.covariance.double().cpu().numpy()
    middle = (batch.origin + batch.centre).double().cpu().numpy()
    out = np.empty(len(batch))
    for k in range(len(batch)):
        pair, forward = pairs[k // 4], k % 2 == 0
        point, axis = pair.point, pair.axis
        if not forward:  # carry point and axis into the moving image
            back = np.linalg.inv(maps[k])
            point, axis = back[:2, :2] @ point + back[:2, 2], back[:2, :2] @ axis
            axis = axis / np.hypot(*axis)
        x, y = (point - middle[k]) / LEVER_PX
        gradient = np.array([axis @ (x, y), axis @ (-y, x), axis[0], axis[1]])
        out[k] = gradient @ covariance[k] @ gradient
    return out
