"""What a reader does, in the database: decisions, scores and reading sessions, each change listed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from napari_jsn.anatomy.joints import bones_of
from napari_jsn.common.csv_files import is_empty, mapped_cells, number_of
from napari_jsn.common.errors import InputError
from napari_jsn.progression.progression import Decision
from napari_jsn.scoring.long_table import check_long, long_table
from napari_jsn.scoring.schemes import Scheme
from napari_jsn.store.changes import ChangeLog, now_utc
from napari_jsn.store.encoding import from_json, to_json
from napari_jsn.store.schema import DecisionRow, ItemRow, MeasurementRow, PatientRow, ScoreRow, SessionRow, VisitRow

if TYPE_CHECKING:
    import pandas as pd

#: What a reader may decide on a figure.
DECISIONS = ("accepted", "rejected", "unsure")
#: Orders of reading.
ORDERS = ("chronological", "paired", "single")
_GRADED = ("grade", "mark", "not_scored")
#: What a model states beside a grade.
MODEL_COLUMNS = ("expected_grade", "sd", "method")


@runtime_checkable
class HasTable(Protocol):
    """What has its scores as a table in long form, such as the result of scoring by a model."""

    def table(self) -> pd.DataFrame:
        """Return the scores: ``patient visit side site kind grade expected_grade sd not_scored method``."""


def patient_row(session: Session, patient: str, make: bool = False) -> PatientRow:
    """Return the row of a patient.

    Raises
    ------
    InputError
        If there is none, and none may be made.
    """
    row = session.scalar(select(PatientRow).where(PatientRow.patient == patient))
    if row is None:
        if not make:
            raise InputError(f"The store has no patient {patient}.", "patient")
        row = PatientRow(patient=patient, identity="", arm="")
        session.add(row)
        session.flush()
    return row


def save_decision(
    session: Session,
    log: ChangeLog,
    patient: str,
    place: tuple[str, str, int],
    decision: str | None,
    comment: str,
    reading_session: str,
) -> None:
    """Write, replace or (with None) remove a decision on the figure at ``place`` (side, joint, visit)."""
    side, joint, visit = place
    bones_of(joint)
    if isinstance(visit, bool) or not isinstance(visit, Integral):
        raise InputError(f"The visit is {visit!r}. Give a whole number; 1 is the baseline.", "visit")
    if not isinstance(comment, str):
        raise InputError(f"The comment is a {type(comment).__name__}. Give a text.", "comment")
    place = (side, joint, int(visit))
    if side not in ("L", "R", ""):
        raise InputError(f"The side is {side!r}. Give 'L', 'R', or '' where it is not known.", "side")
    if decision is not None and decision not in DECISIONS and not (decision == "" and comment):
        raise InputError(
            f"The decision is {decision!r}. Choose one of: {', '.join(DECISIONS)}, None, or '' with a comment.",
            "decision",
        )
    check_unlocked(session, log.reader, reading_session)
    owner = patient_row(session, patient)
    if decision is not None:
        _check_measured(session, owner, place)
    old = decision_row(session, owner, place, log.reader, reading_session)
    new = Decision(joint, side, int(visit), decision or "", comment, log.reader, reading_session)
    write_decision(session, log, owner, old, None if decision is None else new)


def _check_measured(session: Session, owner: PatientRow, place: tuple[str, str, int]) -> None:
    """Refuse a decision on a figure that a measured patient does not have; a joint at baseline counts as one."""
    side, joint, visit = place
    columns = (MeasurementRow.side, MeasurementRow.joint, MeasurementRow.visit)
    found = session.execute(select(*columns).where(MeasurementRow.patient_id == owner.id))
    figures = {tuple(row) for row in found}
    at_baseline = visit == 1 and any(each[:2] == (side, joint) for each in figures)
    if figures and place not in figures and not at_baseline:
        raise InputError(
            f"The store has no figure of {' '.join(filter(None, (side, joint)))} at visit {visit} of {owner.patient}. "
            "Name a joint that was measured and one of its visits.",
            "joint",
        )


def decision_row(
    session: Session, owner: PatientRow, place: tuple[str, str, int], reader: str, reading_session: str
) -> DecisionRow | None:
    """Return the row of a decision on the figure at ``place`` (side, joint, visit), or None."""
    side, joint, visit = place
    return session.scalar(
        select(DecisionRow).where(
            DecisionRow.patient_id == owner.id, DecisionRow.side == side, DecisionRow.joint == joint,
            DecisionRow.visit == visit, DecisionRow.reader == reader, DecisionRow.session == reading_session,
        )
    )  # fmt: skip


def write_decision(
    session: Session, log: ChangeLog, owner: PatientRow, old: DecisionRow | None, new: Decision | None
) -> None:
    """Write a decision in place of the old one, remove it (None), and list the change."""
    one, now = new or old, now_utc()
    if one is None:
        return
    was = "" if old is None else to_json([old.decision, old.comment])
    became = "" if new is None else to_json([new.decision, new.comment])
    item = (one.side, one.joint, one.visit, one.reader, one.session)
    log.add(session, now, owner.patient, "decision", [(item, was, became)], one.session, one.reader)
    if new is None:
        session.delete(one)
    elif old is None:
        session.add(DecisionRow(patient_id=owner.id, changed=now, **vars(new)))
    else:
        old.decision, old.comment, old.changed = new.decision, new.comment, now


def save_scores(session: Session, log: ChangeLog, scores: pd.DataFrame) -> None:
    """Write the grades of a long table; a grade of the same site, reader and session is replaced.

    The reader of a table without a column ``reader`` is the method, if there is a column ``method``, or that of the
    store.
    """
    table = _with_model_columns(scores, log.reader or "unnamed")
    now = now_utc()
    for (reader, reading_session), own in table.groupby(["reader", "session"], sort=False):
        check_unlocked(session, str(reader), str(reading_session))
        _check_scheme(session, str(reader), str(reading_session), own)
        for patient, rows in own.groupby("patient", sort=False):
            owner = patient_row(session, str(patient), make=True)
            where = (
                ScoreRow.patient_id == owner.id,
                ScoreRow.reader == str(reader),
                ScoreRow.session == str(reading_session),
            )
            old = {_site_of(row): row for row in session.scalars(select(ScoreRow).where(*where))}
            changes, added = [], []
            for cell in rows.to_dict("records"):
                site = (str(cell["visit"]), cell["side"], cell["site"], cell["kind"])
                values = {name: _value_of(cell[name]) for name in (*_GRADED, *MODEL_COLUMNS)}
                before = old.get(site)
                was = "" if before is None else _stated(vars(before))
                became = _stated(values)
                if was == became:
                    continue
                changes.append(((*site, str(reader), str(reading_session)), was, became))
                if before is None:
                    names = dict(zip(("visit", "side", "site", "kind"), site, strict=True))
                    added.append(
                        ScoreRow(
                            patient_id=owner.id, reader=str(reader), session=str(reading_session), changed=now,
                            **names, **values,
                        )
                    )  # fmt: skip
                else:
                    for name, value in values.items():
                        setattr(before, name, value)
                    before.changed = now
            log.add(session, now, str(patient), "score", changes, str(reading_session), str(reader))
            session.add_all(added)


def save_model_scores(session: Session, log: ChangeLog, patient: str, scores: pd.DataFrame) -> None:
    """Replace all grades of a patient by the models of a long table, which has a column ``method``."""
    owner, now = patient_row(session, patient, make=True), now_utc()
    kept = {tuple(map(str, row)) for row in scores[["visit", "side", "site", "kind"]].itertuples(index=False)}
    for reader in scores["method"].unique():
        where = (ScoreRow.patient_id == owner.id, ScoreRow.reader == str(reader), ScoreRow.session == "")
        old = [row for row in session.scalars(select(ScoreRow).where(*where)) if _site_of(row) not in kept]
        changes = [((*_site_of(row), str(reader), ""), _stated(vars(row)), "") for row in old]
        log.add(session, now, patient, "score", changes, "", str(reader))
        for row in old:
            session.delete(row)
    save_scores(session, log, scores)


def _with_model_columns(scores: pd.DataFrame, reader: str) -> pd.DataFrame:
    """Return a long table with what a model states beside its grades; empty for readers."""
    by_model = "method" in scores
    if "reader" not in scores:
        scores = scores.assign(reader=scores["method"] if by_model else reader)
    table = long_table(scores)
    for name in ("expected_grade", "sd"):
        table[name] = math.nan
        if name in scores:
            cells, wrong = mapped_cells(scores[name], number_of)
            if wrong.any():
                raise InputError(f"The table of scores has a cell of {name} that is no number. Correct it.", "scores")
            table[name] = cells.to_numpy(dtype=float)
    table["method"] = ["" if is_empty(cell) else str(cell) for cell in scores["method"]] if by_model else ""
    return table


def _check_scheme(session: Session, reader: str, name: str, rows: pd.DataFrame) -> None:
    """Refuse grades that the scheme of a session does not have."""
    row = session_row(session, reader, name) if name else None
    scheme = None if row is None else scheme_of(row)
    if scheme is None:
        return
    faults = check_long(rows, scheme).faults
    if faults:
        site = rows["site"].iloc[faults[0].row - 1]
        raise InputError(
            f"The session {name} of {reader} scores by {scheme.name}, which does not have {faults[0].column} "
            f"{faults[0].value!r} at {site}; allowed: {faults[0].allowed}. Nothing was saved.",
            "scores",
        )


def scheme_of(row: SessionRow) -> Scheme | None:
    """Return the scoring scheme of a session, or None."""
    if not row.scheme:
        return None
    content = from_json(row.scheme_content)
    content["sites"] = {kind: tuple(sites) for kind, sites in content["sites"].items()}
    return Scheme(**content | {"rows": tuple(content["rows"])})


def _value_of(cell: Any) -> Any:
    """Return a cell as a database keeps it: NaN is empty."""
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _stated(values: Mapping[str, Any]) -> str:
    """Return what the table of changes states of a grade; of a model's also what it states beside it."""
    names = (*_GRADED, *MODEL_COLUMNS) if values["method"] else _GRADED
    return to_json([values[name] for name in names])


