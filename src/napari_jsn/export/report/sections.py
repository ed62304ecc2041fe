"""The sections of a report, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from napari_jsn import __version__
from napari_jsn.common.notes import written_notes
from napari_jsn.common.statistics import Estimate
from napari_jsn.drawing.colours import jsn_colour
from napari_jsn.drawing.hand import LabelledBox, hand_svg
from napari_jsn.drawing.svg import signed, tag
from napari_jsn.export.decisions import decisions_by_figure, decisions_note
from napari_jsn.export.report.plots import Scales, agreement_plot, trend_plots
from napari_jsn.export.report.tables import joint_table, radiograph_table, summary_table
from napari_jsn.networks.weights import short_identity
from napari_jsn.progression.labels import general_reason, hand_label
from napari_jsn.progression.narrowing import MeasuredHand, Narrowing
from napari_jsn.progression.progression import Progression

USE = "For research use only. Not a medical device. Do not base the treatment of a patient on these figures."

_NOT_INCLUDED = (
    "Repositioning beyond that of simulated hands. Another position of the hand or another angle of the tube changes "
    "the projected joint space, and no registration of two images can distinguish that from narrowing. The "
    "uncertainty includes a share for repositioning that was measured on simulated hands; its real size is known only "
    "where exposures are repeated.",
    "The pixel size. An error of 1 % in the pixel size is an error of 1 % in every figure. A pixel size at the "
    "detector, without correction for magnification, is slightly too large for the joint.",
    "Bones whose outline changed between the visits, by erosion or osteophytes.",
)


def opening_section(progression: Progression, scales: Scales, keep_identity: bool = False) -> str:
    """Return title, patient, visits, key figures and notes."""
    visits = ", ".join(f"visit {label}" for label in scales.visit_labels.values())
    title = tag("h1", "Joint space narrowing") + tag("p", escape(f"Patient {progression.patient_id}: {visits}"))
    notes = [escape(note) for note in written_notes(progression.notes, keep_identity)]
    listed = tag("ul", *(tag("li", note) for note in notes), class_="note") if notes else ""
    return title + tag("p", escape(USE), class_="use") + _key_figures(progression, scales) + listed


def _key_figures(progression: Progression, scales: Scales) -> str:
    """A few figures of the last visit."""
    unit, last = scales.unit, max((row.visit for row in progression.narrowings), default=1)
    rows = [row for row in progression.narrowings if row.visit == last]
    reliable = [row for row in rows if row.reliable]
    facts = [(f"{len(reliable)} of {len(rows)}", "joints not failed at the last visit")]
    if reliable:
        values = [unit.jsn(row).value for row in reliable]
        largest = max(reliable, key=lambda row: unit.jsn(row).value)
        above_zero = sum(unit.jsn(row).ci95[0] > 0 for row in reliable)
        facts.append((f"{signed(sum(values) / len(values))} {unit.name}", "mean narrowing of these"))
        name = " ".join(word for word in (largest.side, largest.joint) if word)
        facts.append((f"{signed(unit.jsn(largest).value, unit.decimals)} {unit.name}", f"largest: {escape(name)}"))
        facts.append((str(above_zero), "joints whose 95 % interval is above zero"))
    return tag("div", *(tag("div", tag("b", figure), tag("span", words)) for figure, words in facts), class_="facts")


def overview_section(progression: Progression, scales: Scales) -> str:
    """Return each hand at baseline with a box for each joint, coloured by the narrowing at the last visit."""
    last = max((row.visit for row in progression.narrowings), default=1)
    drawn = []
    for hand in progression.hands:
        if hand.visit == 1:
            rows = {r.joint: r for r in progression.narrowings if r.visit == last and r.side == (hand.side or "")}
            figure = tag("figure", _hand(hand, rows, scales))
            drawn.append(tag("div", figure, _beside_hand(hand, list(rows.values())), class_="hand"))
    lead = f"Narrowing from baseline to visit {scales.visit_labels.get(last, last)}, on the baseline radiograph."
    head = tag("h2", "Overview") + tag("p", lead, class_="lead") + _legend(scales)
    return head + tag("div", *drawn, class_="hands")


def _hand(hand: MeasuredHand, rows: dict[str, Narrowing], scales: Scales) -> str:
    if not hand.joints:
        return tag("p", "No joint of this hand was found at baseline.", class_="note")
    boxes = []
    for view in hand.joints:
        row = rows.get(view.joint.name)
        estimate = Estimate() if row is None else scales.unit.jsn(row)
        boxes.append(LabelledBox(view.joint.box, view.joint.name, estimate, failed=row is None or not row.reliable))
    return hand_svg(
        hand.radiograph.pixels,
        boxes,
        spacing_mm=hand.radiograph.spacing_mm,
        colour_end=scales.colour_end,
        decimals=scales.unit.decimals,
    )


def _beside_hand(hand: MeasuredHand, rows: Sequence[Narrowing]) -> str:
    """How many joints have not failed, and each reason with the joints that it holds for."""
    joints: dict[str, list[str]] = {}
    for row in rows:
        if not row.reliable:
            joints.setdefault(general_reason(row), []).append(row.joint)
    text = tag("p", f"{sum(row.reliable for row in rows)} of {len(rows)} joints have not failed.")
    if joints:
        reasons = (tag("dt", escape(", ".join(names))) + tag("dd", escape(why)) for why, names in joints.items())
        text += tag("p", "Failed:") + tag("dl", *reasons, class_="reasons")
    return tag("div", tag("h3", hand_label(hand.side)), text, class_="beside-hand")


def _legend(scales: Scales) -> str:
    end, unit = scales.colour_end, scales.unit.name
    stops = ", ".join(jsn_colour(share * end, end) for share in (-1, -0.5, 0, 0.5, 1))
    low, high = (signed(value, 1) for value in (-end, end))
    scale = tag("i", class_="scale", style=f"background:linear-gradient(90deg,{stops})")
    colours = tag("span", f"wider {low} {unit}", scale, f"{high} {unit} narrower")
    failed = tag("span", tag("i", class_="box"), "failed, or not measured")
    return tag("div", colours, failed, class_="legend")


def joints_section(progression: Progression, scales: Scales) -> str:
    """Return the table of all joints."""
    lead = (
        "Positive is narrower. Dots with bars: joint space narrowing (JSN) with its 95 % interval. Small rings: "
        "change of the joint space width (JSW) between the margins, an independent check."
    )
    decided = decisions_by_figure(progression)
    lead = " ".join(filter(None, (lead, decisions_note(progression))))
    table = joint_table(progression.narrowings, scales, decided)
    return tag("h2", "Joints") + tag("p", escape(lead), class_="lead") + tag("div", table, class_="scroll")


def trends_section(progression: Progression, scales: Scales) -> str:
    """Return the course of each joint over time; empty with fewer than three visits."""
    if len(scales.times) < 3:
        return ""
    against = "weeks since baseline" if scales.times.get(1) == 0 else "visits"
    lead = f"JSN ({scales.unit.name}) with 95 % intervals against {against}. Rings: change of JSW. Grey: failed."
    plots = [
        tag("section", tag("h3", hand_label(side)), trend_plots(list(rows), scales))
        for side, rows in groupby(progression.narrowings, key=lambda row: row.side)
    ]
    return tag("h2", "Over time") + tag("p", lead, class_="lead") + "".join(plots)


def summary_section(progression: Progression, scales: Scales) -> str:
    """Return the summaries, and the plot of JSN against the change of JSW."""
    plot = ""
    if any(scales.unit.jsw_change(row).known for row in progression.narrowings):
        caption = "Two independent measurements of one change; on the diagonal they agree."
        drawn = agreement_plot(progression.narrowings, scales)
        plot = tag("figure", drawn, tag("figcaption", caption), style="margin:0")
    return tag("h2", "Summary and check") + tag("div", summary_table(progression, scales), plot, class_="beside")


def radiographs_section(progression: Progression, scales: Scales) -> str:
    """Return the table of radiographs."""
    return tag("h2", "Radiographs") + radiograph_table(progression.hands, scales.visit_labels)


def methods_section(progression: Progression, scales: Scales) -> str:
    """Return method, versions, models, and what the uncertainty does not include."""
    versions = [("napari-jsn", __version__), ("Registration", progression.method), ("Computed on", progression.device)]
    versions += [(f"Model: {task}", short_identity(identity)) for task, identity in sorted(progression.models.items())]
    rows = (tag("tr", tag("th", escape(name)), tag("td", escape(value))) for name, value in versions)
    listed = tag("table", tag("tbody", *rows), class_="plain")
    how = [
        "The joints are found on every radiograph. The two bones of each joint are segmented, and each bone is "
        "registered from the baseline to the follow-up. Narrowing is the difference of the two bones' displacements "
        "along the joint axis at baseline, after Wang et al. 2023 (doi:10.1016/j.compmedimag.2023.102273).",
        "The standard uncertainty covers image noise, the choice of motion model and of bone region, and repositioning "
        "of the hand as in simulated hands. It was calibrated on simulated joints and hands with known narrowing. "
        "Intervals are 95 % intervals.",
        "JSW is the mean distance of the two margins. Its change and JSN have only the outlines of the bones in "
        "common.",
    ]
    if len({hand.visit for hand in progression.hands}) > 2:
        how.append(
            "All pairs of visits are registered. The course of a joint is the weighted least-squares solution over "
            "all pairs; closure is how much the pairs disagree around triangles of visits."
        )
    if scales.unit.name == "px":
        how.append("No pixel size is known, so all figures are in pixels of the baseline.")
    limits = tag("h3", "What the uncertainty does not include")
    limits += tag("ul", *(tag("li", each) for each in _NOT_INCLUDED))
    text = tag("div", *(tag("p", each) for each in how), limits)
    return tag("h2", "Methods and limits") + tag("div", text, listed, class_="beside")
