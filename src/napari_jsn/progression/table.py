"""Make the table of a progression: one row per joint and follow-up visit, with every figure and its source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from napari_jsn import __version__
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.reasons import codes
from napari_jsn.joint.similarity import Similarity
from napari_jsn.progression.narrowing import NAN, JointView, MeasuredHand, Narrowing
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.record import Record, checks_record, motion_record, spacing_cell
from napari_jsn.registration.result import Registration

if TYPE_CHECKING:
    import pandas as pd

_SIDES = ("R", "L", "")


def progression_table(
    hands: Iterable[MeasuredHand], narrowings: Iterable[Narrowing], patient_id: str, made_with: Mapping[str, object]
) -> pd.DataFrame:
    """Return one row per joint and follow-up visit: the right hand first, joints in anatomical order, visits in order.

    Parameters
    ----------
    hands : iterable of MeasuredHand
    narrowings : iterable of Narrowing
    patient_id : str
    made_with : mapping of str to object
        What is the same in every row: method, device and models.

    Returns
    -------
    DataFrame
        ``patient joint side visit jsn_mm jsn_sd_mm ci_low_mm ci_high_mm jsw_change_mm jsw_change_sd_mm reliable state
        reasons reason changed_by_hand`` first; then ``day`` and ``weeks`` since baseline, the narrowing in pixels,
        joint space widths, the rotation of the bones relative to each other, closure, the direct registration from the
        baseline (motion of both bones, point and axis, losses), the quantities that decide whether it has failed
        (``check_...``), pixel sizes with their sources, and method, device, models and software. ``reasons`` are
        codes, ``reason`` are sentences. NaN if not known or not measured.
    """
    import pandas as pd

    by_place = {(hand.visit, hand.side or ""): hand for hand in hands}
    software: Record = {**made_with, "software": f"napari-jsn {__version__}"}
    rows = sorted(narrowings, key=_sort_key)
    patient: Record = {"patient": patient_id}
    records = [
        patient | _figures(row) | _dates(row, by_place) | _further_figures(row) | _sources(row, by_place) | software
        for row in rows
    ]
    columns = None if records else list(patient | _figures(Narrowing("", "", 2)))
    return pd.DataFrame(records, columns=columns)


def _sort_key(row: Narrowing) -> tuple[int, int, int]:
    return _SIDES.index(row.side), JOINTS.index(row.joint), row.visit


def _figures(row: Narrowing) -> Record:
    return {
        "joint": row.joint,
        "side": row.side,
        "visit": row.visit,
        "jsn_mm": row.jsn_mm,
        "jsn_sd_mm": row.jsn_sd_mm,
        "ci_low_mm": row.ci95_mm[0],
        "ci_high_mm": row.ci95_mm[1],
        "jsw_change_mm": row.jsw_change_mm,
        "jsw_change_sd_mm": row.jsw_change_sd_mm,
        "reliable": row.reliable,
        "state": row.state,
        "reasons": codes(row.reasons),
        "reason": row.reason,
        "changed_by_hand": row.changed_by_hand,
    }


def _dates(row: Narrowing, hands: Mapping[tuple[int, str], MeasuredHand]) -> Record:
    """Return the day of the visit, ISO 8601 or empty, and weeks since baseline."""
    first, now = (_day(hands.get((visit, row.side))) for visit in (1, row.visit))
    weeks = NAN if first is None or now is None else (now - first).days / 7
    return {"day": "" if now is None else now.isoformat(), "weeks": weeks}


def _day(hand: MeasuredHand | None) -> date | None:
    return None if hand is None else hand.day


def _further_figures(row: Narrowing) -> Record:
    record: Record = {
        "jsn_px": row.jsn_px,
        "jsn_sd_px": row.jsn_sd_px,
        "closure_mm": row.closure_mm,
        "angle_deg": row.angle_deg,
        "check_jsw_sd": row.jsw_difference_sd,
    }
    for name, view in (("baseline_", row.baseline), ("", row.followup)):
        record |= _jsw(view, name)
    return record | _direct_registration(row.registration)


def _jsw(view: JointView | None, prefix: str) -> Record:
    jsw = None if view is None else view.jsw
    return {
        f"{prefix}jsw_mm": NAN if jsw is None else jsw.mm,
        f"{prefix}jsw_sd_mm": NAN if jsw is None else jsw.sd_mm,
        f"{prefix}jsw_reliable": bool(jsw is not None and jsw.reliable),
    }


def _direct_registration(one: Registration | None) -> Record:
    """Return the registration from the baseline to the visit."""
    identity = Similarity()
    motion = motion_record(identity, identity, (0, 0), (0, 1)) if one is None else _motion(one)
    record: Record = {
        "direct_jsn_mm": NAN if one is None else one.jsn_mm,
        "direct_jsn_sd_mm": NAN if one is None else one.jsn_sd_mm,
        "direct_jsn_eq7_mm": NAN if one is None else one.jsn_eq7_mm,
    }
    record |= dict.fromkeys(motion, NAN) if one is None else motion
    record |= checks_record({} if one is None else one.checks)
    record["original_loss"] = NAN if one is None else one.original_loss
    record["transformed_loss"] = NAN if one is None else one.transformed_loss
    return record


def _motion(one: Registration) -> Record:
    return motion_record(one.upper, one.lower, one.point, one.axis)


def _sources(row: Narrowing, hands: Mapping[tuple[int, str], MeasuredHand]) -> Record:
    """Return the pixel sizes of both radiographs, and the sources of pixel size and side."""
    record: Record = {}
    for prefix, visit in (("baseline_", 1), ("", row.visit)):
        hand = hands.get((visit, row.side))
        radiograph: Radiograph | None = None if hand is None else hand.radiograph
        record[f"{prefix}spacing_mm"] = NAN if radiograph is None else spacing_cell(radiograph.spacing_mm)
        record[f"{prefix}spacing_source"] = "" if radiograph is None else radiograph.spacing_source
        record[f"{prefix}side_source"] = "" if radiograph is None else radiograph.side_source
    return record