def remove_scores(
    session: Session, log: ChangeLog, patient: str, sites: Sequence[tuple[str, str, str, str]], reading_session: str
) -> None:
    """Remove grades of this reader, each named by (visit, side, site, kind)."""
    check_unlocked(session, log.reader, reading_session)
    owner, now = patient_row(session, patient), now_utc()
    for visit, side, site, kind in sites:
        where = (
            ScoreRow.patient_id == owner.id, ScoreRow.visit == str(visit), ScoreRow.side == side,
            ScoreRow.site == site, ScoreRow.kind == kind, ScoreRow.reader == log.reader,
            ScoreRow.session == reading_session,
        )  # fmt: skip
        row = session.scalar(select(ScoreRow).where(*where))
        if row is not None:
            was = _stated(vars(row))
            item = (str(visit), side, site, kind, log.reader, reading_session)
            log.add(session, now, patient, "score", [(item, was, "")], reading_session)
            session.execute(delete(ScoreRow).where(*where))


def add_session(
    session: Session, log: ChangeLog, name: str, order: str, seed: int, repeated_share: float, plan: Sequence[Any],
    scheme: Scheme | None = None,
) -> None:  # fmt: skip
    """Write a new reading session of the store's reader; ``plan`` is what is read, in its order."""
    if not log.reader:
        raise InputError("A reading session needs a reader. Open the store with a reader's name.", "reader")
    if order not in ORDERS:
        raise InputError(f"There is no order of reading {order!r}. Choose one of: {', '.join(ORDERS)}.", "order")
    if session_row(session, log.reader, name) is not None:
        raise InputError(f"The reader {log.reader} already has a session {name}. Give another name.", "session")
    now = now_utc()
    session.add(
        SessionRow(
            reader=log.reader, session=name, reading_order=order, seed=seed, repeated_share=repeated_share,
            created=now, locked=None, plan=to_json(list(plan)),
            scheme="" if scheme is None else scheme.name,
            scheme_content="" if scheme is None else to_json(vars(scheme)),
        )
    )  # fmt: skip
    facts = [order, seed, repeated_share, *([] if scheme is None else [scheme.name])]
    log.add(session, now, "", "session", [((log.reader, name), "", to_json(facts))], name)


