"""What remains after registering two visits: all that a similarity of each bone cannot explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.registration.methods import PreparedPair

#: Pairs solved at once.
_BATCH = 16
#: Gauss-Newton steps at full resolution, as the method `refined` takes.
_STEPS = 5


@dataclass(frozen=True)
class Remainder:
    """Figures of one joint pair, each the mean over both bones and both directions.

    Attributes
    ----------
    residual : float
        Median over the bone's region of the absolute difference of the two local contrasts (grey level less local
        mean, over local spread; so gain and offset are solved at every place) after the best similarity.
    rms : float
        Its root mean square: edges that moved weigh more.
    likeness : float
        Correlation of the two local contrasts.
    strength_px : float
        Standard deviation of the sideways field that evidence asks for, in pixels of 0.175 mm.
    turn_deg : float
        Turn of the two bones against each other.
    """

    residual: float
    rms: float
    likeness: float
    strength_px: float
    turn_deg: float


def remainders(pairs: Sequence[PreparedPair]) -> list[Remainder]:
    """Register pairs of about 0.175 mm a pixel by the similarity of `refined`, and measure what is left."""
    import torch

    from napari_jsn.registration.gauss_newton.solve import solve

    found: list[Remainder] = []
    for first in range(0, len(pairs), _BATCH):
        some = pairs[first : first + _BATCH]
        solved = solve(some, torch.device("cpu"))
        for one, (residual, rms) in zip(solved, _left(some, [s.maps[0] for s in solved]), strict=True):
            upper, lower = one.maps[0].mean(axis=0)
            between = np.linalg.solve(lower[:2, :2], upper[:2, :2])
            turn = float(np.rad2deg(np.arctan2(between[1, 0] - between[0, 1], between[0, 0] + between[1, 1])))
            found.append(Remainder(residual, rms, float(one.ncc.mean()), float(one.roll_prior_sd_px.mean()), abs(turn)))
    return found


def _left(pairs: Sequence[PreparedPair], maps: Sequence[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """Median and root mean square of the residual of each pair, under maps (2 directions, 2 bones, 3, 3)."""
    import torch

    from napari_jsn.registration.gauss_newton.bone_batch import Pose, build_bone_batch

    with torch.inference_mode():
        problems = build_bone_batch(pairs, torch.device("cpu"), torch.float32)
        # a problem's map counts from the middle of its crop; backward ones run from moving to fixed
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
