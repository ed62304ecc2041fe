"""The figures of a progression in the unit that it has: millimetres, or pixels where no spacing is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from napari_jsn.progression.progression import JointView, Narrowing, Progression

#: Half a 95 % interval in standard uncertainties, where only these are known.
_HALF = 1.96


class Estimate(NamedTuple):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """False where it was not measured."""
        return math.isfinite(self.value)


@dataclass(frozen=True)
class Unit:
    """What a report counts in; every figure of a report has the same unit."""

    name: str

    @classmethod
    def of(cls, progression: Progression) -> Unit:
        """Pixels if joints were measured in nothing else."""
        measured = [row for row in progression.narrowings if math.isfinite(row.jsn_px)]
        return cls("px" if measured and not any(math.isfinite(row.jsn_mm) for row in measured) else "mm")

    @property
    def decimals(self) -> int:
        """How many a narrowing is told with: hundredths of a millimetre, tenths of a pixel."""
        return 2 if self.name == "mm" else 1

    @property
    def plausible(self) -> float:
        """The most that a joint narrows; figures beyond it are mismatches."""
        return 2.0 if self.name == "mm" else 20.0

    def jsn(self, row: Narrowing) -> Estimate:
        """Joint space narrowing since baseline."""
        if self.name == "mm":
            return Estimate(row.jsn_mm, *row.ci95_mm)
        return _around(row.jsn_px, row.jsn_sd_px)

    def jsw_change(self, row: Narrowing) -> Estimate:
        """Baseline JSW less that of the visit; known in millimetres only, and where both widths are reliable."""
        if self.name == "mm" and math.isfinite(self.jsw(row.baseline) - self.jsw(row.followup)):
            return _around(row.jsw_change_mm, row.jsw_change_sd_mm)
        return Estimate(math.nan, math.nan, math.nan)

    def jsw(self, view: JointView | None) -> float:
        """Joint space width at one visit; NaN where the margins were not found."""
        if view is None or not view.jsw.reliable:
            return math.nan
        return view.jsw.mm if self.name == "mm" else view.jsw.px


def _around(value: float, sd: float) -> Estimate:
    return Estimate(value, value - _HALF * sd, value + _HALF * sd)
