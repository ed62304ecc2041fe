"""Unit, axes and colour scales of a report, and its plots over all joints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from napari_jsn.common.statistics import Estimate
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour, scale_end
from napari_jsn.drawing.forest_plot import Axis
from napari_jsn.drawing.svg import line, points, signed, svg, tag, text
from napari_jsn.progression.labels import Unit, joint_label, visit_labels, visit_times
from napari_jsn.progression.narrowing import Narrowing
from napari_jsn.progression.progression import Progression

_INK, _FAINT = "#333333", "#8a8a8a"


@dataclass(frozen=True)
class Scales:
    """What all sections of a report share.

    Attributes
    ----------
    unit : Unit
    visit_labels : dict of int to str
    times : dict of int to float
        Position of each visit on a time axis.
    axis : Axis
        Of narrowing.
    check_axis : Axis
        Of narrowing and of the change of joint space width.
    colour_end : float
        Narrowing at the end of the colour scale.
    spectrum_limit : float
        Loss at the end of the colour scale of the spectra.
    """

    unit: Unit
    visit_labels: dict[int, str]
    times: dict[int, float]
    axis: Axis
    check_axis: Axis
    colour_end: float
    spectrum_limit: float

    @classmethod
    def of(cls, progression: Progression) -> Scales:
        """Return scales that contain all reliable figures; without reliable figures, all figures."""
        rows, unit = progression.narrowings, Unit.of(progression)
        reliable = [row for row in rows if row.reliable] or list(rows)
        jsn = [unit.jsn(row) for row in reliable]
        unreliable = [unit.jsn(row).value for row in rows if not row.reliable]
        plausible = [Estimate(value, 0.0) for value in unreliable if abs(value) <= unit.plausible]
        return cls(
            unit=unit,
            visit_labels=visit_labels(progression),
            times=visit_times(progression),
            axis=Axis.over([*jsn, *plausible]),
            check_axis=Axis.over([*jsn, *(unit.jsw_change(row) for row in reliable)]),
            colour_end=scale_end(each.value for each in jsn),
            spectrum_limit=_spectrum_limit(rows),
        )


def trend_plots(rows: Sequence[Narrowing], scales: Scales) -> str:
    """Draw one small plot for each joint: narrowing since baseline with its 95 % interval against time."""
    drawn = []
    for _, of_joint in groupby(rows, key=lambda row: (row.side, row.joint)):
        each = list(of_joint)
        drawn.append(tag("figure", tag("figcaption", joint_label(each[0])), _trend(each, scales)))
    return tag("div", *drawn, class_="trends")


def _trend(rows: Sequence[Narrowing], scales: Scales) -> str:
    width, height, left, bottom = 112.0, 74.0, 30.0, 16.0
    times, axis, unit = scales.times, scales.axis, scales.unit
    first, last = min(times.values()), max(times.values())

    def x(visit: int) -> float:
        return width * (times[visit] - first) / ((last - first) or 1.0)

    def y(value: float) -> float:
        return height - axis.place(value, height)

    drawn = ""
    for tick in axis.ticks:
        drawn += line(0.0, y(tick), width, y(tick), stroke=_FAINT if abs(tick) < 1e-9 else "#e6e6e6", stroke_width=0.7)
        label = signed(tick, axis.decimals)
        drawn += text(-4.0, y(tick) + 3.2, label, text_anchor="end", font_size=9.5, fill="#666")
    for visit, time in times.items():
        drawn += text(x(visit), height + 13, f"{time:.0f}", text_anchor="middle", font_size=9.5, fill="#666")
    course = [(x(min(times)), y(0.0))]
    marks = tag("circle", cx=course[0][0], cy=course[0][1], r=2.0, fill=_INK)
    for row in rows:
        jsn, change = unit.jsn(row), unit.jsw_change(row)
        at = x(row.visit)
        if change.known:
            drawn += tag("circle", cx=at + 4, cy=y(change.value), r=1.7, fill="#fff", stroke=_FAINT, stroke_width=0.8)
        if not jsn.known:
            continue
        ink, fill = _colours(row, jsn, scales)
        low, high = jsn.ci95
        marks += line(at, y(low), at, y(high), stroke=ink, stroke_width=1.3)
        marks += tag("circle", cx=at, cy=y(jsn.value), r=2.8, fill=fill, stroke=ink, stroke_width=0.9)
        if row.reliable:
            course.append((at, y(jsn.value)))
    drawn += tag("polyline", points=points(course), fill="none", stroke=_FAINT, stroke_width=0.9)
    return svg(width + left + 12, height + bottom + 6, drawn, marks, x=-left, y=-6.0, role="img")


def agreement_plot(rows: Sequence[Narrowing], scales: Scales) -> str:
    """Draw JSN against the change of JSW; joints for which both agree lie on the diagonal."""
    size, left, bottom = 200.0, 34.0, 34.0
    axis, unit = scales.check_axis, scales.unit

    def at(value: float) -> float:
        return axis.place(value, size)

    drawn = ""
    for tick in axis.ticks:
        faint = {"stroke": _FAINT if abs(tick) < 1e-9 else "#e6e6e6", "stroke_width": 0.7}
        drawn += line(at(tick), 0.0, at(tick), size, **faint)
        drawn += line(0.0, size - at(tick), size, size - at(tick), **faint)
        label = signed(tick, axis.decimals)
        drawn += text(at(tick), size + 11, label, text_anchor="middle", font_size=8.0, fill="#666")
        drawn += text(-4.0, size - at(tick) + 2.8, label, text_anchor="end", font_size=8.0, fill="#666")
    drawn += line(at(axis.low), size - at(axis.low), at(axis.high), size - at(axis.high), stroke=_FAINT)
    thin = {"stroke_width": 0.8, "stroke_opacity": 0.8 if len(rows) <= 20 else 0.35}
    for row in sorted(rows, key=lambda row: row.reliable):
        jsn, change = unit.jsn(row), unit.jsw_change(row)
        if not (jsn.known and change.known):
            continue
        x, y = at(jsn.value), size - at(change.value)
        ink, fill = _colours(row, jsn, scales)
        (left_end, right_end), (low, high) = jsn.ci95, change.ci95
        bars = line(at(left_end), y, at(right_end), y, stroke=ink, **thin)
        bars += line(x, size - at(low), x, size - at(high), stroke=ink, **thin)
        drawn += bars + tag("circle", cx=x, cy=y, r=3.2, fill=fill, stroke=ink, stroke_width=0.9)
    style = {"font_size": 9.0, "fill": "#444", "text_anchor": "middle"}
    drawn += text(size / 2, size + 26, f"JSN ({unit.name}, registration)", **style)
    rotation = f"rotate(-90 {-left + 9} {size / 2})"
    drawn += text(-left + 9, size / 2, f"change of JSW ({unit.name}, margins)", transform=rotation, **style)
    return svg(size + left + 14, size + bottom + 6, drawn, x=-left - 4, y=-6.0, class_="agreement", role="img")


def _colours(row: Narrowing, jsn: Estimate, scales: Scales) -> tuple[str, str]:
    """Colours of the line and of the area of a mark."""
    return (_INK, jsn_colour(jsn.value, scales.colour_end)) if row.reliable else (UNRELIABLE, "#ffffff")


def _spectrum_limit(rows: Iterable[Narrowing]) -> float:
    """The loss that few pixels of few joints exceed."""
    found = [
        float(np.nanpercentile(spectrum, 99.5))
        for row in rows
        if row.registration is not None
        for spectrum in (row.registration.original_spectrum, row.registration.transformed_spectrum)
    ]
    return max(float(np.percentile(found, 90)), 1e-6) if found else 1.0
