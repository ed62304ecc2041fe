"""A registration as one flat row whose names tell their units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_jsn.joint.similarity import Similarity
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.result import Registration

Record = dict[str, object]


def flat_record(registration: Registration) -> Record:
    """Every figure of a registration under a name that tells its unit.

    Shifts are in pixels of the fixed image and act before turn and scale, which leave the centre of
    the joint image in place (Wang et al. 2023, Eq. 1). Figures that need a pixel spacing are NaN without one.
    """
    record: Record = {}
    for unit in ("mm", "px"):
        low, high = getattr(registration, f"ci95_{unit}")
        record[f"jsn_{unit}"] = getattr(registration, f"jsn_{unit}")
        record[f"jsn_sd_{unit}"] = getattr(registration, f"jsn_sd_{unit}")
        record[f"ci_low_{unit}"], record[f"ci_high_{unit}"] = low, high
    record["jsn_eq7_mm"] = registration.jsn_eq7_mm
    record["reliable"], record["reason"] = bool(registration.reliable), registration.reason
    record |= motion_record(registration.upper, registration.lower, registration.point, registration.axis)
    record["original_loss"] = registration.original_loss
    record["transformed_loss"] = registration.transformed_loss
    record["spacing_mm"] = spacing_cell(registration.spacing_mm)
    record["method"] = registration.method
    return record


def motion_record(upper: Similarity, lower: Similarity, point: ArrayLike, axis: ArrayLike) -> Record:
    """The motion of both bones, and the ``(x, y)`` of the fixed image at which and along which narrowing is read."""
    record: Record = {}
    for bone, motion in (("upper", upper), ("lower", lower)):
        record[f"{bone}_dz"] = motion.dz
        record[f"{bone}_dtheta_rad"] = motion.dtheta
        record[f"{bone}_dtheta_deg"] = float(np.rad2deg(motion.dtheta))
        record[f"{bone}_dx_px"], record[f"{bone}_dy_px"] = motion.dx, motion.dy
        record[f"{bone}_centre_x_px"], record[f"{bone}_centre_y_px"] = motion.centre
    record["point_x_px"], record["point_y_px"] = np.asarray(point, dtype=float).tolist()
    record["axis_x"], record["axis_y"] = np.asarray(axis, dtype=float).tolist()
    return record


def spacing_cell(spacing_mm: Spacing) -> float | str:
    """A pixel size for one cell: NaN where it is not known, both sides where pixels are not square."""
    if isinstance(spacing_mm, tuple):
        return " x ".join(f"{size:.6g}" for size in spacing_mm)
    return float("nan") if spacing_mm is None else spacing_mm
