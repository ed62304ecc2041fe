"""The narrowing between every two visits of one joint, at the baseline's point along the baseline's axis."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.progression.trajectory import PairwiseNarrowing
from napari_jsn.registration.result import Registration

Array = NDArray[np.float64]
#: Two visits by index, the earlier first; 0 is the baseline.
Ends = tuple[int, int]


@dataclass(frozen=True)
class Carried:
    """The baseline's point and axis in the joint image of a later visit.

    Attributes
    ----------
    point, axis : (2,) float array
        ``(x, y)`` in pixels, and a unit vector.
    scale : float
        Pixels there in a baseline pixel.
    """

    point: Array
    axis: Array
    scale: float


def pairwise_narrowings(
    registrations: Mapping[Ends, Registration], trusted: Collection[Ends]
) -> list[PairwiseNarrowing]:
    """Return the narrowing between every two visits, in baseline pixels.

    Point and axis are carried from the baseline by the mean of both bones' maps, through trusted pairs where these
    lead there, and never estimated again.

    Parameters
    ----------
    registrations : mapping of (first, second) to Registration
        Pairs of visits by index.
    trusted : collection of (first, second)
        Those that are reliable.
    """
    frames = carried(registrations, trusted)
    found = []
    for (first, second), one in registrations.items():
        if first not in frames:
            continue
        frame = frames[first]
        jsn_px = joint_space_narrowing(one.upper.matrix, one.lower.matrix, frame.point, frame.axis) / frame.scale
        if not np.isfinite([jsn_px, one.jsn_sd_px]).all():
            continue
        found.append(PairwiseNarrowing(first, second, jsn_px, one.jsn_sd_px / frame.scale, (first, second) in trusted))
    return found


def carried(registrations: Mapping[Ends, Registration], trusted: Collection[Ends]) -> dict[int, Carried]:
    """Return point and axis at every visit that registrations lead to, by the fewest pairs; trusted ones first."""
    own = next((one for (first, _), one in registrations.items() if first == 0), None)
    if own is None:
        return {}
    maps = {0: np.eye(3)}
    for ends in (trusted, registrations):
        _spread(maps, {pair: registrations[pair] for pair in registrations if pair in ends})
    frames = {}
    for visit, matrix in maps.items():
        along = matrix[:2, :2] @ own.axis
        point = matrix[:2, :2] @ own.point + matrix[:2, 2]
        frames[visit] = Carried(point, along / np.hypot(*along), float(np.sqrt(np.linalg.det(matrix[:2, :2]))))
    return frames


def _spread(maps: dict[int, Array], registrations: Mapping[Ends, Registration]) -> None:
    """Add the map from the baseline to every visit that these registrations lead to, fewest pairs first."""
    found = True
    while found:
        new: dict[int, Array] = {}
        for (first, second), one in registrations.items():
            mean = (one.upper.matrix + one.lower.matrix) / 2
            if first in maps and second not in maps:
                new.setdefault(second, mean @ maps[first])
            elif second in maps and first not in maps:
                new.setdefault(first, np.linalg.inv(mean) @ maps[second])
        maps |= new
        found = bool(new)
