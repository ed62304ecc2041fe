"""Starts for every problem: what the network says, and the best of many turns and all shifts by correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from napari_jsn.registration.gauss_newton.bone_batch import DIRECTIONS, Pose, Problems
from napari_jsn.registration.gauss_newton.interpolation import linear as between
from napari_jsn.registration.gauss_newton.local_contrast import Window, local_contrast
from napari_jsn.registration.methods import Pair
from napari_jsn.registration.network.method import predict_both_directions

#: Turns that are tried, in degrees.
_TURNS_DEG = (-24, -18, -12, -6, 0, 6, 12, 18, 24)
#: Working pixels that one coarse pixel averages, each way.
_COARSE = 3


def learned(pairs: Sequence[Pair], problems: Problems) -> Pose:
    """Pose of each bone as the network sees it, either way by itself."""
    maps = predict_both_directions(pairs, problems.template.device)
    ways = [maps[:, 0 if forward else 1, ("upper", "lower").index(bone)] for bone, forward in DIRECTIONS]
    found = torch.as_tensor(np.stack(ways, 1).reshape(-1, 3, 3)).to(problems.template)
    linear = found[:, :2, :2]
    middle = problems.origin + problems.centre
    return Pose(linear, (linear @ middle[..., None])[..., 0] + found[:, :2, 2])


def search(problems: Problems) -> Pose:
    """Pose of each bone to within about 3 degrees and 3 working pixels.

    The template's local contrast is turned, and correlated with that of the same bone of the
    other image at every shift. No other problem's answer is used: starting one direction from the
    other's answer would hide mismatches.
    """
    n, height, width = problems.template.shape
    device, dtype = problems.template.device, problems.template.dtype
    rows, cols = problems.other.shape[1:]
    window = Window(rows, cols, problems.window_px, device, dtype)
    there = local_contrast(problems.other, problems.other_region, window) * problems.other_region
    there = F.avg_pool2d(there[:, None], _COARSE)[:, 0]
    here = F.avg_pool2d((problems.contrast * problems.region)[:, None], 3, 1, 1)[:, 0]

    across = math.ceil(math.hypot(height, width) / _COARSE)
    size = 1 << math.ceil(math.log2(max(there.shape[1:]) + across // 2))
    spectrum = torch.fft.rfft2(there, s=(size, size))
    at = (torch.arange(across, device=device, dtype=dtype) - (across - 1) / 2) * _COARSE
    best = torch.full((n,), -torch.inf, device=device, dtype=dtype)
    linear, shift = torch.eye(2, device=device, dtype=dtype).repeat(n, 1, 1), torch.zeros_like(problems.centre)
    for turn in _TURNS_DEG:
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        col = (cos * at[None, :] + sin * at[:, None])[None] + problems.centre[:, 0, None, None]
        row = (-sin * at[None, :] + cos * at[:, None])[None] + problems.centre[:, 1, None, None]
        inside = (col > -1) & (col < width) & (row > -1) & (row < height)
        turned = between(here, col, row) * inside
        score = torch.fft.irfft2(spectrum * torch.fft.rfft2(turned, s=(size, size)).conj(), s=(size, size))
        peak, index = score.flatten(1).max(1)
        peak = peak / turned.square().sum((1, 2)).sqrt().clamp_min(1e-6)
        offset = torch.stack([index % size, index // size], 1)
        offset = torch.where(offset >= size - across, offset - size, offset).to(dtype)
        found = (offset + (across - 1) / 2) * _COARSE + (_COARSE - 1) / 2
        better = peak > best
        best = torch.where(better, peak, best)
        turn_matrix = torch.tensor([[cos, -sin], [sin, cos]], device=device, dtype=dtype)
        linear = torch.where(better[:, None, None], turn_matrix, linear)
        shift = torch.where(better[:, None], found, shift)
    return Pose(linear, shift)
