"""Edge width of the bones on a joint image: how sharp a radiograph is, to compare two visits of one joint.

The edges are the left and right borders of both shafts, where no joint space changes. The profile across an edge is
averaged along the bone, which removes most noise; its width is the rise from the least to the largest intensity,
divided by the steepest slope. Contrast and intensity curve have little influence, because both scale alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.joint import BoneMasks

Array = NDArray[np.float64]
#: Bone (``"upper"`` or ``"lower"``) and border (``"left"`` or ``"right"``) of an edge.
Edge = tuple[str, str]

#: Length of a profile on either side of the edge, largest distance of the edge from the mask's border, and distance of
#: the shaft from the other bone, in mm.
_REACH_MM, _SEARCH_MM, _FROM_GAP_MM = 1.6, 0.8, 4.0
#: Smoothing for the search of the edge, and length along the bone over which profiles are averaged, in mm.
_SMOOTHING_MM, _BLOCK_MM = 0.25, 2.5
#: Step of a profile, in pixels.
_STEP = 0.25
#: Least rise of an edge, as a share of the full range of intensities.
_LEAST_RISE = 0.02
#: Least number of edges from which a change of sharpness is computed.
_LEAST_EDGES = 8


def edge_widths_mm(pixels: NDArray[np.float32], masks: BoneMasks, pixel_mm: float) -> dict[Edge, float]:
    """Return the width of the edges of both shafts in mm; edges out of view are left out.

    Parameters
    ----------
    pixels : (H, W) float32 array
        A joint image, bone bright, finger axis vertical.
    masks : BoneMasks
    pixel_mm : float
        Size of a (square) pixel in mm.
    """
    if not (masks.upper.any() and masks.lower.any()):
        return {}
    slope = np.gradient(ndimage.gaussian_filter(pixels.astype(np.float64), _SMOOTHING_MM / pixel_mm), axis=1)
    last_upper = np.flatnonzero(masks.upper.any(axis=1))[-1]
    first_lower = np.flatnonzero(masks.lower.any(axis=1))[0]
    away = round(_FROM_GAP_MM / pixel_mm)
    widths = {}
    for bone, mask in (("upper", masks.upper), ("lower", masks.lower)):
        rows = np.flatnonzero(mask.any(axis=1))
        rows = rows[rows <= last_upper - away] if bone == "upper" else rows[rows >= first_lower + away]
        if len(rows) == 0:
            continue
        borders = mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
        for border, cols, inwards in (("left", borders[0], 1), ("right", borders[1], -1)):
            width = _edge_width_px(pixels, inwards * slope, rows, cols, inwards, pixel_mm)
            if width is not None:
                widths[bone, border] = width * pixel_mm
    return widths


def sharpness_change(before: Mapping[str, Mapping[Edge, float]], now: Mapping[str, Mapping[Edge, float]]) -> float:
    """Return the relative change of edge width, positive if wider now: the median over the edges of all joints.

    Parameters
    ----------
    before, now : mapping of joint to mapping of edge to width
        NaN is returned where they have fewer than 8 edges in common.
    """
    ratios = [
        now[joint][edge] / before[joint][edge]
        for joint in before.keys() & now.keys()
        for edge in before[joint].keys() & now[joint].keys()
    ]
    return float(np.median(ratios)) - 1 if len(ratios) >= _LEAST_EDGES else float("nan")


def _edge_width_px(
    pixels: NDArray[np.float32],
    slope: Array,
    rows: NDArray[np.intp],
    cols: NDArray[np.intp],
    inwards: int,
    pixel_mm: float,
) -> float | None:
    """Return the median width of an edge over blocks of rows; None where too little of it is in view."""
    reach = int(np.ceil(_REACH_MM / pixel_mm)) + 3
    block = max(round(_BLOCK_MM / pixel_mm), 1)
    in_view = (cols >= reach) & (cols < pixels.shape[1] - reach)
    rows, cols = rows[in_view], cols[in_view]
    if len(rows) < block:
        return None
    offsets = np.arange(-_SEARCH_MM / pixel_mm, _SEARCH_MM / pixel_mm + 0.5)
    steepest = _sampled(slope, rows, cols[:, None] + offsets).argmax(axis=1)
    curve = _smooth_curve(rows, cols + offsets[steepest])
    across = np.arange(-_REACH_MM / pixel_mm, _REACH_MM / pixel_mm, _STEP)
    profiles = _sampled(pixels, rows, curve[:, None] + inwards * across)
    widths = []
    for first in range(0, len(rows) - block + 1, block):
        profile = ndimage.gaussian_filter1d(profiles[first : first + block].mean(axis=0), 1.0)
        rise = np.gradient(profile, _STEP)
        at = int(rise.argmax())
        height = profile[at:].max() - profile[: at + 1].min()
        if rise[at] > 0 and height > _LEAST_RISE:
            widths.append(float(height / rise[at]))
    return float(np.median(widths)) if widths else None


def _sampled(values: NDArray[np.floating], rows: NDArray[np.intp], cols: Array) -> Array:
    """Return values at columns (n, k) of n rows, interpolated linearly."""
    return np.asarray(ndimage.map_coordinates(values, [np.broadcast_to(rows[:, None], cols.shape), cols], order=1))


def _smooth_curve(rows: NDArray[np.intp], cols: Array) -> Array:
    """Return the columns of a polynomial through the edge, fitted robustly."""
    along = (rows - rows.mean()) / max(float(np.ptp(rows)), 1.0)
    weights, degree = np.ones(len(rows)), min(4, len(rows) // 10)
    curve = cols
    for _ in range(5):
        curve = np.polyval(np.polyfit(along, cols, degree, w=weights), along)
        away = cols - curve
        weights = 1 / (1 + (away / (2 * (1.48 * np.median(np.abs(away)) + 0.1))) ** 2)
    return np.asarray(curve, dtype=np.float64)
