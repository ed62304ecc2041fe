"""The two margins of a joint space, finer than a pixel.

The lower margin is the outline of the proximal bone's head: the steepest rise of grey near its mask. The upper
margin is the floor of the distal bone's hollow base. Its rims reach over the head, so the mask's outline is not it; on
the film it is the lower edge of the dense line that the subchondral bone draws. So the dense line is found first, and
the steepest fall of grey just below it then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import facing_margins, joint_frame
from napari_jsn.width.path import best_path, peak

Vector = NDArray[np.floating]

#: Grid on which the margins are looked for, in mm: across the finger and along the joint's axis.
ACROSS_MM, ALONG_MM = 0.15, 0.05
#: What is looked at beyond the joint's point, distally and proximally, in mm.
_REACH_MM = (4.0, 3.0)
#: Articulating width, as a share of the columns where the bones face each other.
_ARTICULATING = 0.5
#: Blur of the edges along and across, and of what counts as the surroundings of the dense line, in mm.
_BLUR_MM, _BLUR_ACROSS_MM, _SURROUNDINGS_MM = 0.12, 0.3, 0.8
#: How far the head's edge lies from its mask at most, and what a distance costs, over its square in mm.
_OFF_MASK_MM, _OFF_MASK_COST = 0.6, 8.0
#: Where the dense line lies above the head's edge, and the upper margin below the dense line, in mm.
_LINE_MM, _BELOW_LINE_MM = (0.15, 3.2), 0.4
_STIFFNESS = 0.05
_LEAST_COLUMNS = 8
#: The most that the joint line can be askew before the masks are misdrawn.
_STEEPEST = 0.6


@dataclass(frozen=True)
class Margins:
    """The margins along the articulating width.

    Attributes
    ----------
    across : (n,) array
        Places across the finger from the joint's point, in mm.
    upper, lower : (n,) arrays
        How far proximal of the joint's point each margin lies there, in mm along the axis.
    upper_edge, lower_edge : (n,) arrays
        Steepness of each margin against the usual steepness inside bone.
    """

    across: Vector
    upper: Vector
    lower: Vector
    upper_edge: Vector
    lower_edge: Vector

    @property
    def widths(self) -> Vector:
        """(n,) distances between the margins in mm."""
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
        ``(x, y)`` of the joint's point, and unit vector ``(x, y)`` from upper to lower bone.

    Returns
    -------
    Margins or None
        None where the bones hardly face each other.
    """
    facing = int(np.isfinite(facing_margins(masks)[0]).sum()) * pixel_mm * abs(float(axis[1]))
    count = int(_ARTICULATING * facing / 2 / ACROSS_MM)
    if 2 * count + 1 < _LEAST_COLUMNS:
        return None
    across = ACROSS_MM * np.arange(-count, count + 1)
    along = ALONG_MM * np.arange(-round(_REACH_MM[0] / ALONG_MM), round(_REACH_MM[1] / ALONG_MM) + 1)
    x, y = grid(along[:, None], across[None, :], pixel_mm, point, axis)
    head, base = (_sample(mask, x, y) > 0.5 for mask in (masks.lower, masks.upper))
    both = np.flatnonzero(head.any(axis=0) & base.any(axis=0))  # a bone that slid sideways may miss a few
    if len(both) < _LEAST_COLUMNS:
        return None
    seen = slice(both[0], both[-1] + 1)
    across, x, y, head, base = across[seen], x[:, seen], y[:, seen], head[:, seen], base[:, seen]
    strip = ndimage.gaussian_filter1d(_sample(pixels, x, y), _BLUR_ACROSS_MM / ACROSS_MM, axis=1)
    grey = ndimage.gaussian_filter1d(strip, _BLUR_MM / ALONG_MM, axis=0)
    rise = ndimage.gaussian_filter1d(strip, _BLUR_MM / ALONG_MM, axis=0, order=1)
    line = grey - ndimage.gaussian_filter1d(strip, _SURROUNDINGS_MM / ALONG_MM, axis=0)
    lower = _head_edge(rise, head)
    upper = _base_edge(rise, line, base, lower)
    columns = np.arange(len(across))
    usual = _usual(rise, upper, lower)
    edges = [
        sign * ndimage.map_coordinates(rise, [at, columns], order=1) / usual for sign, at in ((-1, upper), (1, lower))
    ]
    return Margins(across, along[0] + ALONG_MM * upper, along[0] + ALONG_MM * lower, *edges)


def joint_normal(masks: BoneMasks) -> Vector:
    """Unit vector ``(x, y)`` across the joint line, from upper to lower bone: the mean slope of the facing margins.

    The width is taken along it and not along the bones' axis, which a joint at rest may be askew to.
    """
    margins = facing_margins(masks)
    columns = np.flatnonzero(np.isfinite(margins[0]))
    turned_away = len(columns) // 5
    inner = columns[turned_away : len(columns) - turned_away]
    if len(inner) < _LEAST_COLUMNS:
        return joint_frame(masks)[1]
    slope = float(np.mean([np.polyfit(inner, margin[inner], 1)[0] for margin in margins]))
    return np.array([-slope, 1.0]) / np.hypot(slope, 1.0) if abs(slope) < _STEEPEST else joint_frame(masks)[1]


def grid(along: Vector, across: Vector, pixel_mm: float, point: Vector, axis: Vector) -> tuple[Vector, Vector]:
    """``x`` and ``y`` in pixels of places in mm along and across the joint's axis from its point; broadcasts."""
    right = np.array([axis[1], -axis[0]])
    x, y = (point[k] + (along * axis[k] + across * right[k]) / pixel_mm for k in (0, 1))
    return x, y


def _head_edge(rise: Vector, head: NDArray[np.bool_]) -> Vector:
    """Rows of the steepest rise near the outline of the head."""
    rows = np.arange(len(rise))[:, None]
    off = ALONG_MM * (rows - head.argmax(axis=0))
    near = np.abs(off) <= _OFF_MASK_MM
    score = rise / _top(rise) - _OFF_MASK_COST * off**2
    return peak(rise, best_path(score, near, _STIFFNESS))


def _base_edge(rise: Vector, line: Vector, base: NDArray[np.bool_], lower: Vector) -> Vector:
    """Rows of the steepest fall just below the dense line of the base."""
    rows = np.arange(len(rise))[:, None]
    above = ALONG_MM * (lower - rows)
    last = len(base) - 1 - base[::-1].argmax(axis=0)
    within = (above > _LINE_MM[0]) & (above < _LINE_MM[1]) & (rows <= last + _OFF_MASK_MM / 2 / ALONG_MM)
    dense = best_path(line / _top(line), within, _STIFFNESS)
    below = (rows >= dense) & (rows <= dense + _BELOW_LINE_MM / ALONG_MM) & (above > 2 * ALONG_MM)
    return peak(-rise, best_path(-rise / _top(rise), below, _STIFFNESS))


def _usual(rise: Vector, upper: Vector, lower: Vector) -> float:
    """Usual steepness (as an sd) inside bone, over 1 mm away from the margins."""
    rows = np.arange(len(rise))[:, None]
    inside = (rows < upper - 1 / ALONG_MM) | (rows > lower + 1 / ALONG_MM)
    return 1.4826 * float(np.median(np.abs(rise[inside]))) + 1e-9 if inside.any() else _top(rise)


def _top(values: Vector) -> float:
    return float(np.abs(values).max()) + 1e-9


def _sample(image: NDArray[np.generic], x: Vector, y: Vector) -> Vector:
    return np.asarray(ndimage.map_coordinates(image.astype(np.float32), [y, x], order=1, mode="nearest"), dtype=float)
