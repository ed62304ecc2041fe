"""Write a measurement into the store, with what it changes, and read its rows."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session, undefer

from napari_jsn.common.errors import InputError
from napari_jsn.patient.identity import ANONYMOUS, unambiguous_texts
from napari_jsn.patient.list_files import header_of, may_be_dicom
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.progression import Decision, Progression
from napari_jsn.store.changes import ChangeLog, now_utc
from napari_jsn.store.corrections import drop_measured
from napari_jsn.store.progression_rows import RowsOfPatient, rows_of
from napari_jsn.store.radiograph_files import hash_of_radiograph
from napari_jsn.store.readings import check_unlocked, decision_row, patient_row, write_decision
from napari_jsn.store.schema import (
    Base,
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
    now = now_utc()
    rows = rows_of(result, log.reader, now)
    identity = identity_code(store_key(session), [hand.radiograph.path for hand in result.hands])
    patient = write_rows(session, log, result.patient_id, rows, identity)
    for decision in result.decisions:
        _save_decision_of(session, log, patient, decision)


def store_key(session: Session) -> str:
    """Return the key with which codes of identities are made."""
    return session.scalar(select(Info.value).where(Info.name == "key")) or ""


def write_rows(session: Session, log: ChangeLog, name: str, rows: RowsOfPatient, identity: str) -> PatientRow:
    """Replace the measurement of a patient by the rows of another one.

    Parameters
    ----------
    session, log
    name : str
        Pseudonym.
    rows : RowsOfPatient
    identity : str
        See :func:`identity_code`.

    Raises
    ------
    InputError
        As :func:`save_progression`.
    """
    if not name.strip():
        raise InputError("The patient has no pseudonym. Give one (patient_id).", "patient_id")
    now = now_utc()
    patient = patient_row(session, name, make=True)
    _check_same(session, patient, identity, {film.pixels_sha256 for _, films in rows.visits for film, _ in films})
    patient.identity = identity or patient.identity
    old = session.scalars(_of_patient(MeasurementRow, patient).options(undefer(MeasurementRow.figures)))
    before = {_place(row): row.figures for row in old}
    after = {_place(row): row.figures for row in rows.measurements}
    changes = [(place, before.get(place, ""), after.get(place, "")) for place in dict.fromkeys((*before, *after))]
    log.add(session, now, name, "measurement", changes)
    for kind in (MeasurementRow, VisitRow, ProgressionRow):
        session.execute(delete(kind).where(kind.patient_id == patient.id))
    session.expire_all()
    _add_rows(session, rows, patient.id)
    session.flush()
    drop_measured(session, patient)
    return patient


def identity_code(key: str, paths: Iterable[Path | None]) -> str:
    """Return 32 hexadecimal digits for the identity that the files of a patient state; ``""`` if they state none.

    Patient ID and birth date count, and the name only where one of them is not stated, because a name can change.

    Parameters
    ----------
    key : str
        The key of the store.
    paths : iterable of Path or None
        Files of radiographs; files that are not DICOM state no identity.
    """
    identities = []
    for path in dict.fromkeys(path for path in paths if path is not None):
        try:
            if may_be_dicom(path):
                identities.append(header_of(path, path.name)[0].identity)
        except (InputError, OSError):  # not readable any more: saving it is refused elsewhere
            continue
    texts = unambiguous_texts(identities)
    if not any(texts):
        return ""
    return hmac.new(key.encode(), "\0".join(texts).encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:32]


def delete_patient(session: Session, log: ChangeLog, patient: str) -> None:
    """Delete a patient with measurement, decisions and scores; the table of changes keeps its rows and lists this one.

    Raises
    ------
    InputError
        If there is no such patient.
    """
    row = patient_row(session, patient)
    log.add(session, now_utc(), patient, "patient", [((patient,), "saved", "")])
    session.execute(delete(PatientRow).where(PatientRow.id == row.id))


def _save_decision_of(session: Session, log: ChangeLog, patient: PatientRow, one: Decision) -> None:
    old = decision_row(session, patient, (one.side, one.joint, one.visit), one.reader, one.session)
    if old is None or (old.decision, old.comment) != (one.decision, one.comment):
        check_unlocked(session, one.reader, one.session)
        write_decision(session, log, patient, old, one)


def _place(row: MeasurementRow) -> tuple[str, str, int]:
    return row.side, row.joint, row.visit


def _of_patient(kind: Any, patient: PatientRow) -> Any:
    return select(kind).where(kind.patient_id == patient.id)


def check_patient(session: Session, patient: Patient) -> None:
    """Check, before anything is measured, that radiographs may be saved under the pseudonym of their patient.

    Raises
    ------
    InputError
        If the store has another patient under this pseudonym.
    """
    row = session.scalar(select(PatientRow).where(PatientRow.patient == patient.patient_id))
    if row is not None:
        films = [hand.radiograph for hand in patient.hands]
        identity = identity_code(store_key(session), [film.path for film in films])
        _check_same(session, row, identity, {hash_of_radiograph(film) for film in films})


def _check_same(session: Session, patient: PatientRow, identity: str, pixels: Set[str]) -> None:
    """Check that radiographs are of a stored patient, by the code of their identity and the hashes of their pixels."""
    if identity and patient.identity and identity != patient.identity:
        raise InputError(
            f"The store has another patient under the pseudonym {patient.patient}: the identity in the files differs. "
            "Give this patient another pseudonym.",
            "patient_id",
        )
    of_patient = select(RadiographRow.pixels_sha256).join(VisitRow).where(VisitRow.patient_id == patient.id)
    there = set(session.scalars(of_patient))
    if patient.patient == ANONYMOUS and there and not there & pixels:
        raise InputError(
            "The store already has a patient without a pseudonym, with other radiographs. Give this patient a "
            "pseudonym.",
            "patient_id",
        )


def _add_rows(session: Session, rows: RowsOfPatient, patient: int) -> None:
    """Insert rows, those of one kind at once, which is faster than one by one."""
    session.execute(insert(ProgressionRow), [values_of(rows.progression) | {"patient_id": patient}])
    figures = [values_of(row) | {"patient_id": patient} for row in rows.measurements]
    if figures:
        session.execute(insert(MeasurementRow), figures)
    if not rows.visits:
        return
    session.execute(insert(VisitRow), [values_of(visit) | {"patient_id": patient} for visit, _ in rows.visits])
    of_patient = select(VisitRow.visit, VisitRow.id).where(VisitRow.patient_id == patient)
    visit_ids = {row[0]: row[1] for row in session.execute(of_patient)}
    films = [(visit_ids[visit.visit], *film) for visit, of_visit in rows.visits for film in of_visit]
    if films:
        session.execute(insert(RadiographRow), [values_of(film) | {"visit_id": visit} for visit, film, _ in films])
    of_visits = select(RadiographRow.visit_id, RadiographRow.side, RadiographRow.id).where(
        RadiographRow.visit_id.in_(list(visit_ids.values()))
    )
    film_ids = {(row[0], row[1]): row[2] for row in session.execute(of_visits)}
    joints = [
        values_of(joint) | {"radiograph_id": film_ids[visit, film.side]}
        for visit, film, of_film in films
        for joint in of_film
    ]
    if joints:
        session.execute(insert(JointRow), joints)
    session.expire_all()


def values_of(row: Base) -> dict[str, Any]:
    """Return the columns of a row that have a value."""
    return {name: value for name, value in vars(row).items() if name in row.__table__.columns}


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
