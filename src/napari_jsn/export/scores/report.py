"""The report of scores as one HTML page: totals, the table of sites, and each hand with its grades."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from napari_jsn import __version__
from napari_jsn.common.notes import written_notes
from napari_jsn.drawing.hand import LabelledBox, hand_svg
from napari_jsn.drawing.svg import tag
from napari_jsn.export.report.page import html_page
from napari_jsn.export.report.sections import USE
from napari_jsn.networks.weights import short_identity
from napari_jsn.patient.patient import Hand
from napari_jsn.progression.labels import hand_label
from napari_jsn.scoring.grades import KINDS
from napari_jsn.scoring.schemes import SIDES

if TYPE_CHECKING:
    from napari_jsn.scoring.automatic.result import Scores, SiteScore

#: What each reason means.
_WHY = {
    "not_modelled": "not modelled: the networks know finger joints only",
    "not_visible": "not visible, or not found",
}


def scores_html(scores: Scores, keep_identity: bool = False) -> str:
    """Return the report of scores, which loads nothing and prints on A4.

    Parameters
    ----------
    scores : Scores
    keep_identity : bool
        Notes keep what was taken from the input.
    """
    return html_page(
        f"Scores: {scores.patient_id}", _opening(scores, keep_identity), scores_section(scores), _methods(scores)
    )


def scores_section(scores: Scores) -> str:
    """Return totals, grades and pictures of every visit."""
    visits = sorted({one.visit for one in scores.sites})
    parts = [tag("h2", "Totals"), _totals(scores)]
    for visit in visits:
        parts.append(tag("h2", f"Visit {visit}") + _grades(scores, visit))
        parts += [_picture(scores, hand) for hand in scores.hands if hand.visit == visit and hand.joints]
    return "".join(parts)


def _opening(scores: Scores, keep_identity: bool) -> str:
    title = tag("h1", "Scores of joint damage") + tag("p", escape(f"Patient {scores.patient_id}"))
    use = tag("p", escape(scores.statement), class_="use") + tag("p", escape(USE), class_="use")
    notes = [escape(note) for note in written_notes(scores.notes, keep_identity) if note != scores.statement]
    return title + use + (tag("ul", *(tag("li", note) for note in notes), class_="note") if notes else "")


def _totals(scores: Scores) -> str:
    names = {**KINDS, "total": scores.scheme.total_name}
    rows = [
        (
            names[row["kind"]][:1].upper() + names[row["kind"]][1:],
            str(row["visit"]),
            f"{row['total']:.1f}" if row["sites_scored"] else "",
            f"{row['ci_low']:.1f} to {row['ci_high']:.1f}" if row["sites_scored"] else "",
            f"{row['sites_scored']} of {row['sites']}",
            str(row["maximum"]),
        )
        for row in scores.totals().to_dict("records")
    ]
    heads = ("Sum of expected grades", "Visit", "Total", "95 % interval", "Sites scored", "Maximum of all sites")
    return _table(heads, rows)


def _grades(scores: Scores, visit: int) -> str:
    """Return the table of a visit: rows are sites; erosion and narrowing of the right and the left hand."""
    sides = [side for side in SIDES if any(one.side == side and one.visit == visit for one in scores.sites)]
    found = {(one.side, one.site, one.kind): one for one in scores.sites if one.visit == visit}
    columns = [(side, kind) for side in sides for kind in reversed(scores.scheme.kinds)]
    heads = ("Site", *(f"{hand_label(side).removesuffix(' hand')}, {KINDS[kind]}" for side, kind in columns))
    rows = [(site, *(_cell(found.get((side, site, kind))) for side, kind in columns)) for site in scores.scheme.rows]
    reasons = [one.not_scored for one in found.values() if one.not_scored]
    why = [f"{each}: {_WHY.get(each, each)}." for each in dict.fromkeys(reasons)]
    lead = "The grade nearest to the expected grade, which is in brackets. X: the scheme has no such score."
    return tag("p", escape(" ".join([lead, *why])), class_="lead") + _table(heads, rows)


def _cell(one: SiteScore | None) -> str:
    if one is None:
        return "X"
    return one.not_scored if one.grade is None else f"{one.grade} ({one.expected_grade:.1f})"


def _picture(scores: Scores, hand: Hand) -> str:
    boxes = []
    for joint in hand.joints:
        grades = [
            f"{kind[0].upper()}{one.grade}"
            for kind in scores.scheme.kinds
            for one in scores.sites
            if (one.visit, one.side, one.site, one.kind) == (hand.visit, hand.side or joint.side, joint.name, kind)
            and one.grade is not None
        ]
        boxes.append(LabelledBox(joint.box, " ".join([joint.name, *grades])))
    picture = hand_svg(hand.radiograph.pixels, boxes, spacing_mm=hand.radiograph.spacing_mm)
    caption = f"{hand.label.capitalize()}: J is the grade of narrowing, E that of erosion."
    return tag("div", tag("figure", picture, tag("figcaption", escape(caption))), class_="hand")


def _methods(scores: Scores) -> str:
    rows = [("napari-jsn", __version__), ("Method", scores.method), ("Computed on", scores.device)]
    rows += [(f"Model: {task}", short_identity(identity)) for task, identity in sorted(scores.models.items())]
    text = (
        "A network grades the image of each finger joint and compares the joints of both hands. Wrist sites are not "
        "scored. The interval of a total holds the uncertainty of the grades and the correlation between the joints, "
        "both as on simulated hands."
    )
    return tag("h2", "Method and limits") + tag("p", text) + _table(("", ""), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = tag("thead", tag("tr", *(tag("th", escape(name)) for name in heads)))
    body = tag("tbody", *(tag("tr", *(tag("td", escape(cell)) for cell in row)) for row in rows))
    return tag("div", tag("table", head, body, class_="plain"), class_="scroll")
