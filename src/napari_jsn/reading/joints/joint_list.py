"""The list of joints of an item: what is shown of each, filters, and the order of next and previous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_jsn.common.statistics import Estimate
from napari_jsn.progression.labels import Unit
from napari_jsn.progression.narrowing import JointView
from napari_jsn.reading.item import Item

#: States of a line, in the order of sorting. Only the first three are those of a figure.
STATES = ("failed", "wide", "good", "out of date", "baseline", "one visit", "not measured", "hidden")
DOUBTFUL_STATES = ("failed", "wide", "out of date")
#: Filters of the list and what they keep.
FILTERS = {"all": "all joints", "doubtful": "failed, wide or out of date", "undecided": "without a decision"}
#: The columns by which lines can be sorted.
COLUMNS = ("joint", "state", "jsn", "jsw", "decision")


@dataclass(frozen=True)
class JointLine:
    """One joint in the list, with the figures of one image.

    Attributes
    ----------
    side, joint : str
    state : str
        One of :data:`STATES`.
    jsn : Estimate
        Narrowing since baseline, in ``unit``.
    jsw : float
        Joint space width on the image, in ``unit``; NaN if it has failed.
    unit : {"mm", "px"}
    decision, comment : str
        Of the reader; empty where there is none.
    changed_by_hand : bool
        Whether a person set a box or painted masks that the figures follow from, or changed them since.
    reason : str
        Why the figure has failed.
    jsw_reason : str
        Why the width has failed; empty where it has not, or was not measured.
    """

    side: str
    joint: str
    state: str
    jsn: Estimate = Estimate()
    jsw: float = math.nan
    unit: str = "mm"
    decision: str = ""
    comment: str = ""
    changed_by_hand: bool = False
    reason: str = ""
    jsw_reason: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Side and joint."""
        return self.side, self.joint

    @property
    def title(self) -> str:
        """Joint, with its side if that is known: ``"L MCP2"``."""
        return f"{self.side} {self.joint}".strip()

    @property
    def doubtful(self) -> bool:
        """Whether the figure needs a second look."""
        return self.state in DOUBTFUL_STATES


def joint_lines(item: Item, image: int) -> list[JointLine]:
    """Return the lines of all joints for one image, right before left, in anatomical order.

    In a blinded session they have no figures.
    """
    decisions = item.decisions()
    if item.blinded:
        return [
            JointLine(side, joint, "hidden", decision=decision, comment=comment)
            for side, joint in item.places
            for decision, comment in [decisions.get((image, side, joint), ("", ""))]
        ]
    progression, visit = item.progression, item.visit(image)
    unit = Unit.of(progression)
    outdated = {(side, joint) for joint, side, _ in item.out_of_date}
    rows = {(row.side, row.joint): row for row in progression.narrowings if row.visit == visit}
    views: dict[tuple[int, str, str], JointView] = {
        (hand.visit, hand.side or "", view.joint.name): view for hand in progression.hands for view in hand.joints
    }
    edited = {
        (one.side, name) for one in item.images for name, now in one.joints.items()
        if now.joint is not None and (now.joint.edited or now.masks is not None)
    }  # fmt: skip
    one_visit = len({hand.visit for hand in progression.hands}) == 1
    lines = []
    for side, joint in item.places:
        row, view = rows.get((side, joint)), views.get((visit, side, joint))
        decision, comment = decisions.get((image, side, joint), ("", ""))
        measured = row is not None and unit.jsn(row).known
        state: str = row.state if row is not None and measured else "not measured"
        if (row is None or visit == 1) and view is not None:
            state = "one visit" if one_visit else "baseline" if visit == 1 else "not measured"
        if (side, joint) in outdated:
            state = "out of date"
        lines.append(
            JointLine(
                side,
                joint,
                state,
                unit.jsn(row) if row is not None else Estimate(),
                unit.jsw(view),
                unit.name,
                decision,
                comment,
                (side, joint) in edited or (row is not None and row.changed_by_hand),
                "" if row is None else row.reason,
                "" if view is None else view.jsw.reason,
            )
        )
    return lines


def filtered(lines: Sequence[JointLine], name: str = "all") -> list[JointLine]:
    """Return the lines that a filter of :data:`FILTERS` keeps."""
    if name == "doubtful":
        return [line for line in lines if line.doubtful]
    if name == "undecided":
        return [line for line in lines if not line.decision]
    return list(lines)


def sorted_lines(lines: Sequence[JointLine], column: str = "joint", reverse: bool = False) -> list[JointLine]:
    """Return the lines sorted by a column of :data:`COLUMNS`; figures that are not known come last in either order."""
    if column == "joint":
        return list(reversed(lines)) if reverse else list(lines)
    if column in ("jsn", "jsw"):
        figures = {line.key: line.jsn.value if column == "jsn" else line.jsw for line in lines}
        known = [line for line in lines if math.isfinite(figures[line.key])]
        known.sort(key=lambda line: figures[line.key], reverse=reverse)
        return known + [line for line in lines if not math.isfinite(figures[line.key])]
    texts = {line.key: STATES.index(line.state) if column == "state" else line.decision for line in lines}
    return sorted(lines, key=lambda line: texts[line.key], reverse=reverse)


def next_line(
    lines: Sequence[JointLine], current: tuple[str, str] | None, step: int = 1, name: str = "all"
) -> JointLine | None:
    """Return the line to go to from the current one, in steps of 1 or -1, among those that a filter keeps.

    At an end it goes on at the other one. None if the filter keeps no other line.
    """
    places = [line.key for line in lines]
    start = places.index(current) if current in places else (-1 if step > 0 else 0)
    kept = {line.key for line in filtered(lines, name)}
    for k in range(1, len(lines) + 1):
        line = lines[(start + step * k) % len(lines)]
        if line.key in kept and line.key != current:
            return line
    return None


def read_text(lines: Sequence[JointLine]) -> str:
    """Return how many joints have a decision: ``"12 of 20 read"``."""
    return f"{sum(bool(line.decision) for line in lines)} of {len(lines)} read"
