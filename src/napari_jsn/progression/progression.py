"""Result of a measurement: the narrowing of every joint of a patient from the baseline to every follow-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.common.notes import counted
from napari_jsn.progression.narrowing import MeasuredHand, Narrowing

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")


#: Side and two visits.
HandPair = tuple[str, int, int]


@dataclass(frozen=True)
class Decision:
    """What a reader decided on one figure.

    Attributes
    ----------
    joint, side : str
    visit : int
    decision : str
        ``"accepted"``, ``"rejected"`` or ``"unsure"``; ``""`` for a comment without a decision.
    comment : str
    reader : str
    session : str
        Name of the reading session; ``""`` outside of one.

    Examples
    --------
    >>> from napari_jsn.progression.progression import Decision
    >>> Decision("MCP2", "L", 2, "rejected", "blurred", "A").decision
    'rejected'
    """

    joint: str
    side: str
    visit: int
    decision: str
    comment: str = ""
    reader: str = ""
    session: str = ""


@dataclass(frozen=True, eq=False)
class Progression:
    """The narrowing of every joint of a patient's hands over the visits.

    Attributes
    ----------
    hands : tuple of MeasuredHand
        By visit, the right hand before the left.
    narrowings : tuple of Narrowing
        Sides R, L; joints in anatomical order; visits in order. Joints that could not be measured are included, with
        the reason.
    patient_id : str
        Pseudonym.
    notes : tuple of str
        Notes that apply to all figures: wrong scale, unknown spacing, sides that were determined by anatomy.
    models : mapping of str to str
        Name and SHA-256 of the weights that were used, by task, and of the cards of fitted constants, by name.
    method, device : str
    decisions : tuple of Decision
        What readers decided on the figures; they are not part of the table.
    hand_scales : mapping of (side, visit, visit) to float
        Scale of the hand between two visits, towards which those of the bones were shrunk; it is kept when single
        joints are measured again.
    seconds : float or None
        How long :func:`napari_jsn.measure` took; None where it is not known, as for a progression from a store.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2", "MCP3"], patient_id="P07")
    >>> progression
    <Progression P07: 2 narrowings over 2 visits, 0 failed>
    >>> progression.table()[["joint", "visit", "reliable"]].values.tolist()
    [['MCP2', 2, True], ['MCP3', 2, True]]
    """

    hands: tuple[MeasuredHand, ...]
    narrowings: tuple[Narrowing, ...]
    patient_id: str = "anonymous"
    notes: tuple[str, ...] = ()
    models: dict[str, str] = field(default_factory=dict)
    method: str = "refined"
    device: str = "cpu"
    decisions: tuple[Decision, ...] = ()
    hand_scales: dict[HandPair, float] = field(default_factory=dict)
    seconds: float | None = None

    def table(self) -> pd.DataFrame:
        """Return one row per joint and follow-up visit; see :func:`napari_jsn.progression.table.progression_table`.

        Returns
        -------
        DataFrame
            ``patient joint side visit jsn_mm jsn_sd_mm ci_low_mm ci_high_mm jsw_change_mm jsw_change_sd_mm reliable
            state reasons reason changed_by_hand ...``

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2", "MCP3"])
        >>> progression.table()[["joint", "side", "visit", "state"]].values.tolist()
        [['MCP2', 'L', 2, 'good'], ['MCP3', 'L', 2, 'good']]
        """
        from napari_jsn.progression.table import progression_table
        from napari_jsn.registration.record import models_record

        made_with = {"method": self.method, "device": self.device, **models_record(self.models)}
        return progression_table(self.hands, self.narrowings, self.patient_id, made_with)

    def _repr_html_(self) -> str:
        from napari_jsn.drawing.forest_plot import ForestRow, forest_plot
        from napari_jsn.drawing.hand import LabelledBox, hand_svg
        from napari_jsn.drawing.notebook import LONGEST_SIDE, picture_html, result_html, table_html
        from napari_jsn.drawing.svg import signed

        in_px = not any(row.narrowing_mm.known for row in self.narrowings)
        last = max((row.visit for row in self.narrowings), default=0)
        shown = [row for row in self.narrowings if row.visit == last]
        estimates = {(r.side, r.joint): r.narrowing_px if in_px else r.narrowing_mm for r in shown}
        failed = {(row.side, row.joint) for row in shown if not row.reliable}
        unit, decimals = ("px", 1) if in_px else ("mm", 2)
        parts = []
        if shown:
            figures = [
                [signed(figure, decimals) for figure in (each.value, *each.ci95)] if each.known else ["", "", ""]
                for each in estimates.values()
            ]
            rows = [
                (row.joint, row.side, value, low and f"{low} to {high}", row.state, row.reason)
                for row, (value, low, high) in zip(shown, figures, strict=True)
            ]
            head = ("joint", "side", f"JSN ({unit})", f"95 % interval ({unit})", "state", "reason")
            forest = [
                ForestRow(f"{side} {name}".strip(), each, (side, name) in failed)
                for (side, name), each in estimates.items()
            ]
            parts = [table_html(head, rows), picture_html(forest_plot(forest, unit, decimals))]
        for hand in self.hands:
            if hand.visit == 1:
                keys = [(hand.side or "", view.joint.name) for view in hand.joints]
                boxes = [
                    LabelledBox(view.joint.box, view.joint.name, estimates.get(key), key in failed)
                    for view, key in zip(hand.joints, keys, strict=True)
                ]
                picture = hand_svg(
                    hand.radiograph.pixels, boxes, spacing_mm=hand.radiograph.spacing_mm, longest_side=LONGEST_SIDE
                )
                parts.append(picture_html(picture))
        title = f"{repr(self)[1:-1]}. Visit {last} against baseline" if last else repr(self)[1:-1]
        return result_html(title, *parts, notes=self.notes)

    def __repr__(self) -> str:
        visits = counted(len({hand.visit for hand in self.hands}), "visit")
        narrowings = counted(len(self.narrowings), "narrowing")
        failed = sum(not row.reliable for row in self.narrowings)
        return f"<Progression {self.patient_id}: {narrowings} over {visits}, {failed} failed>"
