"""The model for roll: features may slide sideways smoothly, while along the axis the bone stays rigid.

A bone that rolls about its own long axis shifts its features sideways by depth and hardly along the
axis. The sideways field is a Gaussian process on a grid of cubic B-splines; how strong it is (from
none: the similarity model) is not chosen but weighed by evidence, the probability of the images under
each strength with field and pose integrated out (Laplace). The answer is the mean over strengths, and its
covariance holds noise, roll and the choice between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_jsn.registration.gauss_newton.bone_batch import Pose, Problems
from napari_jsn.registration.gauss_newton.pose import Linearised, damped, limited, linearise
from napari_jsn.registration.solutions import STRENGTHS_PX

#: Distance of the spline's nodes, and over which distance the field is alike, in working pixels.
_NODE_PX, _ALIKE_PX = 12.0, 11.3
#: Pixels that share one independent bit of noise: residuals of neighbours are alike.
_ALIKE_PIXELS = 4.0
#: The least variance of a residual, in squared units of local contrast.
_LEAST_VARIANCE = 0.0025


@dataclass(frozen=True)
class Rolled:
    """Pose (mean over strengths), its (N, 4, 4) covariance, and the field's expected strength in pixels (N,)."""

    pose: Pose
    covariance: Tensor
    strength_px: Tensor


class _Spline:
    """Cubic B-splines over a crop and the precision of their coefficients under a unit Gaussian process."""

    def __init__(self, problems: Problems) -> None:
        height, width = problems.template.shape[1:]
        like = problems.template
        self.down, self.across = (_basis(length).to(like) for length in (height, width))
        precisions = [_precision(basis.shape[1]) for basis in (self.down, self.across)]
        self.precision = torch.kron(*precisions).to(like)
        self.log_det = float(torch.linalg.slogdet(torch.kron(*precisions))[1])

    @property
    def size(self) -> int:
        return self.down.shape[1] * self.across.shape[1]

    def field(self, coefficients: Tensor) -> Tensor:
        grid = coefficients.reshape(-1, self.down.shape[1], self.across.shape[1])
        return self.down @ grid @ self.across.T

    def project(self, stack: Tensor) -> Tensor:
        """Sums of a stack (..., h, w) against every spline: (..., K)."""
        return (self.down.T @ stack @ self.across).flatten(-2)

    def gram(self, weight: Tensor) -> Tensor:
        """Sums of ``weight`` (N, h, w) against every product of two splines: (N, K, K).

        Splines are products of one along y and one along x, so this needs no matrix of all pixels.
        """
        n, height, width = weight.shape
        rows, cols = self.down.shape[1], self.across.shape[1]
        by_cols = (self.across[:, :, None] * self.across[:, None, :]).reshape(width, -1)
        by_rows = (self.down[:, :, None] * self.down[:, None, :]).reshape(height, -1)
        sums = (by_rows.T @ (weight @ by_cols)).reshape(n, rows, rows, cols, cols)
        return sums.permute(0, 1, 3, 2, 4).reshape(n, self.size, self.size)


def solve_rolled(problems: Problems, pose: Pose, steps: int) -> Rolled:
    """Solve pose and sideways field together, from a pose that is close already."""
    spline = _Spline(problems)
    field = torch.zeros(len(problems), spline.size, device=pose.shift.device, dtype=pose.shift.dtype)
    for k in range(steps):
        around = linearise(problems, pose, spline.field(field))
        # on the way there every third strength will do
        strengths = STRENGTHS_PX if k == steps - 1 else STRENGTHS_PX[::3]
        step, field, covariance, strength = _weigh(problems, around, spline, field, strengths)
        pose = pose.then_inner(limited(step))
    return Rolled(pose, covariance, strength)


def _weigh(
    problems: Problems, around: Linearised, spline: _Spline, field: Tensor, strengths: tuple[float, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mean step of the pose, mean field, covariance of the pose and mean strength, over all strengths."""
    certainty = 1 / (around.variance.clamp_min(_LEAST_VARIANCE) * _ALIKE_PIXELS)
    slopes = around.pose_slopes(problems)
    weight, across = around.weight, around.weight * around.slope_x
    weighted = (slopes * weight[:, None]).flatten(2)
    pose_pose = damped(weighted @ slopes.flatten(2).transpose(1, 2) * certainty[:, None, None])
    pose_pull = (weighted @ around.residual.flatten(1)[..., None])[..., 0] * certainty[:, None]
    field_field = spline.gram(across * around.slope_x) * certainty[:, None, None]
    pose_field = spline.project(across[:, None] * slopes) * certainty[:, None, None]
    # the unknown is the whole field, not its change: its prior is about zero
    field_pull = spline.project(across * around.residual) * certainty[:, None]
    field_pull = field_pull + (field_field @ field[..., None])[..., 0]
    pose_pull = pose_pull + (pose_field @ field[..., None])[..., 0]

    steps, fields, covariances, evidence = [], [], [], []
    for strength in strengths:
        factor = torch.linalg.cholesky(field_field + spline.precision / strength**2)
        both = torch.cat([pose_field.transpose(1, 2), field_pull[..., None]], 2)
        solved = torch.cholesky_solve(both, factor)
        left = pose_pose - pose_field @ solved[..., :4]
        pull = pose_pull - (pose_field @ solved[..., 4:])[..., 0]
        covariance = torch.linalg.inv(left)
        step = (covariance @ pull[..., None])[..., 0]
        steps.append(step)
        fields.append(solved[..., 4] - (solved[..., :4] @ step[..., None])[..., 0])
        covariances.append(covariance)
        log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1) + torch.logdet(left)
        prior = spline.log_det - 2 * spline.size * math.log(strength)
        evidence.append(((field_pull * solved[..., 4]).sum(1) + (pull * step).sum(1) - log_det + prior) / 2)
    share = torch.softmax(torch.stack(evidence, 1), 1)
    step, new_field = (torch.einsum("ns,nsk->nk", share, torch.stack(each, 1)) for each in (steps, fields))
    apart = torch.stack(steps, 1) - step[:, None]
    covariance = torch.einsum("ns,nsab->nab", share, torch.stack(covariances, 1))
    covariance = covariance + torch.einsum("ns,nsa,nsb->nab", share, apart, apart)
    return step, new_field, covariance, share @ share.new_tensor(strengths)


def _basis(length: int) -> Tensor:
    """(length, K) cubic B-splines whose nodes cover 0 .. length - 1 and one more on either side."""
    count = math.ceil((length - 1) / _NODE_PX) + 3
    first = ((length - 1) - (count - 3) * _NODE_PX) / 2 - _NODE_PX
    nodes = first + torch.arange(count) * _NODE_PX
    apart = (torch.arange(length)[:, None] - nodes[None]).abs() / _NODE_PX
    near, far = (4 - 6 * apart**2 + 3 * apart**3) / 6, (2 - apart).clamp_min(0) ** 3 / 6
    return torch.where(apart < 1, near, far)


def _precision(count: int) -> Tensor:
    nodes = torch.arange(count, dtype=torch.float64) * _NODE_PX
    covariance = torch.exp(-0.5 * ((nodes[:, None] - nodes[None]) / _ALIKE_PX) ** 2)
    return torch.linalg.inv(covariance + 1e-3 * torch.eye(count, dtype=torch.float64))
