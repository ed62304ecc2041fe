"""How a registration's figures are written for a reader: the same in the printed table and in the drawn figure."""

from __future__ import annotations

import math

import numpy as np

from napari_jsn.joint.similarity import Similarity
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration.result import Registration


def jsn_words(registration: Registration) -> str:
    """The narrowing, in pixels where no pixel spacing is known."""
    unit = _unit(registration)
    return f"{_number(getattr(registration, f'jsn_{unit}'), unit)} {unit}"


def interval_words(registration: Registration) -> str:
    """Its 95 % interval and standard uncertainty."""
    unit = _unit(registration)
    low, high = (_number(end, unit) for end in getattr(registration, f"ci95_{unit}"))
    sd = _number(getattr(registration, f"jsn_sd_{unit}"), unit).lstrip("+")
    return f"{low} to {high} {unit} (sd {sd} {unit})"


def eq7_words(registration: Registration) -> str:
    """The paper's raw difference of both shifts."""
    if registration.spacing_mm is None:
        return f"{_number(registration.upper.dy - registration.lower.dy, 'px')} px"
    return f"{_number(registration.jsn_eq7_mm, 'mm')} mm"


def loss_words(registration: Registration) -> tuple[str, str]:
    """Original and transformed loss, mean squared differences of grey levels."""
    return f"{registration.original_loss:.5f}", f"{registration.transformed_loss:.5f}"


def reliability_words(registration: Registration) -> str:
    """Whether to trust the figure, and why not."""
    if registration.reliable:
        return "yes"
    return f"no: {registration.reason}" if registration.reason else "no"


def spacing_words(spacing_mm: Spacing) -> str:
    """A pixel size, or that there are no millimetres for want of one."""
    if spacing_mm is None:
        return "not known, so figures are in pixels"
    return " x ".join(f"{size:.4g}" for size in np.atleast_1d(spacing_mm)) + " mm"


def bone_words(motion: Similarity) -> tuple[str, str, str, str]:
    """Scale, turn and shift of one bone (Eq. 1)."""
    turn = f"{motion.dtheta:+.5f} ({np.rad2deg(motion.dtheta):+.2f} deg)"
    return f"{motion.dz:.5f}", turn, f"{motion.dx:+.3f}", f"{motion.dy:+.3f}"


def _unit(registration: Registration) -> str:
    return "px" if registration.spacing_mm is None else "mm"


def _number(value: float, unit: str) -> str:
    return f"{value:+.{2 if unit == 'px' else 3}f}" if math.isfinite(value) else "unknown"
