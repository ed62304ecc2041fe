"""The joint's own frame: one anatomical point and the axis from the upper to the lower bone.

Both decide how turns and sideways motion of the bones count, so what matters is that they are found at the
same place of the same joint again, and near the place that the joint turns about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_jsn.joint import BoneMasks

Vector = NDArray[np.float64]

#: Where the midlines of the bones are taken: so far from the joint space, as shares of the image height (2 to 10.5 mm
#: of 22.2 mm). Nearer to it bones flare, and one-sidedly so.
_NEAR, _REACH = 0.09, 0.47
#: Rows that a midline needs, and about the most that are looked at.
_LEAST_ROWS, _MOST_ROWS = 8, 30
#: Weights of the upper bone's midline, the lower bone's, and the perpendicular of the joint line in the joint's axis.
#: On 320 simulated joints the axis is so off by 0.6 deg (root mean square); by the joint line alone 2.0 deg.
_AXIS_WEIGHTS = (0.25, 0.5, 0.25)
#: How far from the joint space a bone without a midline has its breadth taken, as a share of the image height.
_BROADEST = 0.15
#: Share of the facing columns, at either end, where margins turn away from the joint space.
_TURNED_AWAY = 0.2
#: The most that the joint line can be askew before it is a misdrawn mask.
_STEEPEST = 0.6


def joint_frame(masks: BoneMasks) -> tuple[Vector, Vector]:
    """Reference point and joint axis of a joint image, from its two bones.

    The point lies where the midlines of the two bones, extended to the joint space, meet it (their mean), midway
    between the two facing margins: off the middle of simulated joints by 0.19 mm sideways (root mean square), against
    0.29 mm for the middle of both bones at their broadest. The axis is the mean of the two midlines and the
    perpendicular of the joint line, and points from the upper to the lower bone.

    Parameters
    ----------
    masks : BoneMasks
        Bones, or halves of the image.

    Returns
    -------
    point, axis : (2,) float arrays
        ``(x, y)`` in pixels, and a unit vector ``(x, y)``.
    """
    bottom, top = facing_margins(masks)
    columns = np.flatnonzero(np.isfinite(bottom) & np.isfinite(top))
    if len(columns) < 3:  # bones that hardly face each other
        return _between_centres(masks)
    middle = (columns[0] + columns[-1]) / 2
    row = _gap_row(bottom, top, columns, middle)
    if are_halves(masks):  # halves say nothing of the bones' direction; the crop's axis stands in
        return np.array([middle, row]), np.array([0.0, 1.0])
    axis = _across_joint_line(masks, bottom, top, columns)
    lines = [_midline(mask, row, way) for mask, way in ((masks.upper, -1), (masks.lower, 1))]
    if lines[0] is None or lines[1] is None:
        middle = _middle(masks, row)
    else:
        middle = float(np.mean([column for column, _ in (lines[0], lines[1])]))
        down = [np.array([slope, 1.0]) / np.hypot(slope, 1.0) for _, slope in (lines[0], lines[1])]
        axis = np.average([*down, axis], axis=0, weights=_AXIS_WEIGHTS)
        axis = axis / np.hypot(*axis)
    middle = float(np.clip(middle, columns[0], columns[-1]))
    return np.array([middle, _gap_row(bottom, top, columns, middle)]), axis


def _midline(mask: NDArray[np.bool_], row: float, way: int) -> tuple[float, float] | None:
    """Column at which a bone's midline, extended, meets a row, and the slope of the line in columns a row.

    Theil's robust line: a part of the mask that leaks does not turn it.

    ``way`` is -1 for the bone above and 1 for that below. None where the bone is too short or too askew.
    """
    from scipy.stats import theilslopes

    height, width = mask.shape
    away = way * (np.arange(height) - row) / height
    rows = np.flatnonzero((away >= _NEAR) & (away <= _REACH) & mask.any(axis=1))
    if len(rows) < _LEAST_ROWS:
        return None
    first = mask[rows].argmax(axis=1)
    last = width - 1 - mask[rows, ::-1].argmax(axis=1)
    whole = (first > 0) & (last < width - 1)  # rows that the image's border cuts have no middle
    if whole.sum() < _LEAST_ROWS:
        return None
    some = np.flatnonzero(whole)[:: max(1, round(whole.sum() / _MOST_ROWS))]
    slope, column, *_ = theilslopes((first + last)[some] / 2, rows[some] - row, method="joint")
    return None if abs(slope) > _STEEPEST else (float(column), float(slope))


def are_halves(masks: BoneMasks) -> bool:
    """Whether a mask is a side of the image rather than a bone: it reaches from border to border."""
    return any(bool(mask[:, 0].any() and mask[:, -1].any()) for mask in (masks.upper, masks.lower))


def facing_margins(masks: BoneMasks) -> tuple[Vector, Vector]:
    """Row of the upper bone's last pixel and of the lower bone's first, per column; NaN where either is absent."""
    rows = np.arange(masks.shape[0])[:, None]
    bottom = np.where(masks.upper, rows, -1).max(axis=0).astype(float)
    top = np.where(masks.lower, rows, masks.shape[0]).min(axis=0).astype(float)
    absent = (bottom < 0) | (top >= masks.shape[0])
    bottom[absent], top[absent] = np.nan, np.nan
    return bottom, top


def _gap_row(bottom: Vector, top: Vector, columns: NDArray[np.int_], middle: float) -> float:
    """Row midway between the margins, over the columns around the middle."""
    near = columns[np.abs(columns - middle) <= max(2.0, 0.05 * len(columns))]
    return float(np.mean((bottom[near] + top[near]) / 2))


def _middle(masks: BoneMasks, row: float) -> float:
    """Mean of both bones' middle columns, each bone at its broadest near the joint."""
    reach = max(4, round(_BROADEST * masks.shape[0]))
    start = round(row)
    parts = (masks.upper[max(0, start - reach) : start], masks.lower[start + 1 : start + 1 + reach])
    middles = []
    for part, mask in zip(parts, (masks.upper, masks.lower), strict=True):
        columns = np.flatnonzero((part if part.any() else mask).any(axis=0))
        middles.append((columns[0] + columns[-1]) / 2)
    return float(np.mean(middles))


def _across_joint_line(masks: BoneMasks, bottom: Vector, top: Vector, columns: NDArray[np.int_]) -> Vector:
    """Perpendicular to the joint line: the mean slope of the two margins over their middle part."""
    cut = int(_TURNED_AWAY * len(columns))
    inner = columns[cut : len(columns) - cut]
    if len(inner) < 5:
        return _between_centres(masks)[1]
    slope = float(np.mean([np.polyfit(inner, margin[inner], 1)[0] for margin in (bottom, top)]))
    if abs(slope) > _STEEPEST:
        return _between_centres(masks)[1]
    return np.array([-slope, 1.0]) / np.hypot(slope, 1.0)


def _between_centres(masks: BoneMasks) -> tuple[Vector, Vector]:
    """The midpoint of the two bones' centres, and the direction from one to the other."""
    upper, lower = (np.argwhere(mask).mean(axis=0)[::-1] for mask in (masks.upper, masks.lower))
    apart = lower - upper
    length = float(np.hypot(*apart))
    return (upper + lower) / 2, apart / length if length > 1 else np.array([0.0, 1.0])
