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


@cache
def mean_hand() -> Array:
    """(14, 2) joint points ``(x, y)`` of an average adult's left hand, in mm about their own middle.

    Seen on a posteroanterior film, fingers up: x grows towards the thumb, y towards the wrist. In the order of
    :data:`napari_jsn.anatomy.JOINTS`.
    """
    points = _mean_points()
    joints = np.array([points[joint] for joint in JOINTS])
    return np.asarray(joints - joints.mean(axis=0))


@cache
def mean_metacarpals() -> Array:
    """(5, 2) unit vectors along the metacarpals 1 to 5 of :func:`mean_hand`, from their heads to their bases."""
    points = _mean_points()
    return np.array([_unit(points[f"CMC{ray}"] - points[f"MCP{ray}"]) for ray in range(1, 6)])


@cache
def _mean_points() -> dict[str, Array]:
    from napari_jsn.simulation.shapes.skeleton import draw_skeleton

    female, male = (draw_skeleton(np.random.default_rng(0), sex, variation=0).points for sex in ("F", "M"))
    return {name: (female[name] + male[name]) / 2 for name in female}


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


def axes(points: ArrayLike, hand: ArrayLike, mirror: bool) -> Array:
    """(14, 2) unit vectors from the distal to the proximal bone at each joint of a hand.

    The mean direction of a joint's two bones: from the next joint and to the one before; along the metacarpal as the
    mean hand lies there; a distal phalanx goes on as the bone before it.

    Parameters
    ----------
    points : (14, 2) array
        All joints; those not found where the mean hand has them.
    hand : (2, 3) array
        From the mean hand (its mirror image where ``mirror``) to the points.
    """
    points, linear = np.asarray(points, dtype=float), np.asarray(hand, dtype=float)[:, :2]
    metacarpals = mirrored(mean_metacarpals()) if mirror else mean_metacarpals()
    found = np.empty_like(points)
    for k, joint in enumerate(JOINTS):
        first = joint.startswith("MCP")
        before = _unit(linear @ metacarpals[int(joint[-1]) - 1]) if first else _unit(points[k - 1] - points[k])
        last = k + 1 == len(JOINTS) or JOINTS[k + 1].startswith("MCP")
        after = before if last else _unit(points[k] - points[k + 1])
        found[k] = _unit(before + after)
    return found


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.hypot(*vector)), 1e-9))
