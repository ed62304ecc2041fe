"""What a report holds of one joint at one visit: one table for writing and reading."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from napari_jsn.anatomy import FIGURE_CODES, Code
from napari_jsn.progression.progression import JointView, Narrowing, Progression

UNITS = {
    "mm": Code("mm", "UCUM", "millimeter"),
    "px": Code("{pixels}", "UCUM", "pixels"),
    "deg": Code("deg", "UCUM", "degree"),
}


@dataclass(frozen=True, eq=False)
class Figures:
    """One measurement group.

    Attributes
    ----------
    joint, side : str
    visit : int
    day : date or None
    values : mapping of str to float
        By column, its unit at its end: ``"jsn_mm"``; only what was measured.
    trust : mapping of str to (bool, str)
        Whether what was measured is reliable, and why not: ``"reliable"`` of the narrowing, ``"jsw_reliable"`` of the
        width.
    baseline, view : JointView or None
        The joint at baseline and at this visit.
    point : (float, float) or None
        ``(x, y)`` on the baseline's joint image at which narrowing is read.
    """

    joint: str
    side: str
    visit: int
    day: date | None
    values: dict[str, float]
    trust: dict[str, tuple[bool, str]]
    baseline: JointView | None
    view: JointView | None
    point: tuple[float, float] | None = None


def code_of(column: str) -> tuple[Code, Code]:
    """Concept and unit of a column."""
    name, unit = column.rsplit("_", 1)
    return FIGURE_CODES[name], UNITS[unit]


#: Every column that a report can hold; pixels stand in where no spacing is known.
COLUMNS = (
    "jsn_mm", "jsn_sd_mm", "ci_low_mm", "ci_high_mm", "jsn_px", "jsn_sd_px", "closure_mm", "angle_deg", "jsw_mm",
    "jsw_sd_mm", "jsw_px", "jsw_sd_px", "jsw_change_mm", "jsw_change_sd_mm",
)  # fmt: skip


def figures(p: Progression) -> list[Figures]:
    """By joint as in the progression, the baseline (where its joint space width is known) before the follow-ups."""
    days = {(film.side or "", film.visit): film.day for film in p.films}
    first = min((film.visit for film in p.films), default=1)
    found: list[Figures] = []
    for narrowing in p.narrowings:
        joint, side, baseline = narrowing.joint, narrowing.side, narrowing.baseline
        new = not any((other.joint, other.side) == (joint, side) for other in found)
        if new and baseline is not None and (values := _measured(_width(baseline))):
            day = days.get((side, first))
            found.append(Figures(joint, side, first, day, values, _trust(baseline), baseline, baseline))
        followup, registration, values = narrowing.followup, narrowing.registration, _narrowing(narrowing)
        trust = {"reliable": (narrowing.reliable, narrowing.reason)}
        if followup is not None and (width := _measured(_width(followup))):
            values |= width
            trust |= _trust(followup)
        point = None if registration is None else (float(registration.point[0]), float(registration.point[1]))
        day = days.get((side, narrowing.visit))
        found.append(Figures(joint, side, narrowing.visit, day, _measured(values), trust, baseline, followup, point))
    return found


def _narrowing(narrowing: Narrowing) -> dict[str, float]:
    values = {
        "jsn_mm": narrowing.jsn_mm,
        "jsn_sd_mm": narrowing.jsn_sd_mm,
        "ci_low_mm": narrowing.ci95_mm[0],
        "ci_high_mm": narrowing.ci95_mm[1],
        "closure_mm": narrowing.closure_mm,
        "angle_deg": narrowing.angle_deg,
        "jsw_change_mm": narrowing.jsw_change_mm,
        "jsw_change_sd_mm": narrowing.jsw_change_sd_mm,
    }
    if not math.isfinite(narrowing.jsn_mm):
        values |= {"jsn_px": narrowing.jsn_px, "jsn_sd_px": narrowing.jsn_sd_px}
    return values


def _width(view: JointView) -> dict[str, float]:
    jsw = view.jsw
    if math.isfinite(jsw.mm) or not math.isfinite(jsw.px):
        return {"jsw_mm": jsw.mm, "jsw_sd_mm": jsw.sd_mm}
    return {"jsw_px": jsw.px, "jsw_sd_px": jsw.sd_px}


def _trust(view: JointView) -> dict[str, tuple[bool, str]]:
    return {"jsw_reliable": (view.jsw.reliable, view.jsw.reason)}


def _measured(values: dict[str, float]) -> dict[str, float]:
    return {column: float(value) for column, value in values.items() if math.isfinite(value)}
