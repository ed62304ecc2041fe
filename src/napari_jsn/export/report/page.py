"""The whole report of a progression."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from napari_jsn import __version__
from napari_jsn.drawing.colours import jsn_colour, scale_end
from napari_jsn.drawing.pictures import spectrum_scale
from napari_jsn.drawing.svg import signed, tag
from napari_jsn.export.report.bars import Axis
from napari_jsn.export.report.methods import films_section, methods_section
from napari_jsn.export.report.overview import hand_overview
from napari_jsn.export.report.plots import agreement, trends
from napari_jsn.export.report.reasons import by_reason
from napari_jsn.export.report.rows import HANDS, table
from napari_jsn.export.report.strips import spectrum_limit, strip
from napari_jsn.export.report.style import STYLE
from napari_jsn.export.report.summary import facts, summary_section
from napari_jsn.export.report.timeline import times, visit_labels
from napari_jsn.export.report.unit import Estimate, Unit
from napari_jsn.progression.progression import MeasuredHand, Narrowing, Progression

USE = "For research use only. Not a medical device; no figure here should guide the treatment of a patient."
#: Forbids the page to load anything from anywhere.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def report_html(progression: Progression) -> str:
    """One HTML page that tells all that was measured, with pictures; it loads nothing and prints on A4.

    Names the patient by the pseudonym of the progression, and visits by weeks since baseline; it holds no date, no
    file name and no path. The same progression gives the same text.

    Parameters
    ----------
    progression : Progression

    Returns
    -------
    str
    """
    return _Report(progression).html()


class _Report:
    """What the sections share: the unit, the axes and the colours."""

    def __init__(self, progression: Progression) -> None:
        self.progression, self.rows = progression, progression.narrowings
        self.unit = Unit.of(progression)
        self.visit_labels = visit_labels(progression)
        trusted = [row for row in self.rows if row.reliable] or list(self.rows)
        found = [self.unit.jsn(row) for row in trusted]
        vague = [self.unit.jsn(row).value for row in self.rows if not row.reliable]
        within = [value for value in vague if abs(value) <= self.unit.plausible]
        self.axis = Axis.over([*found, *(Estimate(value, value, value) for value in within)])
        self.end = scale_end(each.value for each in found)
        self.square = Axis.over([*found, *(self.unit.jsw_change(row) for row in trusted)])

    def html(self) -> str:
        patient = escape(self.progression.patient)
        head = tag("meta", charset="utf-8") + tag("title", f"Joint space narrowing: {patient}")
        head += tag("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY)
        head += tag("meta", name="viewport", content="width=device-width, initial-scale=1") + tag("style", STYLE)
        sections = (
            self.opening(), self.overview(), self.table(), self.trends(), self.summary(), self.strips(True),
            self.strips(False), films_section(self.progression), methods_section(self.progression, self.unit),
        )  # fmt: skip
        body = tag("main", *sections) + tag("footer", escape(USE), f" Made by napari-jsn {escape(__version__)}.")
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'

    def opening(self) -> str:
        visits = ", ".join(f"visit {when}" for when in self.visit_labels.values())
        title = tag("h1", "Joint space narrowing") + tag("p", escape(f"Patient {self.progression.patient}: {visits}"))
        notes = [escape(note) for note in self.progression.notes]
        listed = tag("ul", *(tag("li", note) for note in notes), class_="note") if notes else ""
        return title + tag("p", escape(USE), class_="use") + facts(self.progression, self.unit) + listed

    def overview(self) -> str:
        last = max((row.visit for row in self.rows), default=1)
        baseline = [film for film in self.progression.films if film.visit == 1]
        hands = []
        for film in baseline:
            rows = {r.joint: r for r in self.rows if r.visit == last and r.side == (film.side or "")}
            drawn = tag("figure", hand_overview(film, rows, self.unit, self.end))
            hands.append(tag("div", drawn, self.beside(film, list(rows.values())), class_="hand"))
        told = (
            f"Narrowing from baseline to visit {self.visit_labels.get(last, last)}, shown on the baseline radiograph."
        )
        head = tag("h2", "Overview") + tag("p", told, class_="lead") + self.legend()
        return head + tag("div", *hands, class_="hands")

    def beside(self, film: MeasuredHand, rows: list[Narrowing]) -> str:
        """The words beside a hand: how many joints can be relied on, and why the others cannot."""
        doubted = [row for row in rows if not row.reliable]
        told = tag("p", f"{len(rows) - len(doubted)} of {len(rows)} joints reliable.")
        if doubted:
            found = ((", ".join(joints), reason) for reason, joints in by_reason(doubted).items())
            reasons = (tag("dt", escape(joints)) + tag("dd", escape(reason)) for joints, reason in found)
            told += tag("p", "Not to be relied on:") + tag("dl", *reasons, class_="reasons")
        return tag("div", tag("h3", HANDS.get(film.side or "", "")), told, class_="beside-hand")

    def legend(self) -> str:
        stops = ", ".join(jsn_colour(share * self.end, self.end) for share in (-1, -0.5, 0, 0.5, 1))
        low, high = (signed(value, 1) for value in (-self.end, self.end))
        scale = tag("i", class_="scale", style=f"background:linear-gradient(90deg,{stops})")
        colours = tag("span", f"wider {low} {self.unit.name}", scale, f"{high} {self.unit.name} narrower")
        grey = tag("span", tag("i", class_="box"), "not reliable, or not measured")
        return tag("div", colours, grey, class_="legend")

    def table(self) -> str:
        lead = (
            "Positive is narrower. Dots with bars: joint space narrowing (JSN) with its 95 % interval. Small rings: "
            "the change of joint space width (JSW) measured from the margins, an independent check."
        )
        drawn = table(self.rows, self.unit, self.axis, self.end, self.visit_labels)
        return tag("h2", "Joints") + tag("p", lead, class_="lead") + tag("div", drawn, class_="scroll")

    def trends(self) -> str:
        when = times(self.progression)
        if len(when) < 3:
            return ""
        known = "weeks since baseline" if when.get(1) == 0 else "visits"
        lead = f"JSN ({self.unit.name}) with 95 % intervals against {known}; rings: change of JSW; grey: not reliable."
        plots = []
        for side, rows in groupby(self.rows, key=lambda row: row.side):
            hand = tag("h3", HANDS.get(side, side))
            plots.append(tag("section", hand, trends(list(rows), self.unit, self.axis, self.end, when)))
        return tag("h2", "Over time") + tag("p", lead, class_="lead") + "".join(plots)

    def summary(self) -> str:
        plot = ""
        if any(self.unit.jsw_change(row).known for row in self.rows):
            drawn = agreement(self.rows, self.unit, self.square, self.end)
            told = "Two ways to the same change; on the diagonal they agree."
            plot = tag("figure", drawn, tag("figcaption", told), style="margin:0")
        return tag("h2", "Summary and check") + tag(
            "div", summary_section(self.progression, self.unit), plot, class_="beside"
        )

    def strips(self, reliable: bool) -> str:
        rows: Sequence[Narrowing] = [row for row in self.rows if row.reliable is reliable]
        if not rows:
            return ""
        title = "Each joint in pictures" if reliable else "Not to be relied on"
        lead = (
            "The follow-up is brought onto the baseline bone by bone. Loss: squared difference of grey levels before "
            "and after, over both bones; lines: the outlines of the bones that were measured."
            if reliable
            else "These figures are kept, but should not be used."
        )
        limit, visits = spectrum_limit(self.rows), len({row.visit for row in self.rows})
        scale = tag("span", "loss 0", tag("img", src=spectrum_scale(), alt=""), f"{limit:.3g} and above")
        legend = tag("div", scale, class_="legend") if reliable else ""
        drawn = [strip(row, self.unit, self.end, limit, visits) for row in rows]
        head = tag("h2", title)
        return head + tag("p", lead, class_="lead") + legend + "".join(drawn)
