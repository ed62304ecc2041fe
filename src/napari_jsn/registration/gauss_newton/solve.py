"""Solve a few pairs in every way there is, and keep what each way says.

Each bone is solved from fixed into moving and from moving into fixed, by the similarity model and by the
model with a sideways field. What the ways agree on is the measurement; how they differ says how sure it is.
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
    Pose,
    Problems,
    build,
    full_pose,
    half_pose,
)
from napari_jsn.registration.gauss_newton.interpolation import linear
from napari_jsn.registration.gauss_newton.pose import Linearised, linearise, solve_pose
from napari_jsn.registration.gauss_newton.roll_field import Rolled, solve_rolled
from napari_jsn.registration.gauss_newton.start import learned, search
from napari_jsn.registration.methods import Pair
from napari_jsn.registration.solutions import Solutions

Matrix = NDArray[np.float64]

#: Depth of the band along the joint-facing margin that checks the whole bone, in working pixels.
_MARGIN_PX = 10

#: Shifts around the start that are tried, in pixels of half resolution: trabeculae repeat, and a wrong optimum that
#: lies a pixel or two off agrees with itself both ways (inconsistent real visits: 1.9 % without, 0 % with them).
_STARTS = ((0.0, 0.0), (0.0, 1.5), (0.0, -1.5), (2.0, 0.0), (-2.0, 0.0))
#: Below this likeness a start by the network is doubted, and a search joins it.
_UNLIKE = 0.55
#: What the network says of a bone is left out where its middle lies this far off what is solved, in working pixels.
_NETWORK_WRONG_PX = 1.5
#: Gauss-Newton steps at half resolution from each start and from the best, at full resolution, and with the
#: sideways field.
_START_STEPS, _HALF_STEPS, _FULL_STEPS, _ROLLED_STEPS = 3, 4, 4, 3


def solve(pairs: Sequence[Pair], device: torch.device, dtype: torch.dtype = torch.float32) -> list[Solutions]:
    """Solve a batch of pairs of one working resolution."""
    with torch.inference_mode():
        problems = build(pairs, device, dtype)
        first = learned(pairs, problems)
        pose = full_pose(_start(problems, problems.halved(), first))
        similar = solve_pose(problems, pose, _FULL_STEPS)
        rolled = solve_rolled(problems, similar, _ROLLED_STEPS)
        around = linearise(problems, similar)
        likeness = _likeness(problems, around.seen, around.region).cpu().numpy()
        in_view = (around.region.sum((1, 2)) / problems.region.sum((1, 2))).cpu().numpy()
        maps = np.stack([problems.maps(similar), problems.maps(rolled.pose)])
        unmoved = _likeness(problems, *problems.sample(_unmoved(pairs, problems))).cpu().numpy()
        margin = _margin_shift(problems, around).cpu().numpy()
        area = problems.region.sum((1, 2)).cpu().numpy()
        overlap = _overlap(problems, rolled.pose).cpu().numpy()
        variance = _variances(pairs, problems, rolled, maps[1])
        strength = rolled.strength_px.cpu().numpy()
    maps = np.concatenate([maps, _near(problems, problems.maps(first), maps[1])[None]])
    maps[:, 1::2] = np.linalg.inv(maps[:, 1::2])
    found = []
    for k in range(len(pairs)):
        four = slice(4 * k, 4 * k + 4)
        # DIRECTIONS run bone by bone; results run direction by direction
        by_direction = maps[:, four].reshape(3, 2, 2, 3, 3).transpose(0, 2, 1, 3, 4)
        found.append(
            Solutions(
                by_direction[:2],
                by_direction[2],
                variance[four].reshape(2, 2).sum(axis=0),
                likeness[four].reshape(2, 2).T,
                in_view[four].reshape(2, 2).T,
                strength[four].reshape(2, 2).T,
                overlap[four].reshape(2, 2).mean(axis=1),
                unmoved[four].reshape(2, 2).T,
                margin[four].reshape(2, 2).T,
                area[four].reshape(2, 2).T,
            )
        )
    return found


def _near(problems: Problems, network: Matrix, solved: Matrix) -> Matrix:
    """The network's maps (N, 3, 3); the solved ones where they take the bone elsewhere."""
    middle = (problems.origin + problems.centre).double().cpu().numpy()
    off = ((network - solved) @ np.pad(middle, ((0, 0), (0, 1)), constant_values=1)[..., None])[:, :2, 0]
    wrong = np.linalg.norm(off, axis=1) > _NETWORK_WRONG_PX
    return np.where(wrong[:, None, None], solved, network)


