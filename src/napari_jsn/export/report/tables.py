"""The tables of a report: joints, summaries, radiographs."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from napari_jsn.common.reasons import sentences
from napari_jsn.drawing.forest_plot import ForestRow, axis_svg, interval_svg
from napari_jsn.drawing.svg import plain, signed, tag
from napari_jsn.export.decisions import Figure, decision_text, manual_changes
from napari_jsn.export.report.plots import Scales
from napari_jsn.progression.labels import hand_label, joint_label
from napari_jsn.progression.narrowing import MeasuredHand, Narrowing
from napari_jsn.progression.progression import Decision, Progression
from napari_jsn.registration.labels import spacing_label

if TYPE_CHECKING:
    import pandas as pd


def joint_table(rows: Sequence[Narrowing], scales: Scales, decided: Mapping[Figure, Sequence[Decision]] = {}) -> str:  # noqa: B006  # is not changed
    """Return the table of all joints at all follow-up visits, with a bar for each interval.

    What a person changed and what readers decided stands below the state.
    """
    many, unit = len({row.visit for row in rows}) > 1, scales.unit.name
    heads = ["Joint", *(["Visit"] if many else []), f"JSN ({unit})", "95 % interval"]
    head = "".join(tag("th", name) for name in heads) + tag("th", axis_svg(scales.axis), class_="axis")
    head += tag("th", f"JSW, baseline \u2192 visit ({unit})") + tag("th", "State")
    bodies = []
    for side, of_hand in groupby(rows, key=lambda row: row.side):
        opening = tag("tr", tag("th", hand_label(side), colspan=6 + many, scope="rowgroup", class_="hand"))
        for joint, of_joint in groupby(of_hand, key=lambda row: row.joint):
            each = list(of_joint)
            name = tag("th", escape(joint), rowspan=len(each), scope="row")
            lines = [
                tag("tr", name if k == 0 else "", _joint_cells(row, scales, many, decided), class_=_row_class(row))
                for k, row in enumerate(each)
            ]
            bodies.append(tag("tbody", opening, *lines))
            opening = ""
    return tag("table", tag("thead", tag("tr", head)), *bodies, class_="joints")


def _row_class(row: Narrowing) -> str | None:
    return None if row.reliable else "failed"


def _joint_cells(row: Narrowing, scales: Scales, with_visit: bool, decided: Mapping[Figure, Sequence[Decision]]) -> str:
    """The cells after the name of the joint."""
    unit = scales.unit
    jsn, widths = unit.jsn(row), (unit.jsw(row.baseline), unit.jsw(row.followup))
    jsw = " \u2192 ".join(map(plain, widths)) if any(map(math.isfinite, widths)) else plain(math.nan)
    bar = ForestRow(joint_label(row), jsn, not row.reliable, unit.jsw_change(row))
    by_persons = _by_persons(row, decided.get((row.side, row.joint, row.visit), ()))
    visit = escape(scales.visit_labels.get(row.visit, str(row.visit)))
    return "".join((
        tag("td", visit, class_="interval") if with_visit else "",
        tag("td", signed(jsn.value, unit.decimals), class_="figure"),
        tag("td", interval_text(jsn.ci95, unit.decimals) if jsn.known else "", class_="interval"),
        tag("td", interval_svg(bar, scales.axis, scales.colour_end), class_="axis"),
        tag("td", jsw, class_="interval"),
        tag("td", row.state, by_persons) if row.reliable
        else tag("td", escape(_failure(row)), by_persons, class_="reason"),
    ))  # fmt: skip


def _by_persons(row: Narrowing, decisions: Iterable[Decision]) -> str:
    changed = manual_changes(row)
    texts = [*([f"Set by hand: {changed}"] if changed else []), *map(decision_text, decisions)]
    return "".join(tag("div", escape(text), class_="note") for text in texts)


def _failure(row: Narrowing) -> str:
    return ": ".join(filter(None, ("failed", row.reason)))


def interval_text(interval: tuple[float, float], decimals: int = 2) -> str:
    """Return ``"+0.10 to +0.30"``."""
    return " to ".join(signed(end, decimals) for end in interval)


def summary_table(progression: Progression, scales: Scales) -> str:
    """Return the summaries by hand and by kind of joint at the last visit, and of whole hands at earlier visits."""
    if scales.unit.name == "px":
        return tag("p", "There are no summaries in millimetres because no pixel size is known.", class_="note")
    from napari_jsn.progression.summary import summaries

    table = summaries(progression)
    if table.empty:
        return ""
    last, many = table["visit"].max(), table["visit"].nunique() > 1
    shown = table[(table["visit"] == last) | (table["group"] == "all")]
    heads = ["Joints", *(["Visit"] if many else []), "Not failed", "Mean JSN (mm)", "95 % interval"]
    heads += ["Largest (mm)", "SDC (mm)"]
    body = []
    for side, of_hand in shown.groupby("side", sort=False):
        hand = tag("tr", tag("th", hand_label(str(side)), colspan=len(heads), class_="hand"))
        # by visit, whole hands first
        ordered = of_hand.assign(kind=of_hand["group"] != "all").sort_values(["kind", "visit"], kind="stable")
        rows = [_summary_row(row, scales.visit_labels if many else None) for row in ordered.to_dict("records")]
        body.append(tag("tbody", hand, *rows))
    head = tag("thead", tag("tr", *(tag("th", name) for name in heads)))
    drawn = tag("div", tag("table", head, *body, class_="plain"), class_="scroll")
    return tag("div", drawn, _sdc_note(shown, last))


def _summary_row(row: Mapping[Hashable, Any], visit_labels: Mapping[int, str] | None) -> str:
    group = "All" if row["group"] == "all" else str(row["group"])
    largest = f" ({row['largest_joint']})" if row["largest_joint"] else ""
    cells = [
        *([visit_labels.get(row["visit"], str(row["visit"]))] if visit_labels is not None else []),
        f"{row['reliable']} of {row['joints']}",
        signed(row["mean_jsn_mm"]),
        interval_text((row["ci_low_mm"], row["ci_high_mm"])) if row["reliable"] else "",
        signed(row["largest_jsn_mm"]) + largest,
        plain(row["sdc_mm"]),
    ]
    return tag("tr", tag("th", group, scope="row"), *(tag("td", escape(cell), class_="interval") for cell in cells))


def _sdc_note(table: pd.DataFrame, last: int) -> str:
    """What the SDC is, and the SDC that follows from closure."""
    note = (
        "Means are over the joints that have not failed, weighted by their variance; their intervals contain the error "
        "that all joints of a hand share. SDC is the smallest detectable change of one joint: 1.96 times the root mean "
        "square of the joints' standard uncertainties (Bruynesteyn et al. 2005)."
    )
    whole = table[(table["visit"] == last) & (table["group"] == "all")]
    closure = float(whole["closure_sdc_mm"].iloc[-1])
    if math.isfinite(closure):
        note += (
            f" The closure of triangles of visits gives {plain(closure)} mm. That is a lower bound, because an error "
            "of one visit cancels in a triangle."
        )
    return tag("p", note, class_="note small")


def radiograph_table(hands: Sequence[MeasuredHand], visit_labels: Mapping[int, str]) -> str:
    """Return the table of radiographs: visit, hand, size, pixel size and its source, missing joints and notes."""
    heads = ("Visit", "Hand", "Pixels", "Pixel size", "Source of side", "Not in view", "Notes")
    rows = [tag("tr", *(tag("td", escape(cell)) for cell in _radiograph_cells(hand, visit_labels))) for hand in hands]
    head = tag("thead", tag("tr", *(tag("th", name) for name in heads)))
    return tag("div", tag("table", head, tag("tbody", *rows), class_="plain"), class_="scroll")


def _radiograph_cells(hand: MeasuredHand, visit_labels: Mapping[int, str]) -> tuple[str, ...]:
    radiograph = hand.radiograph
    size = spacing_label(radiograph.spacing_mm) if radiograph.spacing_mm else "not known"
    source = f" ({radiograph.spacing_source})" if radiograph.spacing_source else ""
    return (
        visit_labels.get(hand.visit, str(hand.visit)),
        hand_label(hand.side).removesuffix(" hand"),
        " \u00d7 ".join(str(length) for length in radiograph.shape),
        size + source,
        radiograph.side_source,
        ", ".join(hand.missing),
        sentences(hand.reasons),
    )
