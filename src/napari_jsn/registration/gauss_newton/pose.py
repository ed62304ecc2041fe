"""Fit the pose of each bone of a batch by robust least squares."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_jsn.registration.gauss_newton.bone_batch import LEVER_PX, BoneBatch, Pose

#: Degrees of freedom of the Student t distribution that the residuals are assumed to follow.
_DEGREES_OF_FREEDOM = 4.0


@dataclass(frozen=True)
class Linearised:
    """A batch linearised at a pose.

    Attributes
    ----------
    residual : (N, h, w) tensor
        Local contrast of the template minus that of the other image.
    weight, region : (N, h, w) tensors
        Robust weights, and the region in view.
    gradient_x, gradient_y : (N, h, w) tensors
        Gradient of local contrast.
    variance : (N,) tensor
        Robust variance of the residual.
    sampled : (N, h, w) tensor
        Local contrast of the other image at the template's pixels.
    """

    residual: Tensor
    weight: Tensor
    region: Tensor
    gradient_x: Tensor
    gradient_y: Tensor
    variance: Tensor
    sampled: Tensor

    def jacobian(self, batch: BoneBatch) -> Tensor:
        """Return the (N, 4, h, w) derivative of contrast by log scale, rotation (both at the lever), x and y."""
        x, y = batch.x / LEVER_PX, batch.y / LEVER_PX
        return torch.stack(
            [
                self.gradient_x * x + self.gradient_y * y,
                self.gradient_y * x - self.gradient_x * y,
                self.gradient_x,
                self.gradient_y,
            ],
            1,
        )


def linearise(batch: BoneBatch, pose: Pose, roll_field: Tensor | None = None) -> Linearised:
    """Return the batch linearised at a pose; gradients are the mean of those of both images."""
    sampled, region = batch.sample(pose, roll_field)
    residual = batch.contrast - sampled
    weight, variance = _student_weights(residual, region)
    gradient_x, gradient_y = _gradient((batch.contrast + sampled) / 2)
    return Linearised(residual, weight, region, gradient_x, gradient_y, variance, sampled)


def fit_pose(batch: BoneBatch, pose: Pose, steps: int) -> Pose:
    """Fit scale, rotation and translation (the similarity model) by Gauss-Newton steps from a pose."""
    for _ in range(steps):
        linearised = linearise(batch, pose)
        jacobian = linearised.jacobian(batch).flatten(2)
        weighted = jacobian * linearised.weight.flatten(1)[:, None]
        normal = damped(weighted @ jacobian.transpose(1, 2))
        normal_rhs = (weighted @ linearised.residual.flatten(1)[..., None])[..., 0]
        pose = pose.compose(limited(torch.linalg.solve(normal, normal_rhs)))
    return pose


def damped(normal: Tensor) -> Tensor:
    """Return normal matrices with a small term added to the diagonal, for bones with almost no contrast."""
    size = normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp_min(1e-3)
    return normal + 1e-5 * size * torch.eye(normal.shape[-1], device=normal.device, dtype=normal.dtype)


def limited(step: Tensor) -> Tensor:
    """Return the step, shortened to 4 pixels at most: the linearisation is not valid farther away."""
    return step / (step.norm(dim=1, keepdim=True) / 4).clamp_min(1)


def _student_weights(residual: Tensor, region: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of a Student t distribution, and the variance of the residual under them."""
    squared = residual * residual
    count = region.sum((1, 2)).clamp_min(1)
    variance = ((region * squared).sum((1, 2)) / count).clamp_min(1e-6)
    for _ in range(3):
        weight = region * (_DEGREES_OF_FREEDOM + 1) / (_DEGREES_OF_FREEDOM + squared / variance[:, None, None])
        variance = ((weight * squared).sum((1, 2)) / count).clamp_min(1e-6)
    return region * (_DEGREES_OF_FREEDOM + 1) / (_DEGREES_OF_FREEDOM + squared / variance[:, None, None]), variance


def _gradient(contrast: Tensor) -> tuple[Tensor, Tensor]:
    """Return central differences along x and y; 0 at the crop's border."""
    gradient_x, gradient_y = torch.zeros_like(contrast), torch.zeros_like(contrast)
    gradient_x[:, :, 1:-1] = (contrast[:, :, 2:] - contrast[:, :, :-2]) / 2
    gradient_y[:, 1:-1] = (contrast[:, 2:] - contrast[:, :-2]) / 2
    return gradient_x, gradient_y
