"""Starting poses: the prediction of the network, and a correlation search over rotation and translation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from napari_jsn.registration.gauss_newton.bone_batch import DIRECTIONS, BoneBatch, Pose
from napari_jsn.registration.gauss_newton.interpolation import linear as interpolate
from napari_jsn.registration.gauss_newton.local_contrast import Window, local_contrast
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.registration.network.method import predict_both_directions

#: Rotations that are tried, in degrees.
_ROTATIONS_DEG = (-24, -18, -12, -6, 0, 6, 12, 18, 24)
#: Side of a coarse pixel, in working pixels.
_COARSE = 3


def network_pose(pairs: Sequence[PreparedPair], batch: BoneBatch) -> Pose:
    """Return the network's prediction for each bone; the two directions are predicted independently."""
    maps = predict_both_directions(pairs, batch.template.device)
    by_bone = [maps[:, 0 if forward else 1, ("upper", "lower").index(bone)] for bone, forward in DIRECTIONS]
    matrices = torch.as_tensor(np.stack(by_bone, 1).reshape(-1, 3, 3)).to(batch.template)
    linear = matrices[:, :2, :2]
    middle = batch.origin + batch.centre
    return Pose(linear, (linear @ middle[..., None])[..., 0] + matrices[:, :2, 2])


def correlation_search(batch: BoneBatch) -> Pose:
    """Find the pose of each bone to within about 3 degrees and 3 working pixels.

    The local contrast of the template is rotated, and correlated with that of the same bone in the other image at every
    translation. Each direction is searched independently: a start from the result of the other direction would hide
    mismatches.
    """
    n, height, width = batch.template.shape
    device, dtype = batch.template.device, batch.template.dtype
    rows, cols = batch.other.shape[1:]
    window = Window(rows, cols, batch.window_px, device, dtype)
    there = local_contrast(batch.other, batch.other_region, window) * batch.other_region
    there = F.avg_pool2d(there[:, None], _COARSE)[:, 0]
    here = F.avg_pool2d((batch.contrast * batch.region)[:, None], 3, 1, 1)[:, 0]

    across = math.ceil(math.hypot(height, width) / _COARSE)
    size = 1 << math.ceil(math.log2(max(there.shape[1:]) + across // 2))
    spectrum = torch.fft.rfft2(there, s=(size, size))
    at = (torch.arange(across, device=device, dtype=dtype) - (across - 1) / 2) * _COARSE
    best = torch.full((n,), -torch.inf, device=device, dtype=dtype)
    linear = torch.eye(2, device=device, dtype=dtype).repeat(n, 1, 1)
    translation = torch.zeros_like(batch.centre)
    for angle_deg in _ROTATIONS_DEG:
        cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        col = (cos * at[None, :] + sin * at[:, None])[None] + batch.centre[:, 0, None, None]
        row = (-sin * at[None, :] + cos * at[:, None])[None] + batch.centre[:, 1, None, None]
        inside = (col > -1) & (col < width) & (row > -1) & (row < height)
        rotated = interpolate(here, col, row) * inside
        score = torch.fft.irfft2(spectrum * torch.fft.rfft2(rotated, s=(size, size)).conj(), s=(size, size))
        peak, index = score.flatten(1).max(1)
        peak = peak / rotated.square().sum((1, 2)).sqrt().clamp_min(1e-6)
        offset = torch.stack([index % size, index // size], 1)
        offset = torch.where(offset >= size - across, offset - size, offset).to(dtype)
        moved_to = (offset + (across - 1) / 2) * _COARSE + (_COARSE - 1) / 2
        better = peak > best
        best = torch.where(better, peak, best)
        rotation = torch.tensor([[cos, -sin], [sin, cos]], device=device, dtype=dtype)
        linear = torch.where(better[:, None, None], rotation, linear)
        translation = torch.where(better[:, None], moved_to, translation)
    return Pose(linear, translation)
