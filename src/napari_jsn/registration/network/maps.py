"""Batches of bone maps as tensors: how they are built, and applied to points."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_part(a: Tensor, b: Tensor) -> Tensor:
    """Return the matrices [[a, -b], [b, a]] (..., 2, 2) of scale and rotation."""
    return torch.stack([a, -b, b, a], -1).unflatten(-1, (2, 2))


def scale_rotation(scale: Tensor, angle: Tensor) -> Tensor:
    """Return the linear parts (..., 2, 2) of scale factors and angles in radians."""
    return linear_part(scale * torch.cos(angle), scale * torch.sin(angle))


def homogeneous(linear: Tensor, offset: Tensor) -> Tensor:
    """Return (..., 3, 3) matrices for ``(x, y, 1)`` from linear parts (..., 2, 2) and offsets (..., 2)."""
    last = torch.tensor([0.0, 0.0, 1.0]).to(offset).expand(*offset.shape[:-1], 1, 3)
    return torch.cat([torch.cat([linear, offset[..., None]], -1), last], -2)


def similarities(dz: Tensor, dtheta: Tensor, translation: Tensor, centre: tuple[float, float]) -> Tensor:
    """Return matrices (..., 3, 3) of Eq. 1, ``S R T`` about a centre ``(x, y)``; ``translation`` is (..., 2)."""
    linear = scale_rotation(dz, dtheta)
    middle = translation.new_tensor(centre)
    return homogeneous(linear, middle - transform_vectors(linear, middle - translation))


def similarities_about(centre: Tensor, scale: Tensor, angle: Tensor, translation: Tensor) -> Tensor:
    """Return (..., 3, 3) matrices that scale and rotate about a centre (..., 2), then translate (..., 2)."""
    linear = scale_rotation(scale, angle)
    return homogeneous(linear, centre + translation - transform_vectors(linear, centre))


def transform_points(points: Tensor, linear: Tensor, offset: Tensor) -> Tensor:
    """Transform points (N, ..., 2) by one linear part (N, 2, 2) and offset (N, 2) each."""
    flat = points.flatten(1, -2) @ linear.transpose(1, 2) + offset[:, None]
    return flat.view(points.shape)


def transform_vectors(linear: Tensor, vectors: Tensor) -> Tensor:
    """Multiply vectors (..., 2) by one linear part (..., 2, 2) each."""
    return (linear @ vectors[..., None])[..., 0]
