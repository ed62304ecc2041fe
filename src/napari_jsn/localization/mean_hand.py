"""The mean hand: where its joints lie, how to fit it to a hand on a radiograph, and the direction of each finger."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.anatomy import JOINTS

Array = NDArray[np.float64]

#: From the base of the third metacarpal to the tip of the middle finger's bone in an average adult.
HAND_MM = 157.0


@cache
def mean_hand() -> Array:
    """Return the (14, 2) joints ``(x, y)`` of an average adult's left hand, in mm about their mean.

    In a posteroanterior view, fingers up: x increases towards the thumb, y towards the wrist. In the order of
    :data:`napari_jsn.anatomy.JOINTS`.
    """
    points = _mean_points()
    joints = np.array([points[joint] for joint in JOINTS])
    return np.asarray(joints - joints.mean(axis=0))


@cache
def mean_metacarpals() -> Array:
    """Return (5, 2) unit vectors along metacarpals 1 to 5 of :func:`mean_hand`, from the heads to the bases."""
    points = _mean_points()
    return np.array([_unit(points[f"CMC{ray}"] - points[f"MCP{ray}"]) for ray in range(1, 6)])


@cache
def _mean_points() -> dict[str, Array]:
    from napari_jsn.simulation.shapes.skeleton import draw_skeleton

    female, male = (draw_skeleton(np.random.default_rng(0), sex, variation=0).points for sex in ("F", "M"))
    return {name: (female[name] + male[name]) / 2 for name in female}


def mirrored(points: ArrayLike) -> Array:
    """Return points with x negated: a left hand becomes a right one."""
    return np.asarray(points, dtype=float) * (-1.0, 1.0)


def fit_similarity(model: ArrayLike, points: ArrayLike, weights: ArrayLike) -> Array:
    """Fit the (2, 3) similarity from model points to points by weighted least squares (Umeyama 1991, no mirroring)."""
    model, points, weights = (np.asarray(each, dtype=float) for each in (model, points, weights))
    share = weights / weights.sum()
    model_mean, points_mean = share @ model, share @ points
    z, w = (model - model_mean) @ (1, 1j), (points - points_mean) @ (1, 1j)
    factor = (share * z.conj() * w).sum() / (share * np.abs(z) ** 2).sum()
    linear = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([linear, points_mean - linear @ model_mean])


def transform_points(matrix: ArrayLike, points: ArrayLike) -> Array:
    """Transform points (..., 2) by a (2, 3) or (3, 3) matrix."""
    matrix = np.asarray(matrix, dtype=float)
    return np.asarray(np.asarray(points, dtype=float) @ matrix[:2, :2].T + matrix[:2, 2])


def scale_of(matrix: ArrayLike) -> float:
    """Return the scale factor of a similarity matrix."""
    return float(np.hypot(*np.asarray(matrix, dtype=float)[:2, 0]))


def rotation_of_deg(matrix: ArrayLike) -> float:
    """Return the rotation of a similarity matrix in degrees, positive clockwise on the screen."""
    matrix = np.asarray(matrix, dtype=float)
    return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


def joint_axes(points: ArrayLike, from_mean: ArrayLike, right: bool) -> Array:
    """Return (14, 2) unit vectors from the distal to the proximal bone at each joint of a hand.

    An axis is the mean direction of the joint's two bones. A phalanx runs from one joint of its finger to the next; a
    metacarpal runs as the mean hand's; a distal phalanx continues the bone before it.

    Parameters
    ----------
    points : (14, 2) array
        All joints; those that were not found where the mean hand has them.
    from_mean : (2, 3) array
        Similarity from the mean hand (its mirror image for a right hand) to the points.
    right : bool
    """
    points, linear = np.asarray(points, dtype=float), np.asarray(from_mean, dtype=float)[:, :2]
    metacarpals = mirrored(mean_metacarpals()) if right else mean_metacarpals()
    axes = np.empty_like(points)
    for k, joint in enumerate(JOINTS):
        first = joint.startswith("MCP")
        before = _unit(linear @ metacarpals[int(joint[-1]) - 1]) if first else _unit(points[k - 1] - points[k])
        last = k + 1 == len(JOINTS) or JOINTS[k + 1].startswith("MCP")
        after = before if last else _unit(points[k] - points[k + 1])
        axes[k] = _unit(before + after)
    return axes


def _unit(vector: Array) -> Array:
    return np.asarray(vector / max(float(np.hypot(*vector)), 1e-9))