def lock_session(session: Session, log: ChangeLog, name: str) -> None:
    """Lock a session of the store's reader: its decisions and scores cannot be changed any more."""
    row = session_row(session, log.reader, name)
    if row is None:
        raise InputError(f"The reader {log.reader} has no session {name}.", "session")
    if row.locked is None:
        row.locked = now_utc()
        log.add(session, row.locked, "", "session lock", [((log.reader, name), "", "locked")], name)


def session_row(session: Session, reader: str, name: str) -> SessionRow | None:
    """Return the row of a reading session, or None."""
    return session.scalar(select(SessionRow).where(SessionRow.reader == reader, SessionRow.session == name))


def check_unlocked(session: Session, reader: str, name: str) -> None:
    """Refuse a change in a session that is locked."""
    row = session_row(session, reader, name) if name else None
    if row is not None and row.locked is not None:
        raise InputError(
            f"The session {name} of {reader} is locked since {row.locked:%Y-%m-%d}, so nothing in it can be changed. "
            "Read in another session.",
            "session",
        )


def plan_of(row: SessionRow) -> list[Any]:
    """Return what is read in a session, in its order."""
    plan: list[Any] = from_json(row.plan)
    return plan


def visits_of_patients(session: Session) -> dict[str, list[int]]:
    """Return the visits of every patient that has radiographs."""
    wanted = select(PatientRow.patient, VisitRow.visit).join(VisitRow, VisitRow.patient_id == PatientRow.id)
    found: dict[str, list[int]] = {}
    for patient, visit in session.execute(wanted.order_by(PatientRow.patient, VisitRow.visit)):
        found.setdefault(patient, []).append(visit)
    return found


def item_rows(session: Session, reader: str, name: str) -> list[ItemRow]:
    """Return how far a reader is with the items of a session; the item that was used last comes last."""
    wanted = select(ItemRow).where(ItemRow.reader == reader, ItemRow.session == name)
    return list(session.scalars(wanted.order_by(ItemRow.changed, ItemRow.id)))


def set_item(session: Session, log: ChangeLog, name: str, code: str, state: str | None, shown: Any) -> None:
    """Write the state of an item (None keeps it) and what is shown of it; a change of the state is listed."""
    where = (ItemRow.reader == log.reader, ItemRow.session == name, ItemRow.code == code)
    row, now = session.scalar(select(ItemRow).where(*where)), now_utc()
    if row is None:
        row = ItemRow(reader=log.reader, session=name, code=code, state="", shown="", changed=now)
        session.add(row)
    if state is not None:
        check_unlocked(session, log.reader, name)
        log.add(session, now, "", "item", [((log.reader, name, code), row.state, state)], name)
        row.state = state
    row.shown, row.changed = to_json(shown), now


def _site_of(row: ScoreRow) -> tuple[str, str, str, str]:
    return row.visit, row.side, row.site, row.kind
