"""The table of all joints in anatomical order, a bar for each interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

from napari_jsn.drawing.svg import plain, signed, tag
from napari_jsn.export.report.bars import Axis, axis_drawing, bar
from napari_jsn.export.report.unit import Unit
from napari_jsn.progression.progression import Narrowing

#: How hands are called; "" where the side is not known.
HANDS = {"R": "Right hand", "L": "Left hand", "": "Hand, side not known"}


def table(rows: Sequence[Narrowing], unit: Unit, axis: Axis, end: float, visit_labels: dict[int, str]) -> str:
    """Every joint of every follow-up visit; ``visit_labels`` tells of each visit how long after baseline it was."""
    many = len({row.visit for row in rows}) > 1
    heads = ["Joint", *(["Visit"] if many else []), f"JSN ({unit.name})", "95 % interval"]
    head = "".join(tag("th", name) for name in heads) + tag("th", axis_drawing(axis), class_="axis")
    head += tag("th", f"JSW, baseline \u2192 visit ({unit.name})") + tag("th", "Reliable")
    bodies = []
    for side, of_hand in groupby(rows, key=lambda row: row.side):
        hand = tag("th", HANDS.get(side, side), colspan=6 + many, scope="rowgroup", class_="hand")
        opening = tag("tr", hand)
        for joint, of_joint in groupby(of_hand, key=lambda row: row.joint):
            each = list(of_joint)
            cells = [_row(row, unit, axis, end, visit_labels if many else None) for row in each]
            name = tag("th", escape(joint), rowspan=len(each), scope="row")
            lines = [
                tag("tr", (name if k == 0 else "") + cell, class_=None if row.reliable else "doubted")
                for k, (row, cell) in enumerate(zip(each, cells, strict=True))
            ]
            bodies.append(tag("tbody", opening, *lines))
            opening = ""
    return tag("table", tag("thead", tag("tr", head)), *bodies, class_="joints")


def _row(row: Narrowing, unit: Unit, axis: Axis, end: float, visit_labels: dict[int, str] | None) -> str:
    """Its cells behind the joint's name."""
    found = unit.jsn(row)
    interval = f"{signed(found.low, unit.decimals)} to {signed(found.high, unit.decimals)}" if found.known else ""
    widths = unit.jsw(row.baseline), unit.jsw(row.followup)
    jsw = " \u2192 ".join(map(plain, widths)) if any(map(math.isfinite, widths)) else plain(math.nan)
    trusted = tag("td", "yes") if row.reliable else tag("td", escape(row.reason or "no"), class_="reason")
    visit = (
        tag("td", escape(visit_labels.get(row.visit, str(row.visit))), class_="interval")
        if visit_labels is not None
        else ""
    )
    return (
        visit
        + tag("td", signed(found.value, unit.decimals), class_="figure")
        + tag("td", interval, class_="interval")
        + tag("td", bar(row, unit, axis, end), class_="axis")
        + tag("td", jsw, class_="interval")
        + trusted
    )
