"""Convert a registration to one flat row; the column names contain the units."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from napari_jsn.common.reasons import codes
from napari_jsn.joint.similarity import Similarity
from napari_jsn.networks.weights import short_identity
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.methods import CHECKS
from napari_jsn.registration.result import Registration

Record = dict[str, object]


def flat_record(registration: Registration) -> Record:
    """Return all values of a registration as one flat row; the column names contain the units.

    Translations are in pixels of the fixed image. They are applied first; then rotation and scale are applied about
    the centre of the joint image (Wang et al. 2023, Eq. 1). If the pixel size is not known, values in mm are NaN.
    """
    record: Record = {}
    for unit, narrowing in (("mm", registration.narrowing_mm), ("px", registration.narrowing_px)):
        record[f"jsn_{unit}"], record[f"jsn_sd_{unit}"] = narrowing.value, narrowing.sd
        record[f"ci_low_{unit}"], record[f"ci_high_{unit}"] = narrowing.ci95
    record["jsn_eq7_mm"] = registration.jsn_eq7_mm
    record["reliable"], record["state"] = registration.reliable, registration.state
    record["reasons"] = codes(registration.reasons)
    record["reason"] = registration.reason
    record |= motion_record(registration.upper, registration.lower, registration.point, registration.axis)
    record |= checks_record(registration.checks)
    record["original_loss"] = registration.original_loss
    record["transformed_loss"] = registration.transformed_loss
    record["spacing_mm"] = spacing_cell(registration.spacing_mm)
    record["method"] = registration.method
    return record | models_record(registration.models)


def models_record(models: Mapping[str, str]) -> Record:
    """Return the name and the first digits of the hash of each model, ``..._model``."""
    return {f"{task.replace('-', '_')}_model": short_identity(models[task]) for task in sorted(models)}


def checks_record(checks: Mapping[str, float]) -> Record:
    """Return the quantities that decide whether a registration has failed, ``check_...``; NaN where there is none."""
    return {f"check_{name}": checks.get(name, float("nan")) for name in CHECKS}


def motion_record(upper: Similarity, lower: Similarity, point: ArrayLike, axis: ArrayLike) -> Record:
    """Return the motion of both bones, and the point and axis ``(x, y)`` at which the narrowing is computed."""
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
    """Return a pixel size for one cell: NaN if it is not known, "height x width" if pixels are not square."""
    if isinstance(spacing_mm, tuple):
        return " x ".join(f"{size:.6g}" for size in spacing_mm)
    return float("nan") if spacing_mm is None else spacing_mm
