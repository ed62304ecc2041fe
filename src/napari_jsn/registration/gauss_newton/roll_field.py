"""Fit pose and roll field together: features move smoothly along x, while the bone stays rigid along its axis.

A bone that rolls about its long axis displaces its features along x by an amount that depends on their depth, and
hardly along the axis. The roll field (displacement along x) is a Gaussian process on a grid of cubic B-splines. Its
prior standard deviation is not fixed: the results of several standard deviations, from almost none (the similarity
model) on, are averaged with weights proportional to their marginal likelihood, the probability of the images with field
and pose integrated out (Laplace approximation). The covariance of the average contains noise, roll and the uncertainty
of the prior standard deviation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from napari_jsn.registration.gauss_newton.bone_batch import BoneBatch, Pose
from napari_jsn.registration.gauss_newton.pose import Linearised, damped, limited, linearise
from napari_jsn.registration.solutions import ROLL_PRIOR_SDS_PX

#: Distance of the nodes of the splines, and correlation length of the field, in working pixels.
_NODE_PX, _CORRELATION_LENGTH_PX = 12.0, 11.3
#: Pixels per independent sample of the noise: residuals of neighbouring pixels are correlated.
_PIXELS_PER_SAMPLE = 4.0
#: The least variance of a residual, in squared units of local contrast.
_LEAST_VARIANCE = 0.0025
#: The first increase of the diagonal of a matrix that has no Cholesky factor, as a share of its mean.
_LEAST_JITTER = 1e-6


@dataclass(frozen=True)
class RollFit:
    """Pose of each bone with a roll field.

    Attributes
    ----------
    pose : Pose
        Mean over the prior standard deviations.
    covariance : (N, 4, 4) tensor
        Of the pose, with the parameters of :meth:`Pose.compose`.
    roll_prior_sd_px : (N,) tensor
        Mean prior standard deviation of the roll field, in pixels.
    field : (N, h, w) tensor
        The roll field, in pixels.
    """

    pose: Pose
    covariance: Tensor
    roll_prior_sd_px: Tensor
    field: Tensor


class _Spline:
    """Cubic B-splines over a crop, and the precision of their coefficients under a unit Gaussian process."""

    def __init__(self, batch: BoneBatch) -> None:
        template = batch.template
        self.down, self.across = (_basis(length).to(template) for length in template.shape[1:])
        precision, self.log_det = _prior(self.down.shape[1], self.across.shape[1])
        self.precision = precision.to(template)

    @property
    def size(self) -> int:
        return self.down.shape[1] * self.across.shape[1]

    def field(self, coefficients: Tensor) -> Tensor:
        grid = coefficients.reshape(-1, self.down.shape[1], self.across.shape[1])
        return self.down @ grid @ self.across.T

    def project(self, stack: Tensor) -> Tensor:
        """Return the products (..., K) of a stack (..., h, w) with every spline, summed over pixels."""
        return (self.down.T @ stack @ self.across).flatten(-2)

    def gram(self, weight: Tensor) -> Tensor:
        """Return (N, K, K): ``weight`` (N, h, w) times every product of two splines, summed over pixels.

        The splines are separable, so this needs no matrix over all pixels.
        """
        n, height, width = weight.shape
        rows, cols = self.down.shape[1], self.across.shape[1]
        by_cols = (self.across[:, :, None] * self.across[:, None, :]).reshape(width, -1)
        by_rows = (self.down[:, :, None] * self.down[:, None, :]).reshape(height, -1)
        sums = (by_rows.T @ (weight @ by_cols)).reshape(n, rows, rows, cols, cols)
        return sums.permute(0, 1, 3, 2, 4).reshape(n, self.size, self.size)


def fit_pose_and_roll_field(batch: BoneBatch, pose: Pose, steps: int) -> RollFit:
    """Fit pose and roll field together, from a pose that is already close."""
    spline = _Spline(batch)
    coefficients = torch.zeros(len(batch), spline.size, device=pose.linear.device, dtype=pose.linear.dtype)
    for k in range(steps):
        linearised = linearise(batch, pose, spline.field(coefficients))
        # every third prior standard deviation is enough for the steps before the last
        prior_sds = ROLL_PRIOR_SDS_PX if k == steps - 1 else ROLL_PRIOR_SDS_PX[::3]
        step, coefficients, covariance, prior_sd = _average_step(batch, linearised, spline, coefficients, prior_sds)
        pose = pose.compose(limited(step))
    return RollFit(pose, covariance, prior_sd, spline.field(coefficients))


def cholesky_factor(matrices: Tensor) -> Tensor:
    """Return the Cholesky factors (N, n, n); a matrix that rounding made indefinite gets a larger diagonal."""
    factors, failed = torch.linalg.cholesky_ex(matrices)
    share = _LEAST_JITTER
    while bool(failed.any()) and share <= 1:
        mean_diagonal = matrices.diagonal(dim1=1, dim2=2).abs().mean(1)
        jitter = torch.where(failed > 0, share * mean_diagonal, torch.zeros_like(mean_diagonal))
        increase = torch.diag_embed(jitter[:, None].expand(-1, matrices.shape[-1]))
        factors, failed = torch.linalg.cholesky_ex(matrices + increase)
        share *= 10
    return factors


def _average_step(
    batch: BoneBatch, linearised: Linearised, spline: _Spline, coefficients: Tensor, prior_sds: tuple[float, ...]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return step, field coefficients, covariance of the pose and prior standard deviation.

    All are averages over the prior standard deviations, weighted by marginal likelihood.
    """
    precision = 1 / (linearised.variance.clamp_min(_LEAST_VARIANCE) * _PIXELS_PER_SAMPLE)
    jacobian = linearised.jacobian(batch)
    weight, weighted_gradient_x = linearised.weight, linearised.weight * linearised.gradient_x
    weighted = (jacobian * weight[:, None]).flatten(2)
    # blocks of the normal equations; the unknowns are the step of the pose and the coefficients of the field
    pose_pose = damped(weighted @ jacobian.flatten(2).transpose(1, 2) * precision[:, None, None])
    pose_rhs = (weighted @ linearised.residual.flatten(1)[..., None])[..., 0] * precision[:, None]
    field_field = spline.gram(weighted_gradient_x * linearised.gradient_x) * precision[:, None, None]
    pose_field = spline.project(weighted_gradient_x[:, None] * jacobian) * precision[:, None, None]
    # the unknown is the whole field, not its change, because the prior of the field has mean zero
    field_rhs = spline.project(weighted_gradient_x * linearised.residual) * precision[:, None]
    field_rhs = field_rhs + (field_field @ coefficients[..., None])[..., 0]
    pose_rhs = pose_rhs + (pose_field @ coefficients[..., None])[..., 0]

    steps, fields, covariances, log_likelihoods = [], [], [], []
    for prior_sd in prior_sds:
        factor = cholesky_factor(field_field + spline.precision / prior_sd**2)
        solved = torch.cholesky_solve(torch.cat([pose_field.transpose(1, 2), field_rhs[..., None]], 2), factor)
        # Schur complement: the normal equations of the pose with the field eliminated
        schur = pose_pose - pose_field @ solved[..., :4]
        normal_rhs = pose_rhs - (pose_field @ solved[..., 4:])[..., 0]
        covariance = torch.linalg.inv(schur)
        step = (covariance @ normal_rhs[..., None])[..., 0]
        steps.append(step)
        fields.append(solved[..., 4] - (solved[..., :4] @ step[..., None])[..., 0])
        covariances.append(covariance)
        log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(1) + torch.logdet(schur)
        log_prior = spline.log_det - 2 * spline.size * math.log(prior_sd)
        quadratic = (field_rhs * solved[..., 4]).sum(1) + (normal_rhs * step).sum(1)
        log_likelihoods.append((quadratic - log_det + log_prior) / 2)
    all_steps, all_fields, all_covariances, likelihoods = (
        torch.stack(each, 1) for each in (steps, fields, covariances, log_likelihoods)
    )
    # of a bone with almost no contrast, rounding makes the normal equations indefinite: such a solution has no weight,
    # and a bone that has no other keeps its pose
    solved_well = likelihoods.isfinite() & all_steps.isfinite().all(2) & all_fields.isfinite().all(2)
    likelihoods = torch.where(solved_well, likelihoods, likelihoods.new_tensor(-1e30))
    all_steps, all_fields = (torch.where(solved_well[..., None], each, 0.0) for each in (all_steps, all_fields))
    no_field = torch.linalg.inv(pose_pose)[:, None]
    all_covariances = torch.where(solved_well[..., None, None], all_covariances, no_field)
    weights = torch.softmax(likelihoods, 1)
    step, new_coefficients = (torch.einsum("ns,nsk->nk", weights, each) for each in (all_steps, all_fields))
    deviation = all_steps - step[:, None]
    covariance = torch.einsum("ns,nsab->nab", weights, all_covariances)
    covariance = covariance + torch.einsum("ns,nsa,nsb->nab", weights, deviation, deviation)
    return step, new_coefficients, covariance, weights @ weights.new_tensor(prior_sds)


