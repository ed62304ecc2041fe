"""Measure the residual after the registration of two visits: what a similarity of each bone does not explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.registration.methods import PreparedPair

#: Pairs solved at once.
_BATCH = 16


@dataclass(frozen=True)
class Residual:
    """Figures of one joint pair after registration, each the mean over both bones and both directions.

    Attributes
    ----------
    residual : float
        Median over the bone's region of the absolute difference of the two local contrasts after the best similarity.
        Local contrast is intensity minus local mean, over local standard deviation, so it does not depend on gain and
        offset.
    rms : float
        Root mean square of the same difference: edges that moved count more.
    ncc : float
        Normalised cross-correlation of the two local contrasts.
    roll_sd_px : float
        Standard deviation of the roll field with the highest marginal likelihood, in pixels of 0.175 mm.
    rotation_deg : float
        Rotation of one bone against the other.
    scale_percent : float
        Magnification of the upper bone over that of the lower one, minus 1: bones that flex are foreshortened.
    """

    residual: float
    rms: float
    ncc: float
    roll_sd_px: float
    rotation_deg: float
    scale_percent: float


def registration_residuals(pairs: Sequence[PreparedPair]) -> list[Residual]:
    """Register pairs of about 0.175 mm per pixel by the similarity of ``refined``, and measure the residuals."""
    import torch

    from napari_jsn.registration.gauss_newton.solve import solve

    found: list[Residual] = []
    for first in range(0, len(pairs), _BATCH):
        batch = pairs[first : first + _BATCH]
        solved = solve(batch, torch.device("cpu"))
        for one, (residual, rms) in zip(solved, _residuals(batch, [s.maps[0] for s in solved]), strict=True):
            upper, lower = one.maps[0].mean(axis=0)
            relative = np.linalg.solve(lower[:2, :2], upper[:2, :2])
            angle = np.arctan2(relative[1, 0] - relative[0, 1], relative[0, 0] + relative[1, 1])
            rotation_deg = abs(float(np.rad2deg(angle)))
            scale_percent = 50.0 * float(np.log(abs(np.linalg.det(relative[:2, :2]))))
            ncc, roll_sd_px = float(one.ncc.mean()), float(one.roll_prior_sd_px.mean())
            found.append(Residual(residual, rms, ncc, roll_sd_px, rotation_deg, scale_percent))
    return found


def _residuals(pairs: Sequence[PreparedPair], maps: Sequence[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """Return median and rms of the residual of each pair, under maps (2 directions, 2 bones, 3, 3)."""
    import torch

    from napari_jsn.registration.gauss_newton.bone_batch import Pose, build_bone_batch

    with torch.inference_mode():
        problems = build_bone_batch(pairs, torch.device("cpu"), torch.float32)
        # The map of a problem is about the centre of its crop; backward problems map moving to fixed.
        matrices = np.stack([
            np.linalg.inv(one[k % 2, k // 2]) if k % 2 else one[k % 2, k // 2] for one in maps for k in range(4)
        ])  # fmt: skip
        linear = torch.as_tensor(matrices[:, :2, :2])
        middle = (problems.origin + problems.centre).double()
        shift = torch.as_tensor(matrices[:, :2, 2]) + (linear @ middle[..., None])[..., 0]
        seen, region = problems.sample(Pose(linear.float(), shift.float()))
        apart = (problems.contrast - seen).abs()
        each = [
            (float(a[r > 0].median()), float(a[r > 0].square().mean().sqrt())) if (r > 0).any() else (np.nan, np.nan)
            for a, r in zip(apart, region, strict=True)
        ]
    values = np.array(each).reshape(len(pairs), 4, 2).mean(axis=1)
    return [(float(median), float(rms)) for median, rms in values]
