"""Interval bars of the table, all on one axis, and the axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.svg import line, points, signed, svg, tag, text
from napari_jsn.export.report.unit import Estimate, Unit
from napari_jsn.progression.progression import Narrowing

_WIDTH, _HEIGHT, _EDGE = 200.0, 16.0, 10.0
_INK = "#333333"
_STEPS = tuple(step * 10.0**power for power in range(-2, 4) for step in (1, 2, 5))


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high`` in steps, zero among them."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, estimates: Iterable[Estimate], most: int = 6) -> Axis:
        """An axis with room for all these intervals, in at most so many steps."""
        ends = [end for found in estimates if found.known for end in found if math.isfinite(end)]
        low, high = min([*ends, -0.05]), max([*ends, 0.05])
        step = next((step for step in _STEPS if (high - low) / step <= most - 1), _STEPS[-1])
        return cls(step * math.floor(low / step), step * math.ceil(high / step), step)

    @property
    def ticks(self) -> list[float]:
        """Where figures stand."""
        return [self.step * k for k in range(round(self.low / self.step), round(self.high / self.step) + 1)]

    @property
    def decimals(self) -> int:
        """That tell one tick from the next."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9))

    def place(self, value: float, width: float) -> float:
        """Where a value lies on a line of this length; beyond the ends it stays there."""
        return width * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def bar(row: Narrowing, unit: Unit, axis: Axis, end: float) -> str:
    """The interval of JSN as a bar with its value as a dot; below it, thin and hollow, the change of JSW."""
    drawn = _grid(axis, _HEIGHT)
    found, change = unit.jsn(row), unit.jsw_change(row)
    if change.known:
        drawn += _interval(axis, change, 12.2, "#8a8a8a", 0.7)
        drawn += tag("circle", cx=_x(axis, change.value), cy=12.2, r=1.7, fill="#fff", stroke="#8a8a8a")
    if found.known:
        colour = jsn_colour(found.value, end) if row.reliable else "#ffffff"
        ink = _INK if row.reliable else UNRELIABLE
        drawn += _interval(axis, found, 5.6, ink, 1.8, None if row.reliable else "3 2")
        drawn += _mark(axis, found.value, fill=colour, stroke=ink, stroke_width=0.9)
    return _drawing(_HEIGHT, drawn)


def axis_drawing(axis: Axis) -> str:
    """The figures along the axis, for the head of the table."""
    words = "".join(
        text(_x(axis, tick), 9.0, signed(tick, axis.decimals), text_anchor="middle", font_size=8.5, fill="#555")
        for tick in axis.ticks
    )
    ticks = "".join(line(_x(axis, tick), 11.5, _x(axis, tick), 14.0, stroke="#777") for tick in axis.ticks)
    return _drawing(14.0, words, ticks)


def _drawing(height: float, *drawn: str) -> str:
    return svg(_WIDTH + 2 * _EDGE, height, *drawn, x=-_EDGE, class_="bar", role="img")


def _x(axis: Axis, value: float) -> float:
    return axis.place(value, _WIDTH)


def _grid(axis: Axis, height: float) -> str:
    return "".join(
        line(_x(axis, tick), 0.0, _x(axis, tick), height, stroke="#777" if abs(tick) < 1e-9 else "#e4e4e4")
        for tick in axis.ticks
    )


def _mark(axis: Axis, value: float, **style: object) -> str:
    """A dot; at the end of the axis a point towards a value that lies beyond."""
    x, y = _x(axis, value), 5.6
    if axis.low <= value <= axis.high:
        return tag("circle", cx=x, cy=y, r=3.1, **style)
    way = 4.5 if value > axis.high else -4.5
    return tag("polygon", points=points([(x + way, y), (x - way / 2, y - 3.5), (x - way / 2, y + 3.5)]), **style)


def _interval(axis: Axis, found: Estimate, y: float, ink: str, width: float, dashes: str | None = None) -> str:
    low, high = (_x(axis, end) for end in found[1:])
    return line(low, y, high, y, stroke=ink, stroke_width=width, stroke_dasharray=dashes)
