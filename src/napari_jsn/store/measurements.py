"""Write a measurement into the store, with what it changes, and read its rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, undefer

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import ANONYMOUS
from napari_jsn.progression.progression import Decision, Progression
from napari_jsn.store.changes import ChangeLog, now_utc
from napari_jsn.store.corrections import drop_measured
from napari_jsn.store.identities import identity_code
from napari_jsn.store.progression_rows import RowsOfPatient, rows_of
from napari_jsn.store.readings import check_unlocked, decision_row, patient_row, write_decision
from napari_jsn.store.schema import (
    DecisionRow,
    Info,
    JointRow,
    MeasurementRow,
    PatientRow,
    ProgressionRow,
    RadiographRow,
    VisitRow,
)


def save_progression(session: Session, log: ChangeLog, result: Progression) -> None:
    """Replace the measurement of a patient, and add the decisions that it carries.

    Raises
    ------
    InputError
        If a radiograph cannot be read, the patient is another one, or another program changed the same meanwhile.
    """
    if not result.patient_id.strip():
        raise InputError("The patient has no pseudonym. Give one (patient_id).", "patient_id")
    now = now_utc()
    rows = rows_of(result, log.reader, now)
    key = session.scalar(select(Info.value).where(Info.name == "key")) or ""
    identity = identity_code(key, [hand.radiograph.path for hand in result.hands])
    patient = patient_row(session, result.patient_id, make=True)
    if identity and patient.identity and identity != patient.identity:
        raise InputError(
            f"The store has another patient under the pseudonym {result.patient_id}: the identity in the files "
            "differs. Give this patient another pseudonym.",
            "patient_id",
        )
    if result.patient_id == ANONYMOUS and not _has_radiograph_of(session, patient, rows):
        raise InputError(
            "The store already has a patient without a pseudonym, with other radiographs. Give this patient a "
            "pseudonym.",
            "patient_id",
        )
    patient.identity = identity or patient.identity
    old = session.scalars(_of_patient(MeasurementRow, patient).options(undefer(MeasurementRow.figures)))
    before = {_place(row): row.figures for row in old}
    after = {_place(row): row.figures for row in rows.measurements}
    changes = [(place, before.get(place, ""), after.get(place, "")) for place in dict.fromkeys((*before, *after))]
    log.add(session, now, result.patient_id, "measurement", changes)
    for kind in (MeasurementRow, VisitRow, ProgressionRow):
        session.execute(delete(kind).where(kind.patient_id == patient.id))
    session.expire_all()
    _add_rows(session, rows, patient.id)
    session.flush()
    drop_measured(session, patient)
    for decision in result.decisions:
        _save_decision_of(session, log, patient, decision)


def _save_decision_of(session: Session, log: ChangeLog, patient: PatientRow, one: Decision) -> None:
    old = decision_row(session, patient, (one.side, one.joint, one.visit), one.reader, one.session)
    if old is None or (old.decision, old.comment) != (one.decision, one.comment):
        check_unlocked(session, one.reader, one.session)
        write_decision(session, log, patient, old, one)


def _place(row: MeasurementRow) -> tuple[str, str, int]:
    return row.side, row.joint, row.visit


def _of_patient(kind: Any, patient: PatientRow) -> Any:
    return select(kind).where(kind.patient_id == patient.id)


def _has_radiograph_of(session: Session, patient: PatientRow, rows: RowsOfPatient) -> bool:
    """Return whether a patient has no radiograph yet, or one of those that are to be saved."""
    of_patient = select(RadiographRow.pixels_sha256).join(VisitRow).where(VisitRow.patient_id == patient.id)
    there = set(session.scalars(of_patient))
    new = {radiograph.pixels_sha256 for _, radiographs in rows.visits for radiograph, _ in radiographs}
    return not there or bool(there & new)


def _add_rows(session: Session, rows: RowsOfPatient, patient: int) -> None:
    rows.progression.patient_id = patient
    session.add(rows.progression)
    for row in rows.measurements:
        row.patient_id = patient
    session.add_all(rows.measurements)
    for visit, radiographs in rows.visits:
        visit.patient_id = patient
        session.add(visit)
        session.flush()
        for radiograph, joints in radiographs:
            radiograph.visit_id = visit.id
            session.add(radiograph)
            session.flush()
            for joint in joints:
                joint.radiograph_id = radiograph.id
            session.add_all(joints)


def read_rows(session: Session, name: str) -> RowsOfPatient:
    """Return all rows of a patient.

    Raises
    ------
    InputError
        If the patient has no measurement.
    """
    patient = session.scalar(select(PatientRow).where(PatientRow.patient == name))
    head = None if patient is None else session.scalar(_of_patient(ProgressionRow, patient))
    if patient is None or head is None:
        raise InputError(f"The store has no measurement of the patient {name}.", "patient")
    visits = []
    for visit in session.scalars(_of_patient(VisitRow, patient).order_by(VisitRow.visit)):
        radiographs = []
        of_visit = select(RadiographRow).where(RadiographRow.visit_id == visit.id).order_by(RadiographRow.id)
        for radiograph in session.scalars(of_visit):
            of_radiograph = select(JointRow).where(JointRow.radiograph_id == radiograph.id).order_by(JointRow.id)
            deferred_too = of_radiograph.options(undefer(JointRow.masks), undefer(JointRow.margins))
            radiographs.append((radiograph, list(session.scalars(deferred_too))))
        visits.append((visit, radiographs))
    wanted = _of_patient(MeasurementRow, patient).order_by(MeasurementRow.place)
    measurements = list(session.scalars(wanted.options(undefer(MeasurementRow.details))))
    decisions = tuple(
        Decision(row.joint, row.side, row.visit, row.decision, row.comment, row.reader, row.session)
        for row in session.scalars(_of_patient(DecisionRow, patient).order_by(DecisionRow.id))
    )
    return RowsOfPatient(head, visits, measurements, decisions)
