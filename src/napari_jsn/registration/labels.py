"""Format the values of a registration as text, in the same form for printed tables, plots and widgets."""

from __future__ import annotations

import math

import numpy as np

from napari_jsn.joint.similarity import Similarity
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.result import Registration


def jsn_label(registration: Registration) -> str:
    """Return the narrowing in mm, or in pixels if the pixel size is not known."""
    narrowing, unit = registration.narrowing_and_unit
    return f"{_number(narrowing.value, unit)} {unit}"


def interval_label(registration: Registration) -> str:
    """Return the 95 % interval and the standard uncertainty of the narrowing."""
    narrowing, unit = registration.narrowing_and_unit
    low, high = (_number(end, unit) for end in narrowing.ci95)
    sd = _number(narrowing.sd, unit).lstrip("+")
    return f"{low} to {high} {unit} (sd {sd} {unit})"


def eq7_label(registration: Registration) -> str:
    """Return the paper's ``dy0 - dy1`` (Eq. 7)."""
    if registration.spacing_mm is None:
        return f"{_number(registration.upper.dy - registration.lower.dy, 'px')} px"
    return f"{_number(registration.jsn_eq7_mm, 'mm')} mm"


def loss_labels(registration: Registration) -> tuple[str, str]:
    """Return the original and the transformed loss, mean squared differences of intensity."""
    return f"{registration.original_loss:.5f}", f"{registration.transformed_loss:.5f}"


def state_label(registration: Registration) -> str:
    """Return the state; ``"failed"`` with the reasons, ``"wide"`` with what it means."""
    if registration.state == "wide":
        return f"wide: half the 95 % interval is over {registration.wide_mm:g} mm"
    return ": ".join(filter(None, (registration.state, registration.reason)))


def spacing_label(spacing_mm: Spacing) -> str:
    """Return the pixel size, or a note that it is not known."""
    if spacing_mm is None:
        return "not known, so figures are in pixels"
    return " x ".join(f"{size:.4g}" for size in np.atleast_1d(spacing_mm)) + " mm"


def motion_labels(motion: Similarity) -> tuple[str, str, str, str]:
    """Return scale, rotation and the two translations of one bone (Eq. 1)."""
    rotation = f"{motion.dtheta:+.5f} ({np.rad2deg(motion.dtheta):+.2f} deg)"
    return f"{motion.dz:.5f}", rotation, f"{motion.dx:+.3f}", f"{motion.dy:+.3f}"


def _number(value: float, unit: str) -> str:
    return f"{value:+.{2 if unit == 'px' else 3}f}" if math.isfinite(value) else "unknown"
