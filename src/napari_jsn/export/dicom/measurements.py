"""What a structured report states about one joint at one visit; the columns serve for writing and reading."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from napari_jsn.anatomy import FIGURE_CODES, Code
from napari_jsn.export.decisions import decision_text, decisions_by_figure, manual_changes
from napari_jsn.progression.narrowing import JointView, Narrowing
from napari_jsn.progression.progression import Decision, Progression

UNITS = {
    "mm": Code("mm", "UCUM", "millimeter"),
    "px": Code("{pixels}", "UCUM", "pixels"),
    "deg": Code("deg", "UCUM", "degree"),
}
#: Every column that a report can hold; columns in px are used where no pixel spacing is known.
COLUMNS = (
    "jsn_mm", "jsn_sd_mm", "ci_low_mm", "ci_high_mm", "jsn_px", "jsn_sd_px", "closure_mm", "angle_deg", "jsw_mm",
    "jsw_sd_mm", "jsw_px", "jsw_sd_px", "jsw_change_mm", "jsw_change_sd_mm",
)  # fmt: skip


def column_code(column: str) -> tuple[Code, Code]:
    """Return the concept and the unit of a column."""
    name, unit = column.rsplit("_", 1)
    return FIGURE_CODES[name], UNITS[unit]


@dataclass(frozen=True, eq=False)
class JointMeasurements:
    """The content of one measurement group.

    Attributes
    ----------
    joint, side : str
    visit : int
    day : date or None
    values : mapping of str to float
        By column, for example ``"jsn_mm"``; only figures that were measured.
    reliability : mapping of str to (bool, str)
        Whether a figure has not failed, and why it has: ``"reliable"`` for the narrowing, ``"jsw_reliable"`` for the
        width.
    baseline, view : JointView or None
        The joint at baseline and at this visit.
    point : (float, float) or None
        ``(x, y)`` on the baseline's joint image at which narrowing is measured.
    state : str
        State of the narrowing; empty at the baseline.
    by_persons : tuple of (str, str)
        What a person changed (``"changed_by_hand"``) and decided (``"decision"``), in words.
    """

    joint: str
    side: str
    visit: int
    day: date | None
    values: dict[str, float]
    reliability: dict[str, tuple[bool, str]]
    baseline: JointView | None
    view: JointView | None
    point: tuple[float, float] | None = None
    state: str = ""
    by_persons: tuple[tuple[str, str], ...] = ()


def joint_measurements(progression: Progression) -> list[JointMeasurements]:
    """Return the measurements of all joints in the order of the progression.

    The baseline of a joint comes before its follow-ups, if its joint space width is known.
    """
    days = {(hand.side or "", hand.visit): hand.day for hand in progression.hands}
    first = min((hand.visit for hand in progression.hands), default=1)
    found: list[JointMeasurements] = []
    decided = decisions_by_figure(progression)
    seen: set[tuple[str, str]] = set()
    for row in progression.narrowings:
        side, joint, baseline = row.side, row.joint, row.baseline
        if (side, joint) not in seen and baseline is not None and (values := _known(_width(baseline))):
            day, width = days.get((side, first)), _width_reliability(baseline)
            found.append(JointMeasurements(joint, side, first, day, values, width, baseline, baseline))
        seen.add((side, joint))
        decisions = decided.get((side, joint, row.visit), ())
        found.append(_followup(row, days.get((side, row.visit)), _by_persons(row, decisions)))
    return found


def _by_persons(row: Narrowing, decisions: Iterable[Decision]) -> tuple[tuple[str, str], ...]:
    changed = manual_changes(row)
    texts = [("changed_by_hand", changed)] if changed else []
    return (*texts, *(("decision", decision_text(one)) for one in decisions))


def _followup(row: Narrowing, day: date | None, by_persons: tuple[tuple[str, str], ...]) -> JointMeasurements:
    values, reliability = _narrowing(row), {"reliable": (row.reliable, row.reason)}
    if row.followup is not None and (width := _known(_width(row.followup))):
        values |= width
        reliability |= _width_reliability(row.followup)
    point = None if row.registration is None else (float(row.registration.point[0]), float(row.registration.point[1]))
    return JointMeasurements(
        row.joint, row.side, row.visit, day, _known(values), reliability, row.baseline, row.followup, point,
        row.state, by_persons,
    )  # fmt: skip


def _narrowing(row: Narrowing) -> dict[str, float]:
    values = {
        "jsn_mm": row.jsn_mm,
        "jsn_sd_mm": row.jsn_sd_mm,
        "ci_low_mm": row.ci95_mm[0],
        "ci_high_mm": row.ci95_mm[1],
        "closure_mm": row.closure_mm,
        "angle_deg": row.angle_deg,
        "jsw_change_mm": row.jsw_change_mm,
        "jsw_change_sd_mm": row.jsw_change_sd_mm,
    }
    if not math.isfinite(row.jsn_mm):
        values |= {"jsn_px": row.jsn_px, "jsn_sd_px": row.jsn_sd_px}
    return values


def _width(view: JointView) -> dict[str, float]:
    jsw = view.jsw
    if math.isfinite(jsw.mm) or not math.isfinite(jsw.px):
        return {"jsw_mm": jsw.mm, "jsw_sd_mm": jsw.sd_mm}
    return {"jsw_px": jsw.px, "jsw_sd_px": jsw.sd_px}


def _width_reliability(view: JointView) -> dict[str, tuple[bool, str]]:
    return {"jsw_reliable": (view.jsw.reliable, view.jsw.reason)}


def _known(values: dict[str, float]) -> dict[str, float]:
    return {column: float(value) for column, value in values.items() if math.isfinite(value)}
