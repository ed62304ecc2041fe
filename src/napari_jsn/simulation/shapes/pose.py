"""Poses of solids in space, and the transform of a hand to the radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SolidPose:
    """Affine transform of a solid: a point ``p`` of its frame maps to ``matrix @ p + translation``, in mm.

    In space the matrix is a rotation. On the radiograph it also includes the mirroring and the magnification in the
    radiograph's plane.

    Attributes
    ----------
    matrix : (3, 3) float array
    translation : (3,) float array
    """

    matrix: Array
    translation: Array

    def __call__(self, points: NDArray[np.floating]) -> Array:
        """Map (..., 3) points of the solid's frame."""
        return np.asarray(points @ self.matrix.T + self.translation, dtype=np.float64)

    def inverse(self, points: NDArray[np.floating]) -> Array:
        """Map a (3,) or (n, 3) array of points back to the solid's frame."""
        return np.asarray(np.linalg.solve(self.matrix, (points - self.translation).T).T, dtype=np.float64)


@dataclass(frozen=True)
class BoneAngles:
    """Orientation of one bone, in degrees.

    Attributes
    ----------
    rotation_deg : float
        In the plane of the radiograph; positive is clockwise on the screen.
    flexion_deg : float
        Out of the plane.
    roll_deg : float
        About the bone's long axis.
    """

    rotation_deg: float = 0.0
    flexion_deg: float = 0.0
    roll_deg: float = 0.0

    def __add__(self, other: BoneAngles) -> BoneAngles:
        return BoneAngles(
            self.rotation_deg + other.rotation_deg,
            self.flexion_deg + other.flexion_deg,
            self.roll_deg + other.roll_deg,
        )

    def __sub__(self, other: BoneAngles) -> BoneAngles:
        return self + BoneAngles(-other.rotation_deg, -other.flexion_deg, -other.roll_deg)

    @property
    def matrix(self) -> Array:
        """(3, 3) rotation matrix."""
        return rotation_matrix(self.rotation_deg, self.flexion_deg, self.roll_deg)


def rotation_matrix(rotation_deg: float = 0.0, flexion_deg: float = 0.0, roll_deg: float = 0.0) -> Array:
    """Return the (3, 3) matrix of a roll about y, then a flexion about x, then a rotation in the plane.

    A positive rotation takes +x towards +y: clockwise on the screen.
    """
    t, f, r = np.deg2rad([rotation_deg, flexion_deg, roll_deg])
    in_plane = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    flexion = np.array([[1, 0, 0], [0, np.cos(f), -np.sin(f)], [0, np.sin(f), np.cos(f)]])
    roll = np.array([[np.cos(r), 0, np.sin(r)], [0, 1, 0], [-np.sin(r), 0, np.cos(r)]])
    return in_plane @ flexion @ roll


@dataclass(frozen=True)
class RadiographTransform:
    """Transform of a left hand to the radiograph, both in mm: mirrored, magnified, rotated, translated.

    Attributes
    ----------
    rotation_deg : float
        Clockwise on the screen.
    translation_mm : (float, float)
        x and y of the hand's origin on the radiograph.
    magnification : float
    mirrored : bool
        True for a right hand.
    """

    rotation_deg: float = 0.0
    translation_mm: tuple[float, float] = (0.0, 0.0)
    magnification: float = 1.0
    mirrored: bool = False

    @property
    def linear(self) -> Array:
        """(2, 2) linear part."""
        t = np.deg2rad(self.rotation_deg)
        rotation = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        return np.asarray(self.magnification * rotation @ np.diag([-1.0 if self.mirrored else 1.0, 1.0]))

    def points(self, xy: NDArray[np.floating]) -> Array:
        """Map (..., 2) points of the hand to the radiograph."""
        return np.asarray(np.asarray(xy) @ self.linear.T + self.translation_mm)

    def pose(self, pose: SolidPose) -> SolidPose:
        """Return a bone's pose on the radiograph from its pose in the hand."""
        space = np.eye(3)
        space[:2, :2] = self.linear
        return SolidPose(space @ pose.matrix, space @ pose.translation + [*self.translation_mm, 0.0])
