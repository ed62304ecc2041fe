"""Return names for hands, joints, visits and reasons of a progression, and the unit of its figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_jsn.common.reasons import general_sentences
from napari_jsn.common.statistics import Estimate
from napari_jsn.progression.narrowing import JointView, Narrowing
from napari_jsn.progression.progression import Progression

#: Names of hands by side; the side is "" where it is not known.
_HANDS = {"R": "Right hand", "L": "Left hand", "": "Hand, side not known", "both": "Both hands"}


def hand_label(side: str | None) -> str:
    """Return the name of a hand: ``"Right hand"`` for ``"R"``, ``"Both hands"`` for ``"both"``."""
    return _HANDS.get(side or "", side or "")


def joint_label(row: Narrowing) -> str:
    """Return ``"L MCP2"``, without the side if it is not known."""
    return " ".join(word for word in (row.side, row.joint) if word)


def general_reason(row: Narrowing) -> str:
    """Return why a joint is not reliable, without the figures of this joint."""
    return general_sentences(row.reasons) or "Not measured."


def visit_weeks(progression: Progression) -> dict[int, float]:
    """Return the weeks from baseline to each visit; empty if the day of any visit is not known.

    Reports give weeks, not dates, because a date can identify the patient.
    """
    days = {hand.visit: hand.day for hand in reversed(progression.hands)}
    first = days.get(1)
    if first is None or any(day is None for day in days.values()):
        return {}
    return {visit: (day - first).days / 7 for visit, day in sorted(days.items()) if day is not None}


def visit_times(progression: Progression) -> dict[int, float]:
    """Return the position of each visit on a time axis: weeks since baseline, or the visit number without dates."""
    return visit_weeks(progression) or {visit: float(visit) for visit in _visits(progression)}


def visit_labels(progression: Progression) -> dict[int, str]:
    """Return a label for each visit: ``"2 (week\u00a052)"``, or ``"2"`` without dates."""
    weeks = visit_weeks(progression)
    return {
        visit: f"{visit} (week\u00a0{round(weeks[visit])})" if visit in weeks else str(visit)
        for visit in _visits(progression)
    }


@dataclass(frozen=True)
class Unit:
    """The unit of all figures of one report: millimetres, or pixels where no pixel spacing is known.

    Parameters
    ----------
    name : {"mm", "px"}
    """

    name: str

    @classmethod
    def of(cls, progression: Progression) -> Unit:
        """Return pixels if joints were measured and none of them in millimetres; widths alone are measured too."""
        measured = [row for row in progression.narrowings if math.isfinite(row.jsn_px)]
        if measured:
            return cls("mm" if any(math.isfinite(row.jsn_mm) for row in measured) else "px")
        widths = [view.jsw for hand in progression.hands for view in hand.joints if math.isfinite(view.jsw.px)]
        return cls("px" if widths and not any(math.isfinite(width.mm) for width in widths) else "mm")

    @property
    def decimals(self) -> int:
        """Decimals of a narrowing: hundredths of a millimetre, tenths of a pixel."""
        return 2 if self.name == "mm" else 1

    @property
    def plausible(self) -> float:
        """The largest plausible narrowing; larger figures are mismatches."""
        return 2.0 if self.name == "mm" else 20.0

    def jsn(self, row: Narrowing) -> Estimate:
        """Return the joint space narrowing since baseline."""
        if self.name == "mm":
            return Estimate(row.jsn_mm, row.jsn_sd_mm)
        return Estimate(row.jsn_px, row.jsn_sd_px)

    def jsw_change(self, row: Narrowing) -> Estimate:
        """Return baseline JSW minus JSW of the visit; known only in mm and if both widths are reliable."""
        if self.name == "mm" and math.isfinite(self.jsw(row.baseline) - self.jsw(row.followup)):
            return Estimate(row.jsw_change_mm, row.jsw_change_sd_mm)
        return Estimate()

    def jsw(self, view: JointView | None) -> float:
        """Return the joint space width at one visit; NaN if it is not reliable."""
        if view is None or not view.jsw.reliable:
            return math.nan
        return view.jsw.mm if self.name == "mm" else view.jsw.px


def _visits(progression: Progression) -> list[int]:
    return sorted({hand.visit for hand in progression.hands})
