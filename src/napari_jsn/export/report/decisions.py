"""What readers decided on the figures, and what a person changed: columns, a section of the report, and a record."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

from napari_jsn.drawing.svg import tag
from napari_jsn.export.report.plots import Scales
from napari_jsn.progression.progression import Decision, Progression

if TYPE_CHECKING:
    import pandas as pd

#: Columns that a table has where readers decided; several readers are separated by semicolons.
COLUMNS = ("decision", "comment", "decided_by")


def with_decisions(table: pd.DataFrame, progression: Progression) -> pd.DataFrame:
    """Return a table of joints with the decisions of readers; the table itself where there are none."""
    if not progression.decisions:
        return table
    of_figure = _by_figure(progression)
    keys = zip(table["joint"], table["side"], table["visit"], strict=True)
    cells = [of_figure.get(key, []) for key in keys]
    return table.assign(
        decision=["; ".join(each.decision for each in found) for found in cells],
        comment=["; ".join(each.comment for each in found if each.comment) for found in cells],
        decided_by=["; ".join(_who(each) for each in found) for found in cells],
    )


def decisions_section(progression: Progression, scales: Scales) -> str:
    """Return the table of decisions, and which joints a person changed; empty where there is nothing of both."""
    changed = changed_joints(progression)
    if not progression.decisions and not changed:
        return ""
    parts = [tag("h2", "Readings")]
    if changed:
        names = ", ".join(changed)
        parts.append(tag("p", f"Box or bones were set by a person: {escape(names)}."))
    if progression.decisions:
        heads = ("Joint", "Visit", "Decision", "Comment", "Reader")
        rows = [
            (f"{each.side} {each.joint}".strip(), scales.visit_labels.get(each.visit, str(each.visit)),
             each.decision, each.comment, _who(each))
            for each in progression.decisions
        ]  # fmt: skip
        head = tag("thead", tag("tr", *(tag("th", text) for text in heads)))
        lines = [tag("tr", *(tag("td", escape(text)) for text in row)) for row in rows]
        parts.append(tag("div", tag("table", head, tag("tbody", *lines), class_="plain"), class_="scroll"))
    return "".join(parts)


def readings_record(progression: Progression) -> dict[str, Any]:
    """Return what the record of a run states about decisions and manual changes; empty where there are none."""
    record: dict[str, Any] = {}
    if progression.decisions:
        record["decisions"] = dict(sorted(Counter(each.decision for each in progression.decisions).items()))
        record["readers"] = sorted({each.reader for each in progression.decisions})
    if changed := changed_joints(progression):
        record["changed_by_hand"] = changed
    return record


def changed_joints(progression: Progression) -> list[str]:
    """Return the joints whose box or bones a person set, with visits: ``"L MCP2 (visit 1)"``."""
    return [
        f"{hand.side or ''} {view.joint.name} (visit {hand.visit})".strip()
        for hand in progression.hands
        for view in hand.joints
        if view.changed_by_hand
    ]


def decision_texts(progression: Progression, side: str, joint: str, visit: int) -> list[str]:
    """Return a sentence for each decision on one figure, for objects that hold text only."""
    found = _by_figure(progression).get((joint, side, visit), [])
    return [
        f"{_who(each)}: {each.decision or 'no decision'}." + (f" {each.comment}" if each.comment else "")
        for each in found
    ]


def _by_figure(progression: Progression) -> dict[tuple[str, str, int], list[Decision]]:
    of_figure: dict[tuple[str, str, int], list[Decision]] = {}
    for each in progression.decisions:
        of_figure.setdefault((each.joint, each.side, each.visit), []).append(each)
    return of_figure


def _who(decision: Decision) -> str:
    return f"{decision.reader} ({decision.session})" if decision.session else decision.reader
