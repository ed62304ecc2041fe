"""The mean hand: where its joints lie, how a hand found is laid on it, and which way each finger points."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.anatomy import JOINTS

Array = NDArray[np.float64]

#: Field of view of a joint image, a side, in mm of the hand (of an average adult's where the pixel size is unknown).
BOX_MM = 22.2
#: From the base of the third metacarpal to the tip of the middle finger's bone in an average adult.
HAND_MM = 157.0
#: How far off the mean hand's joint a joint may lie, in mm of an average adult: thumbs move most.
REACH_MM = {"1": 40.0, "2": 28.0, "3": 24.0, "4": 24.0, "5": 30.0}


@cache
def mean_hand() -> Array:
    """(14, 2) joint points ``(x, y)`` of an average adult's left hand, in mm about their own middle.

    Seen on a posteroanterior film, fingers up: x grows towards the thumb, y towards the wrist. In the order of
    :data:`napari_jsn.anatomy.JOINTS`.
    """
    from napari_jsn.simulation.skeleton import draw_skeleton

    rng = np.random.default_rng(0)
    both = [draw_skeleton(rng, sex, variation=0).points for sex in ("F", "M")]
    points = np.mean([[points[joint] for joint in JOINTS] for points in both], axis=0)
    return np.asarray(points - points.mean(axis=0))


def mirrored(points: ArrayLike) -> Array:
    """The same hand as the other hand: x turned round."""
    return np.asarray(points, dtype=float) * (-1.0, 1.0)


def fit(model: ArrayLike, points: ArrayLike, weights: ArrayLike) -> Array:
    """(2, 3) similarity that lays model points on points by weighted least squares (Umeyama 1991, no mirroring)."""
    model, points, weights = (np.asarray(each, dtype=float) for each in (model, points, weights))
    share = weights / weights.sum()
    from_, to = share @ model, share @ points
    z, w = (model - from_) @ (1, 1j), (points - to) @ (1, 1j)
    turn = (share * z.conj() * w).sum() / (share * np.abs(z) ** 2).sum()
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, to - linear @ from_])


def moved(matrix: ArrayLike, points: ArrayLike) -> Array:
    """Points (..., 2) under a (2, 3) or (3, 3) matrix."""
    matrix = np.asarray(matrix, dtype=float)
    return np.asarray(np.asarray(points, dtype=float) @ matrix[:2, :2].T + matrix[:2, 2])


def axes(points: ArrayLike) -> Array:
    """(14, 2) unit vectors from the distal to the proximal bone at each joint of a hand.

    At a joint between two others the mean direction of its two bones; at the first and the last joint of a finger
    the direction to its only neighbour, turned by what lies between the two in the mean hand.

    Parameters
    ----------
    points : (14, 2) array
        All joints; those not found as the mean hand has them.
    """
    points = np.asarray(points, dtype=float)
    found = np.empty_like(points)
    for k, joint in enumerate(JOINTS):
        neighbours = []
        if k and JOINTS[k - 1][-1] == joint[-1]:
            neighbours.append(_unit(points[k - 1] - points[k]))
        if k + 1 < len(JOINTS) and JOINTS[k + 1][-1] == joint[-1]:
            neighbours.append(_unit(points[k] - points[k + 1]))
        found[k] = _unit(np.sum(neighbours, axis=0))
    return found


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.hypot(*vector)), 1e-9))