def _start(problems: Problems, half: Problems, first: Pose) -> Pose:
    """Pose at half resolution: from what the network says, or from a search where that leaves the images unlike."""
    pose, alike = _best_of(half, half_pose(first))
    doubtful = alike < _UNLIKE
    if doubtful.any():
        searched, again = _best_of(half.of(doubtful), half_pose(search(problems.of(doubtful))))
        at = torch.nonzero(doubtful)[:, 0][again > alike[doubtful]]
        better = again > alike[doubtful]
        pose.linear[at], pose.shift[at] = searched.linear[better], searched.shift[better]
    return solve_pose(half, pose, _HALF_STEPS)


def _best_of(half: Problems, pose: Pose) -> tuple[Pose, Tensor]:
    """Steps from several shifts of a pose: the one that makes the images most alike, and how much (N,)."""
    best, likeness = pose, torch.full_like(pose.shift[:, 0], -torch.inf)
    for start in _STARTS:
        tried = solve_pose(half, Pose(pose.linear, pose.shift + pose.shift.new_tensor(start)), _START_STEPS)
        alike = _likeness(half, *half.sample(tried))
        better = alike > likeness
        likeness = torch.where(better, alike, likeness)
        best = Pose(
            torch.where(better[:, None, None], tried.linear, best.linear),
            torch.where(better[:, None], tried.shift, best.shift),
        )
    return best, likeness


def _likeness(problems: Problems, seen: Tensor, weight: Tensor) -> Tensor:
    """Correlation of the two local contrasts over the region, -1 to 1."""
    a, b = problems.contrast, seen
    size = (weight * a * a).sum((1, 2)) * (weight * b * b).sum((1, 2))
    return (weight * a * b).sum((1, 2)) / size.sqrt().clamp_min(1e-6)


def _unmoved(pairs: Sequence[Pair], problems: Problems) -> Pose:
    """No turn, no scale, and the centres of both images on each other."""
    apart = [(np.array(pair.moving.shape) - pair.fixed.shape)[::-1] / 2 for pair in pairs]
    offset = np.array([sign * each for each in apart for sign in (1, -1, 1, -1)])
    shift = problems.origin + problems.centre + torch.as_tensor(offset).to(problems.centre)
    return Pose(torch.eye(2).to(shift).repeat(len(problems), 1, 1), shift)


def _margin_shift(problems: Problems, around: Linearised) -> Tensor:
    """Shift along the columns that the band at the joint-facing margin asks for, beyond what its bone got."""
    from_top = problems.region.cumsum(1)
    from_bottom = problems.region.flip(1).cumsum(1).flip(1)
    lower = torch.tensor([bone == "lower" for bone, _ in DIRECTIONS], device=from_top.device)
    lower = lower.repeat(len(problems) // len(DIRECTIONS))[:, None, None]
    band = around.weight * (torch.where(lower, from_top, from_bottom) <= _MARGIN_PX)
    push = (band * around.slope_y * around.residual).sum((1, 2))
    return push / (band * around.slope_y.square()).sum((1, 2)).clamp_min(1e-3)


def _overlap(problems: Problems, pose: Pose) -> Tensor:
    """Jaccard index of the template's region, moved, and the same bone's region in the other image, where in view."""
    a, t = pose.linear, pose.shift
    col = a[:, 0, 0, None, None] * problems.x + a[:, 0, 1, None, None] * problems.y + t[:, 0, None, None]
    row = a[:, 1, 0, None, None] * problems.x + a[:, 1, 1, None, None] * problems.y + t[:, 1, None, None]
    here, whole = (problems.region > 0).to(a), (problems.other_region > 0).to(a)
    both = (linear(whole, col, row) * here).sum((1, 2))
    # what the other region has beyond the crop counts through its total area, brought to the template's scale
    scale = torch.linalg.det(a).abs().clamp_min(1e-3)
    return both / torch.maximum(here.sum((1, 2)), whole.sum((1, 2)) / scale).clamp_min(1)


def _variances(pairs: Sequence[Pair], problems: Problems, rolled: Rolled, maps: Matrix) -> NDArray[np.float64]:
    """Each problem's share in the variance of the narrowing, in squared pixels."""
    covariance = rolled.covariance.double().cpu().numpy()
    middle = (problems.origin + problems.centre).double().cpu().numpy()
    out = np.empty(len(problems))
    for k in range(len(problems)):
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
