"""Robust least squares for the pose of each bone, batched over problems."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_jsn.registration.gauss_newton.bone_batch import LEVER_PX, Pose, Problems

#: Degrees of freedom of the Student t that residuals are taken to follow.
_TAIL = 4.0


@dataclass(frozen=True)
class Linearised:
    """The problems around a pose: residual, weights and how the contrast answers to motion; (N, h, w) each."""

    residual: Tensor
    weight: Tensor
    region: Tensor
    slope_x: Tensor
    slope_y: Tensor
    variance: Tensor  # (N,) of the residual, robust
    seen: Tensor

    def pose_slopes(self, problems: Problems) -> Tensor:
        """(N, 4, h, w): change of contrast per unit of log scale, turn (at the lever), x and y."""
        x, y = problems.x / LEVER_PX, problems.y / LEVER_PX
        return torch.stack(
            [
                self.slope_x * x + self.slope_y * y,
                self.slope_y * x - self.slope_x * y,
                self.slope_x,
                self.slope_y,
            ],
            1,
        )


def linearise(problems: Problems, pose: Pose, sideways: Tensor | None = None) -> Linearised:
    """Compare template and other image at a pose; slopes are the mean of both images' own."""
    seen, region = problems.sample(pose, sideways)
    residual = problems.contrast - seen
    weight, variance = _student_weights(residual, region)
    slope_x, slope_y = _slopes((problems.contrast + seen) / 2)
    return Linearised(residual, weight, region, slope_x, slope_y, variance, seen)


def solve_pose(problems: Problems, pose: Pose, steps: int) -> Pose:
    """Gauss-Newton steps for scale, turn and shift (the similarity model)."""
    for _ in range(steps):
        around = linearise(problems, pose)
        slopes = around.pose_slopes(problems).flatten(2)
        weighted = slopes * around.weight.flatten(1)[:, None]
        normal = damped(weighted @ slopes.transpose(1, 2))
        pull = (weighted @ around.residual.flatten(1)[..., None])[..., 0]
        pose = pose.then_inner(limited(torch.linalg.solve(normal, pull)))
    return pose


def damped(normal: Tensor) -> Tensor:
    """A little on the diagonal, for bones with almost no contrast."""
    size = normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp_min(1e-3)
    return normal + 1e-5 * size * torch.eye(normal.shape[-1], device=normal.device, dtype=normal.dtype)


def limited(step: Tensor) -> Tensor:
    """At most 4 pixels a step: linearisation holds no further."""
    return step / (step.norm(dim=1, keepdim=True) / 4).clamp_min(1)


def _student_weights(residual: Tensor, region: Tensor) -> tuple[Tensor, Tensor]:
    """Weights that trust large residuals less, and the variance they imply."""
    squared = residual * residual
    count = region.sum((1, 2)).clamp_min(1)
    variance = ((region * squared).sum((1, 2)) / count).clamp_min(1e-6)
    for _ in range(3):
        weight = region * (_TAIL + 1) / (_TAIL + squared / variance[:, None, None])
        variance = ((weight * squared).sum((1, 2)) / count).clamp_min(1e-6)
    return region * (_TAIL + 1) / (_TAIL + squared / variance[:, None, None]), variance


def _slopes(contrast: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences along x and y; 0 at the crop's border."""
    slope_x, slope_y = torch.zeros_like(contrast), torch.zeros_like(contrast)
    slope_x[:, :, 1:-1] = (contrast[:, :, 2:] - contrast[:, :, :-2]) / 2
    slope_y[:, 1:-1] = (contrast[:, 2:] - contrast[:, :-2]) / 2
    return slope_x, slope_y
