"""Find the two margins of a joint space with sub-pixel accuracy.

The lower margin is the outline of the proximal bone's head: the steepest increase of intensity near its mask. The upper
margin is the deepest surface of the concave base of the distal bone. It is not the outline of the mask, because the
rims of the base are projected over the head. On the radiograph it is the lower edge of a dense line, which is the
subchondral bone. The search finds the dense line first, and then the steepest decrease of intensity just below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import facing_margins
from napari_jsn.width.path import best_path, peak

Vector = NDArray[np.floating]

#: Spacing of the grid on which the margins are searched, in mm: across the finger and along the joint's axis.
ACROSS_MM, ALONG_MM = 0.15, 0.05
#: Extent of the grid beyond the joint's reference point, distally and proximally, in mm.
_EXTENT_MM = (4.0, 3.0)
#: Articulating width, as a share of the columns where the bones face each other.
_ARTICULATING = 0.5
#: Gaussian sd in mm: of the filter for edges along and across the axis, and of the filter along the axis for the
#: background that is subtracted to find the dense line.
_BLUR_MM, _BLUR_ACROSS_MM, _BACKGROUND_MM = 0.12, 0.3, 0.8
#: Largest distance of the head's edge from the outline of its mask in mm, and the cost per squared mm of distance.
_OFF_MASK_MM, _OFF_MASK_COST = 0.6, 8.0
#: Range of the distance from the head's edge up to the dense line, and largest distance from the dense line down to the
#: upper margin, in mm.
_LINE_MM, _BELOW_LINE_MM = (0.15, 3.2), 0.4
#: Cost of a path's step between columns, per squared row.
_STIFFNESS = 0.05
_MIN_COLUMNS = 8


@dataclass(frozen=True)
class Margins:
    """The two margins along the articulating width.

    Attributes
    ----------
    across : (n,) array
        Positions across the finger relative to the joint's reference point, in mm.
    upper, lower : (n,) arrays
        Position of each margin along the axis relative to the reference point, in mm; proximal is positive.
    upper_edge, lower_edge : (n,) arrays
        Intensity gradient at each margin, relative to the typical gradient inside bone.
    """

    across: Vector
    upper: Vector
    lower: Vector
    upper_edge: Vector
    lower_edge: Vector

    @property
    def widths(self) -> Vector:
        """(n,) distances between the margins, in mm."""
        return self.lower - self.upper


def find_margins(
    pixels: NDArray[np.float32], masks: BoneMasks, pixel_mm: float, point: Vector, axis: Vector
) -> Margins | None:
    """Find both margins of a joint image.

    Parameters
    ----------
    pixels : (H, W) float array
        Bone bright.
    masks : BoneMasks
    pixel_mm : float
    point, axis : (2,) arrays
        ``(x, y)`` of the joint's reference point in pixels, and unit vector ``(x, y)`` from upper to lower bone.

    Returns
    -------
    Margins or None
        None if the bones face each other in too few columns.
    """
    facing = int(np.isfinite(facing_margins(masks)[0]).sum()) * pixel_mm * abs(float(axis[1]))
    count = int(_ARTICULATING * facing / 2 / ACROSS_MM)
    if 2 * count + 1 < _MIN_COLUMNS:
        return None
    across = ACROSS_MM * np.arange(-count, count + 1)
    along = ALONG_MM * np.arange(-round(_EXTENT_MM[0] / ALONG_MM), round(_EXTENT_MM[1] / ALONG_MM) + 1)
    x, y = grid(along[:, None], across[None, :], pixel_mm, point, axis)
    head, base = (_sample(mask, x, y) > 0.5 for mask in (masks.lower, masks.upper))
    both = np.flatnonzero(head.any(axis=0) & base.any(axis=0))  # after a slide, one bone may be missing in some columns
    if len(both) < _MIN_COLUMNS:
        return None
    covered = slice(both[0], both[-1] + 1)
    across, x, y, head, base = across[covered], x[:, covered], y[:, covered], head[:, covered], base[:, covered]
    strip = ndimage.gaussian_filter1d(_sample(pixels, x, y), _BLUR_ACROSS_MM / ACROSS_MM, axis=1)
    intensity = ndimage.gaussian_filter1d(strip, _BLUR_MM / ALONG_MM, axis=0)
    gradient = ndimage.gaussian_filter1d(strip, _BLUR_MM / ALONG_MM, axis=0, order=1)
    line = intensity - ndimage.gaussian_filter1d(strip, _BACKGROUND_MM / ALONG_MM, axis=0)
    lower = _head_edge(gradient, head)
    upper = _base_edge(gradient, line, base, lower)
    columns = np.arange(len(across))
    typical = _typical_gradient(gradient, upper, lower)
    edges = [
        sign * ndimage.map_coordinates(gradient, [at, columns], order=1) / typical
        for sign, at in ((-1, upper), (1, lower))
    ]
    return Margins(across, along[0] + ALONG_MM * upper, along[0] + ALONG_MM * lower, *edges)


def grid(along: Vector, across: Vector, pixel_mm: float, point: Vector, axis: Vector) -> tuple[Vector, Vector]:
    """Return ``x`` and ``y`` in pixels of positions that are given in mm along and across the axis.

    The positions are relative to the point; ``along`` and ``across`` are broadcast against each other.
    """
    right = np.array([axis[1], -axis[0]])
    x, y = (point[k] + (along * axis[k] + across * right[k]) / pixel_mm for k in (0, 1))
    return x, y


def _head_edge(gradient: Vector, head: NDArray[np.bool_]) -> Vector:
    """Return the rows of the steepest increase near the outline of the head."""
    rows = np.arange(len(gradient))[:, None]
    off = ALONG_MM * (rows - head.argmax(axis=0))
    near = np.abs(off) <= _OFF_MASK_MM
    score = gradient / _largest(gradient) - _OFF_MASK_COST * off**2
    return peak(gradient, best_path(score, near, _STIFFNESS))


def _base_edge(gradient: Vector, line: Vector, base: NDArray[np.bool_], lower: Vector) -> Vector:
    """Return the rows of the steepest decrease just below the dense line of the base."""
    rows = np.arange(len(gradient))[:, None]
    above = ALONG_MM * (lower - rows)
    last = len(base) - 1 - base[::-1].argmax(axis=0)
    within = (above > _LINE_MM[0]) & (above < _LINE_MM[1]) & (rows <= last + _OFF_MASK_MM / 2 / ALONG_MM)
    dense = best_path(line / _largest(line), within, _STIFFNESS)
    below = (rows >= dense) & (rows <= dense + _BELOW_LINE_MM / ALONG_MM) & (above > 2 * ALONG_MM)
    return peak(-gradient, best_path(-gradient / _largest(gradient), below, _STIFFNESS))


def _typical_gradient(gradient: Vector, upper: Vector, lower: Vector) -> float:
    """Return the typical gradient (as an sd) inside bone, more than 1 mm away from the margins."""
    rows = np.arange(len(gradient))[:, None]
    inside = (rows < upper - 1 / ALONG_MM) | (rows > lower + 1 / ALONG_MM)
    return 1.4826 * float(np.median(np.abs(gradient[inside]))) + 1e-9 if inside.any() else _largest(gradient)


def _largest(values: Vector) -> float:
    return float(np.abs(values).max()) + 1e-9


def _sample(image: NDArray[np.generic], x: Vector, y: Vector) -> Vector:
    return np.asarray(ndimage.map_coordinates(image.astype(np.float32), [y, x], order=1, mode="nearest"), dtype=float)
