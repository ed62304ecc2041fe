"""Compute the narrowing of one joint between all pairs of visits, at the baseline's point along its axis."""

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
class CarriedFrame:
    """The baseline's point and axis in the joint image of a later visit.

    Attributes
    ----------
    point, axis : (2,) float array
        ``(x, y)`` in pixels, and a unit vector.
    scale : float
        Pixels of that joint image per pixel of the baseline's.
    """

    point: Array
    axis: Array
    scale: float


def pairwise_narrowings(
    registrations: Mapping[Ends, Registration], trusted: Collection[Ends], lever_px: float = 0.0
) -> list[PairwiseNarrowing]:
    """Return the narrowing between all pairs of visits, in baseline pixels.

    Point and axis are estimated on the baseline only, and mapped to other visits by the mean of both bones' maps: over
    reliable pairs if these connect the visit to the baseline, else over any pairs.

    Parameters
    ----------
    registrations : mapping of (first, second) to Registration
        Pairs of visits by index.
    trusted : collection of (first, second)
        Pairs that are reliable.
    lever_px : float
        Standard deviation of the distance of the point from the middle of the joint, in baseline pixels.
    """
    frames = carried_frames(registrations, trusted)
    found = []
    for (first, second), one in registrations.items():
        if first not in frames:
            continue
        frame = frames[first]
        jsn_px = joint_space_narrowing(one.upper.matrix, one.lower.matrix, frame.point, frame.axis) / frame.scale
        if not np.isfinite([jsn_px, one.jsn_sd_px]).all():
            continue
        lever = lever_px * rotation_rad(one)
        reliable = (first, second) in trusted
        found.append(PairwiseNarrowing(first, second, jsn_px, one.jsn_sd_px / frame.scale, reliable, lever))
    return found


def rotation_rad(registration: Registration) -> float:
    """Return the rotation of the upper bone against the lower one, -pi to pi."""
    rotation = registration.upper.dtheta - registration.lower.dtheta
    return float((rotation + np.pi) % (2 * np.pi) - np.pi)


def carried_frames(registrations: Mapping[Ends, Registration], trusted: Collection[Ends]) -> dict[int, CarriedFrame]:
    """Return point and axis at every visit that pairs connect to the baseline.

    Reliable pairs are used first, then the fewest pairs.
    """
    from_baseline = next((one for (first, _), one in registrations.items() if first == 0), None)
    if from_baseline is None:
        return {}
    maps = {0: np.eye(3)}
    for ends in (trusted, registrations):
        _add_maps(maps, {pair: registrations[pair] for pair in registrations if pair in ends})
    frames = {}
    for visit, matrix in maps.items():
        along = matrix[:2, :2] @ from_baseline.axis
        point = matrix[:2, :2] @ from_baseline.point + matrix[:2, 2]
        frames[visit] = CarriedFrame(point, along / np.hypot(*along), float(np.sqrt(np.linalg.det(matrix[:2, :2]))))
    return frames


def _add_maps(maps: dict[int, Array], registrations: Mapping[Ends, Registration]) -> None:
    """Add the map from the baseline to every visit that these registrations connect to it, over the fewest pairs."""
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
