"""A progression as a table: one row a joint and follow-up visit, with every figure and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from napari_jsn import __version__
from napari_jsn.anatomy import JOINTS
from napari_jsn.joint.similarity import Similarity
from napari_jsn.progression.narrowing import NAN, JointView, MeasuredHand, Narrowing
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.record import Record, motion_record, spacing_cell
from napari_jsn.registration.result import Registration

if TYPE_CHECKING:
    import pandas as pd

_SIDES = ("R", "L", "")


def progression_table(
    films: Iterable[MeasuredHand],
    narrowings: Iterable[Narrowing],
    made_with: Mapping[str, str],
    models: Mapping[str, str],
) -> pd.DataFrame:
    """One row a joint and follow-up visit: the right hand first, joints in anatomical order, visits in order.

    Parameters
    ----------
    films : iterable of MeasuredHand
    narrowings : iterable of Narrowing
    made_with : mapping of str to str
        What is the same in every row, such as the pseudonym and the method.
    models : mapping of str to str
        Task to name and hash of the weights that were used.

    Returns
    -------
    DataFrame
        ``joint side visit jsn_mm jsn_sd_mm ci_low_mm ci_high_mm reliable reason`` first; then when (``day``, ``weeks``
        since baseline), the same in pixels, joint space widths, the turn of the bones against each other, closure,
        the direct registration from the baseline (motion of both bones, point and axis, losses), pixel sizes with
        their sources, and what it was measured with. NaN where not known or not measured.
    """
    import pandas as pd

    shown = {(film.visit, film.side or ""): film for film in films}
    same = _same(made_with, models)
    rows = sorted(narrowings, key=_place)
    records = [_figures(row) | _when(row, shown) | _more(row) | _films(row, shown) | same for row in rows]
    columns = None if records else list(_figures(Narrowing("", "", 2)))
    return pd.DataFrame(records, columns=columns)


def _place(row: Narrowing) -> tuple[int, int, int]:
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
        "reliable": bool(row.reliable),
        "reason": row.reason,
    }


def _when(row: Narrowing, films: Mapping[tuple[int, str], MeasuredHand]) -> Record:
    """The day of the visit, ISO 8601 or empty, and weeks since baseline."""
    first, now = (_day(films.get((visit, row.side))) for visit in (1, row.visit))
    weeks = NAN if first is None or now is None else (now - first).days / 7
    return {"day": "" if now is None else now.isoformat(), "weeks": weeks}


def _day(film: MeasuredHand | None) -> date | None:
    return None if film is None else film.day


def _more(row: Narrowing) -> Record:
    record: Record = {
        "jsn_px": row.jsn_px,
        "jsn_sd_px": row.jsn_sd_px,
        "closure_mm": row.closure_mm,
        "angle_deg": row.angle_deg,
    }
    for name, view in (("baseline_", row.baseline), ("", row.followup)):
        record |= _width(view, name)
    record["jsw_change_mm"], record["jsw_change_sd_mm"] = row.jsw_change_mm, row.jsw_change_sd_mm
    return record | _direct(row.registration)


def _width(view: JointView | None, prefix: str) -> Record:
    jsw = None if view is None else view.jsw
    return {
        f"{prefix}jsw_mm": NAN if jsw is None else jsw.mm,
        f"{prefix}jsw_sd_mm": NAN if jsw is None else jsw.sd_mm,
        f"{prefix}jsw_reliable": bool(jsw is not None and jsw.reliable),
    }


def _direct(one: Registration | None) -> Record:
    """The registration from the baseline to the visit."""
    still = Similarity()
    motion = motion_record(still, still, (0, 0), (0, 1)) if one is None else _motion(one)
    record: Record = {
        "direct_jsn_mm": NAN if one is None else one.jsn_mm,
        "direct_jsn_sd_mm": NAN if one is None else one.jsn_sd_mm,
        "direct_jsn_eq7_mm": NAN if one is None else one.jsn_eq7_mm,
    }
    record |= dict.fromkeys(motion, NAN) if one is None else motion
    record["original_loss"] = NAN if one is None else one.original_loss
    record["transformed_loss"] = NAN if one is None else one.transformed_loss
    return record


def _motion(one: Registration) -> Record:
    return motion_record(one.upper, one.lower, one.point, one.axis)


def _films(row: Narrowing, films: Mapping[tuple[int, str], MeasuredHand]) -> Record:
    """Pixel sizes of both films, and what they and the side rest on."""
    record: Record = {}
    for prefix, visit in (("baseline_", 1), ("", row.visit)):
        film = films.get((visit, row.side))
        radiograph: Radiograph | None = None if film is None else film.radiograph
        record[f"{prefix}spacing_mm"] = NAN if radiograph is None else spacing_cell(radiograph.spacing_mm)
        record[f"{prefix}spacing_source"] = "" if radiograph is None else radiograph.spacing_source
        record[f"{prefix}side_source"] = "" if radiograph is None else radiograph.side_source
    return record


def _same(made_with: Mapping[str, str], models: Mapping[str, str]) -> Record:
    named = {f"{task}_model": identity for task, identity in sorted(models.items())}
    return {**made_with, "software": f"napari-jsn {__version__}", **named}