def _basis(length: int) -> Tensor:
    """Return (length, K) cubic B-splines whose nodes cover 0 .. length - 1 and one more on either side."""
    count = math.ceil((length - 1) / _NODE_PX) + 3
    first = ((length - 1) - (count - 3) * _NODE_PX) / 2 - _NODE_PX
    nodes = first + torch.arange(count) * _NODE_PX
    distance = (torch.arange(length)[:, None] - nodes[None]).abs() / _NODE_PX
    near, far = (4 - 6 * distance**2 + 3 * distance**3) / 6, (2 - distance).clamp_min(0) ** 3 / 6
    return torch.where(distance < 1, near, far)


@lru_cache(maxsize=32)
def _prior(rows: int, cols: int) -> tuple[Tensor, float]:
    """Return the inverse covariance of the field at a grid of nodes, and the logarithm of its determinant."""
    with torch.inference_mode(False):  # a tensor of inference could not be used for training later
        precision = torch.kron(_precision(rows), _precision(cols))
        return precision, float(torch.linalg.slogdet(precision)[1])


def _precision(count: int) -> Tensor:
    """Return the inverse covariance of the field at a row of nodes."""
    nodes = torch.arange(count, dtype=torch.float64) * _NODE_PX
    covariance = torch.exp(-0.5 * ((nodes[:, None] - nodes[None]) / _CORRELATION_LENGTH_PX) ** 2)
    return torch.linalg.inv(covariance + 1e-3 * torch.eye(count, dtype=torch.float64))
