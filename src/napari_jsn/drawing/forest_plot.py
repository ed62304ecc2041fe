"""Forest plots: figures with their 95 % intervals as bars on one axis, one row for each joint."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from napari_jsn.common.statistics import Estimate
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour, scale_end
from napari_jsn.drawing.svg import line, points, signed, svg, tag, text

#: Length of the axis, height of a row, and margin for marks at the ends.
_WIDTH, _HEIGHT, _EDGE = 200.0, 16.0, 10.0
#: Heights of the figure and of its check within a row, and of the axis.
_Y, _CHECK_Y, _AXIS_HEIGHT = 5.6, 12.2, 14.0
_INK, _GREY = "#333333", "#8a8a8a"
_STEPS = tuple(step * 10.0**power for power in range(-2, 4) for step in (1, 2, 5))


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high`` with a tick at each multiple of ``step``; zero is one of them."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, estimates: Iterable[Estimate], ticks: int = 6) -> Axis:
        """Return an axis that contains all these intervals, with at most about so many ticks."""
        ends = [
            end
            for estimate in estimates
            if estimate.known
            for end in (estimate.value, *estimate.ci95)
            if math.isfinite(end)
        ]
        low, high = min([*ends, -0.05]), max([*ends, 0.05])
        step = next((step for step in _STEPS if (high - low) / step <= ticks - 1), _STEPS[-1])
        return cls(step * math.floor(low / step), step * math.ceil(high / step), step)

    @property
    def ticks(self) -> list[float]:
        """Values of the ticks."""
        return [self.step * k for k in range(round(self.low / self.step), round(self.high / self.step) + 1)]

    @property
    def decimals(self) -> int:
        """Decimals that distinguish one tick from the next."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9))

    def place(self, value: float, length: float) -> float:
        """Return the position of a value on a line of this length; values beyond an end are placed at the end."""
        return length * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class ForestRow:
    """One row of a forest plot.

    Parameters
    ----------
    label : str
    estimate : Estimate
    failed : bool
        Draw the figure grey, hollow and dashed.
    check : Estimate
        A second measurement of the same quantity, drawn thin below the first.
    """

    label: str
    estimate: Estimate
    failed: bool = False
    check: Estimate = field(default_factory=Estimate)


def interval_svg(row: ForestRow, axis: Axis, colour_end: float = 1.0) -> str:
    """Draw one row without its label: a bar for the interval and a dot for the value, coloured as a narrowing."""
    return _drawing(_HEIGHT, _row(row, axis, colour_end))


def axis_svg(axis: Axis) -> str:
    """Draw the numbers of the axis, as wide as :func:`interval_svg`."""
    return _drawing(_AXIS_HEIGHT, _axis(axis))


def forest_plot(rows: Sequence[ForestRow], unit: str = "mm", decimals: int = 2, colour_end: float | None = None) -> str:
    """Draw rows below each other with their labels and figures, as one SVG.

    Parameters
    ----------
    rows : sequence of ForestRow
    unit : str
        Written above the figures.
    decimals : int
        Decimals of the figures.
    colour_end : float, optional
        Narrowing at the end of the colour scale; by default from the rows that have not failed.

    Examples
    --------
    >>> from napari_jsn.common.statistics import Estimate
    >>> from napari_jsn.drawing.forest_plot import ForestRow, forest_plot
    >>> "L MCP2" in forest_plot([ForestRow("L MCP2", Estimate(0.20, 0.04))])
    True
    """
    valid = [row for row in rows if not row.failed] or list(rows)
    axis = Axis.over(each for row in valid for each in (row.estimate, row.check))
    end = scale_end(row.estimate.value for row in valid) if colour_end is None else colour_end
    labels, figures, pitch = -70.0, _WIDTH + 18.0, _HEIGHT + 2.0
    drawn = [_axis(axis), text(figures, 9.0, f"{unit} (95 % interval)", font_size=8.5, fill="#555")]
    for number, row in enumerate(rows):
        low, high = (signed(limit, decimals) for limit in row.estimate.ci95)
        words = f"{signed(row.estimate.value, decimals)} ({low} to {high})" if row.estimate.known else "not measured"
        fill = UNRELIABLE if row.failed else _INK
        parts = (
            text(labels, 9.0, row.label, font_size=9.5, fill=fill),
            _row(row, axis, end),
            text(figures, 9.0, words, font_size=9.5, fill=fill),
        )
        drawn.append(tag("g", *parts, transform=f"translate(0 {_AXIS_HEIGHT + number * pitch:g})"))
    width = figures + 130.0 - labels
    height = _AXIS_HEIGHT + len(rows) * pitch
    return svg(width, height, *drawn, x=labels, style=f"max-width:{1.6 * width:.0f}px", role="img")


def _drawing(height: float, content: str) -> str:
    return svg(_WIDTH + 2 * _EDGE, height, content, x=-_EDGE, class_="bar", role="img")


def _row(row: ForestRow, axis: Axis, end: float) -> str:
    drawn = "".join(
        line(_x(axis, tick), 0.0, _x(axis, tick), _HEIGHT, stroke="#777" if abs(tick) < 1e-9 else "#e4e4e4")
        for tick in axis.ticks
    )
    estimate, check = row.estimate, row.check
    if check.known:
        drawn += _interval(axis, check, _CHECK_Y, _GREY, 0.7)
        drawn += tag("circle", cx=_x(axis, check.value), cy=_CHECK_Y, r=1.7, fill="#fff", stroke=_GREY)
    if estimate.known:
        ink = UNRELIABLE if row.failed else _INK
        drawn += _interval(axis, estimate, _Y, ink, 1.8, "3 2" if row.failed else None)
        fill = "#ffffff" if row.failed else jsn_colour(estimate.value, end)
        drawn += _mark(axis, estimate.value, fill=fill, stroke=ink, stroke_width=0.9)
    return drawn


def _axis(axis: Axis) -> str:
    numbers = "".join(
        text(_x(axis, tick), 9.0, signed(tick, axis.decimals), text_anchor="middle", font_size=8.5, fill="#555")
        for tick in axis.ticks
    )
    ticks = "".join(line(_x(axis, tick), 11.5, _x(axis, tick), _AXIS_HEIGHT, stroke="#777") for tick in axis.ticks)
    return numbers + ticks


def _x(axis: Axis, value: float) -> float:
    return axis.place(value, _WIDTH)


def _mark(axis: Axis, value: float, **style: object) -> str:
    """A dot; for a value beyond the axis an arrowhead at its end."""
    x = _x(axis, value)
    if axis.low <= value <= axis.high:
        return tag("circle", cx=x, cy=_Y, r=3.1, **style)
    length = 4.5 if value > axis.high else -4.5
    corners = [(x + length, _Y), (x - length / 2, _Y - 3.5), (x - length / 2, _Y + 3.5)]
    return tag("polygon", points=points(corners), **style)


def _interval(axis: Axis, estimate: Estimate, y: float, ink: str, width: float, dashes: str | None = None) -> str:
    low, high = (_x(axis, limit) for limit in estimate.ci95)
    return line(low, y, high, y, stroke=ink, stroke_width=width, stroke_dasharray=dashes)
