"""What readers decided on the figures of a progression, in words for table, report and DICOM objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_jsn.common.notes import counted
from napari_jsn.progression.narrowing import JointView, Narrowing
from napari_jsn.progression.progression import Decision, Progression

if TYPE_CHECKING:
    import pandas as pd

#: Side, joint and visit of a figure.
Figure = tuple[str, str, int]
#: Columns that the table of joints has where readers decided.
DECISION_COLUMNS = ("decision", "comment", "reader")


def decisions_by_figure(progression: Progression) -> dict[Figure, list[Decision]]:
    """Return the decisions of all readers on each figure of a progression that has one."""
    return decisions_of_figures(
        ((row.side, row.joint, row.visit) for row in progression.narrowings), progression.decisions
    )


def decisions_of_figures(figures: Iterable[Figure], decisions: Iterable[Decision]) -> dict[Figure, list[Decision]]:
    """Return the decisions on each figure that has one.

    A decision on a joint at baseline, which has no figure of its own, belongs to all figures of the joint.
    """
    of_joint: dict[tuple[str, str], list[Decision]] = {}
    for one in decisions:
        of_joint.setdefault((one.side, one.joint), []).append(one)
    found: dict[Figure, list[Decision]] = {}
    for side, joint, visit in figures:
        given = of_joint.get((side, joint), [])
        at_baseline = [replace(one, decision=f"baseline {one.decision}".strip()) for one in given if one.visit == 1]
        on_figure = at_baseline + [one for one in given if one.visit == visit]
        if on_figure:
            found[side, joint, visit] = on_figure
    return found


def decision_cells(decisions: Iterable[Decision]) -> dict[str, str]:
    """Return decision, comment and reader as cells of a table; those of several readers are separated by ``;``."""
    each = list(decisions)
    return {
        "decision": "; ".join(one.decision for one in each),
        "comment": "; ".join(one.comment for one in each).strip("; "),
        "reader": "; ".join(_reader(one) for one in each),
    }


def insert_decisions(table: pd.DataFrame, decisions: Sequence[Iterable[Decision]]) -> None:
    """Insert decision, comment and reader of each row of a table of joints, beside ``changed_by_hand``."""
    cells = [decision_cells(of_row) for of_row in decisions]
    place = table.columns.get_loc("changed_by_hand") + 1
    for k, name in enumerate(DECISION_COLUMNS):
        table.insert(place + k, name, [cell[name] for cell in cells])


def decision_text(one: Decision) -> str:
    """Return a decision as a sentence without its end: ``"rejected by A: blurred"``."""
    by = f"{one.decision or 'comment'} by {_reader(one) or 'an unnamed reader'}"
    return f"{by}: {one.comment}" if one.comment else by


def manual_changes(row: Narrowing) -> str:
    """Return what a person changed before the figure was measured, in words; ``""`` if nothing was."""
    parts = [
        f"{what} at {when}"
        for when, view in (("baseline", row.baseline), (f"visit {row.visit}", row.followup))
        if view is not None and (what := _changed(view))
    ]
    return "; ".join(parts)


def decisions_note(progression: Progression) -> str:
    """Return how many figures were decided, and by whom; ``""`` without decisions."""
    figures = decisions_by_figure(progression)
    if not figures:
        return ""
    readers = dict.fromkeys(one.reader or "an unnamed reader" for one in progression.decisions)
    return f"{', '.join(readers)} decided on {counted(len(figures), 'figure')} of {len(progression.narrowings)}."


def readings_record(progression: Progression) -> dict[str, Any]:
    """Return what the record of a run states about decisions and manual changes; empty where there are none."""
    record: dict[str, Any] = {}
    if progression.decisions:
        record["decisions"] = dict(sorted(Counter(each.decision for each in progression.decisions).items()))
        record["readers"] = sorted({each.reader for each in progression.decisions})
    changed = [
        f"{hand.side or ''} {view.joint.name} (visit {hand.visit})".strip()
        for hand in progression.hands
        for view in hand.joints
        if view.changed_by_hand
    ]
    if changed:
        record["changed_by_hand"] = changed
    return record


def _changed(view: JointView) -> str:
    return " and ".join(
        word for word, changed in (("box", view.joint.edited), ("bones", view.masks_painted)) if changed
    )


def _reader(one: Decision) -> str:
    return f"{one.reader} ({one.session})" if one.session else one.reader
