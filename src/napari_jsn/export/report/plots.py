"""Plots over all visits: each joint's course, and JSN against the change of JSW."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.svg import line, points, signed, svg, tag, text
from napari_jsn.export.report.bars import Axis
from napari_jsn.export.report.unit import Unit
from napari_jsn.progression.progression import Narrowing

_INK, _FAINT = "#333333", "#8a8a8a"


def trends(rows: Sequence[Narrowing], unit: Unit, axis: Axis, end: float, times: Mapping[int, float]) -> str:
    """A small plot a joint: narrowing since baseline with its 95 % interval against time.

    ``times`` tells of each visit when it was, the baseline first: in weeks, or as numbers of visits.
    """
    drawn = []
    for (side, joint), of_joint in groupby(rows, key=lambda row: (row.side, row.joint)):
        each = list(of_joint)
        name = " ".join(word for word in (side, joint) if word)
        drawn.append(tag("figure", tag("figcaption", name), _trend(each, unit, axis, end, times)))
    return tag("div", *drawn, class_="trends")


def _trend(rows: Sequence[Narrowing], unit: Unit, axis: Axis, end: float, times: Mapping[int, float]) -> str:
    width, height, left, bottom = 112.0, 74.0, 30.0, 16.0
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
    for visit, when in times.items():
        drawn += text(x(visit), height + 13, f"{when:.0f}", text_anchor="middle", font_size=9.5, fill="#666")
    course = [(x(min(times)), y(0.0))]
    marks = tag("circle", cx=course[0][0], cy=course[0][1], r=2.0, fill=_INK)
    for row in rows:
        found, change = unit.jsn(row), unit.jsw_change(row)
        here = x(row.visit)
        if change.known:
            drawn += tag("circle", cx=here + 4, cy=y(change.value), r=1.7, fill="#fff", stroke=_FAINT, stroke_width=0.8)
        if not found.known:
            continue
        ink = _INK if row.reliable else UNRELIABLE
        marks += line(here, y(found.low), here, y(found.high), stroke=ink, stroke_width=1.3)
        fill = jsn_colour(found.value, end) if row.reliable else "#ffffff"
        marks += tag("circle", cx=here, cy=y(found.value), r=2.8, fill=fill, stroke=ink, stroke_width=0.9)
        if row.reliable:
            course.append((here, y(found.value)))
    drawn += tag("polyline", points=points(course), fill="none", stroke=_FAINT, stroke_width=0.9)
    return svg(width + left + 12, height + bottom + 6, drawn, marks, x=-left, y=-6.0, role="img")


def agreement(rows: Sequence[Narrowing], unit: Unit, axis: Axis, end: float) -> str:
    """JSN against the change of JSW: two ways to the same figure, joints on the diagonal agree."""
    size, left, bottom = 200.0, 34.0, 34.0

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
        found, change = unit.jsn(row), unit.jsw_change(row)
        if not (found.known and change.known):
            continue
        x, y = at(found.value), size - at(change.value)
        ink = _INK if row.reliable else UNRELIABLE
        bars = line(at(found.low), y, at(found.high), y, stroke=ink, **thin)
        bars += line(x, size - at(change.low), x, size - at(change.high), stroke=ink, **thin)
        fill = jsn_colour(found.value, end) if row.reliable else "#ffffff"
        drawn += bars + tag("circle", cx=x, cy=y, r=3.2, fill=fill, stroke=ink, stroke_width=0.9)
    words = {"font_size": 9.0, "fill": "#444", "text_anchor": "middle"}
    drawn += text(size / 2, size + 26, f"JSN ({unit.name}, registration)", **words)
    middle = f"rotate(-90 {-left + 9} {size / 2})"
    drawn += text(-left + 9, size / 2, f"change of JSW ({unit.name}, margins)", transform=middle, **words)
    return svg(size + left + 14, size + bottom + 6, drawn, x=-left - 4, y=-6.0, class_="agreement", role="img")
