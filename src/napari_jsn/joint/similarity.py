"""The paper's similarity (Eq. 1) in pixel coordinates, and joint space narrowing from two of them.

Pixel centres lie at integers. Arrays are (row, col); points and matrices act on ``(x, y, 1) = (col, row, 1)``. A
:class:`Similarity` maps a point of the fixed image to where it lies in the moving image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]

#: Swaps (x, y, 1) and (row, col, 1).
_SWAP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Similarity:
    """Scale, rotation and translation of one bone between two joint images (Wang et al. 2023, Eq. 1).

    Parameters
    ----------
    dz : float
        Scale factor; 1 is no scaling.
    dtheta : float
        Rotation in radians; positive from x towards y (clockwise on screen).
    dx, dy : float
        Translation in pixels, applied before rotation and scale.
    centre : tuple of float
        ``(x, y)`` of the fixed point of rotation and scale, in pixels: the centre of the joint image.

    Examples
    --------
    >>> import math
    >>> from napari_jsn.joint import Similarity
    >>> motion = Similarity(dtheta=math.pi / 2, dx=1.0, centre=(10.0, 10.0))
    >>> motion((10.0, 10.0)).round(6).tolist()
    [10.0, 11.0]
    """

    dz: float = 1.0
    dtheta: float = 0.0
    dx: float = 0.0
    dy: float = 0.0
    centre: tuple[float, float] = (0.0, 0.0)

    @property
    def matrix(self) -> Matrix:
        """3 x 3 matrix that maps a fixed ``(x, y, 1)`` to the moving image: ``S R T`` about the centre."""
        cos, sin = self.dz * np.cos(self.dtheta), self.dz * np.sin(self.dtheta)
        linear = np.array([[cos, -sin], [sin, cos]])
        centre = np.asarray(self.centre, dtype=float)
        matrix = np.eye(3)
        matrix[:2, :2] = linear
        matrix[:2, 2] = centre - linear @ (centre - (self.dx, self.dy))
        return matrix

    @property
    def affine_rc(self) -> Matrix:
        """The same matrix for ``(row, col, 1)``, as napari layers use it."""
        return affine_rc(self.matrix)

    @property
    def inverse(self) -> Similarity:
        """The inverse similarity, about the same centre."""
        return Similarity.from_matrix(np.linalg.inv(self.matrix), self.centre)

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, centre: tuple[float, float] = (0.0, 0.0)) -> Similarity:
        """Return scale, rotation and translation about ``centre`` of a 3 x 3 similarity matrix.

        Raises
        ------
        ValueError
            If the linear part is not a similarity: it shears, mirrors or scales differently along two axes.

        Examples
        --------
        >>> from napari_jsn import Similarity
        >>> Similarity.from_matrix([[2, 0, 6], [0, 2, -2], [0, 0, 1]])
        Similarity(dz=2.0, dtheta=0.0, dx=3.0, dy=-1.0, centre=(0.0, 0.0))
        """
        matrix = np.asarray(matrix, dtype=float)
        a, b = matrix[0, 0], matrix[1, 0]
        if not np.allclose(matrix[:2, :2], [[a, -b], [b, a]], atol=1e-6 * max(1.0, abs(a) + abs(b))):
            raise ValueError("The matrix is not a similarity: it shears, mirrors or scales differently along two axes.")
        centre_xy = np.asarray(centre, dtype=float)
        moved = matrix[:2, :2] @ centre_xy + matrix[:2, 2]
        translation = np.linalg.solve(matrix[:2, :2], moved - centre_xy)
        scale, angle, (dx, dy) = float(np.hypot(a, b)), float(np.arctan2(b, a)), map(float, translation)
        return cls(scale, angle, dx, dy, (float(centre[0]), float(centre[1])))

    def __call__(self, points: ArrayLike) -> NDArray[np.float64]:
        """Return fixed points, (..., 2) as ``(x, y)``, mapped to the moving image."""
        matrix = self.matrix
        return np.asarray(points, dtype=float) @ matrix[:2, :2].T + matrix[:2, 2]


def affine_rc(matrix: ArrayLike) -> Matrix:
    """Return a 3 x 3 matrix for ``(x, y, 1)`` as one for ``(row, col, 1)``, as napari layers use it."""
    return _SWAP @ np.asarray(matrix, dtype=float) @ _SWAP


def image_centre(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return ``(x, y)`` of the centre of an image of shape (rows, cols), in pixels."""
    return (shape[1] - 1) / 2, (shape[0] - 1) / 2


def pixel_scaling(factor: float) -> Matrix:
    """Return the 3 x 3 map from pixel ``(x, y, 1)`` to the grid whose pixels are ``factor`` times finer.

    Pixel centres lie at integers in both grids.

    Examples
    --------
    >>> from napari_jsn.joint.similarity import pixel_scaling
    >>> (pixel_scaling(2) @ (3, 0, 1)).tolist()
    [6.5, 0.5, 1.0]
    """
    offset = (factor - 1) / 2
    return np.array([[factor, 0, offset], [0, factor, offset], [0, 0, 1.0]])


def joint_space_narrowing(upper: ArrayLike, lower: ArrayLike, point: ArrayLike, axis: ArrayLike) -> float:
    """Return the narrowing along the joint axis in baseline pixels; positive is narrower in the follow-up.

    ``axis . A^-1 (U(point) - L(point))`` with ``A`` the mean of both linear parts, so that a rotation or magnification
    common to both bones has no effect.

    Parameters
    ----------
    upper, lower : (3, 3) array
        Maps of the two bones, fixed ``(x, y, 1)`` to moving.
    point : (2,) array
        ``(x, y)`` of the joint's reference point in the fixed image.
    axis : (2,) array
        Unit vector ``(x, y)`` from the upper to the lower bone in the fixed image.
    """
    upper, lower = np.asarray(upper, dtype=float), np.asarray(lower, dtype=float)
    mean_linear = (upper[:2, :2] + lower[:2, :2]) / 2
    homogeneous = np.append(np.asarray(point, dtype=float), 1.0)
    difference = (upper - lower)[:2] @ homogeneous
    return float(np.asarray(axis, dtype=float) @ np.linalg.solve(mean_linear, difference))
