"""``Store``: measurements, decisions and scores of patients in a database, with every change that was made."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session, undefer

from napari_jsn.common.errors import InputError
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.patient.labels import radiograph_label
from napari_jsn.progression.progression import Progression
from napari_jsn.radiograph import Radiograph
from napari_jsn.store.database import open_database, reading, writing
from napari_jsn.store.encoding import to_json
from napari_jsn.store.progression_rows import RowsOfPatient, progression_of, rows_of, table_of
from napari_jsn.store.radiograph_files import FileState, find_file, stored_radiograph
from napari_jsn.store.schema import (
    ChangeRow,
    JointRow,
    MeasurementRow,
    PatientRow,
    ProgressionRow,
    RadiographRow,
    VisitRow,
)

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")


def open_store(place: str | os.PathLike[str], reader: str | None = None) -> Store:
    """Open a store of readings; an SQLite file that does not exist is made.

    Parameters
    ----------
    place : path or str
        Path of an SQLite file, or a URL of SQLAlchemy such as ``postgresql+psycopg://user@host/name``.
    reader : str, optional
        Who reads; stands in every change that this store makes.

    Returns
    -------
    Store

    Raises
    ------
    InputError
        If the store cannot be opened, or was made by another version.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P001")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with jsn.open_store(f"{folder}/trial.db", reader="A") as store:
    ...         store.save(progression)
    ...         found = store.progression("P001")
    >>> found.table().equals(progression.table())
    True
    """
    return Store(open_database(place), reader or "")


class Store:
    """Measurements, decisions and scores of patients in a database; see :func:`open_store`.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db") as store:
    ...     len(store.measurements()), len(store.changes())
    (0, 0)
    """

    def __init__(self, engine: Engine, reader: str) -> None:
        self._engine, self._reader = engine, reader
        self._writer = secrets.token_hex(8)

    def __enter__(self) -> Store:
        """Return the store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self._engine.url.render_as_string(hide_password=True)}>"

    def close(self) -> None:
        """Close all connections; everything was saved before."""
        self._engine.dispose()

    def save(self, result: Progression) -> None:
        """Save a measurement; an earlier one of the same patient is replaced, and the changes are listed.

        Parameters
        ----------
        result : Progression

        Raises
        ------
        InputError
            If this is no such result, a radiograph cannot be read, or the store cannot be written.
        """
        if not isinstance(result, Progression):
            raise InputError(f"A store cannot save a {type(result).__name__}. Give a Progression.", "result")
        now = _now()
        rows = rows_of(result, self._reader, now)
        with writing(self._engine) as session:
            patient = session.scalar(select(PatientRow).where(PatientRow.patient == result.patient_id))
            if patient is None:
                patient = PatientRow(patient=result.patient_id, identity="", arm="")
                session.add(patient)
                session.flush()
            before = {
                _place(row): row.figures
                for row in session.scalars(
                    _of_patient(MeasurementRow, patient).options(undefer(MeasurementRow.figures))
                )
            }
            for kind in (MeasurementRow, VisitRow, ProgressionRow):
                session.execute(delete(kind).where(kind.patient_id == patient.id))
            _add_rows(session, rows, patient.id)
            after = {_place(row): row.figures for row in rows.measurements}
            for place in dict.fromkeys((*before, *after)):
                was, became = before.get(place, ""), after.get(place, "")
                if was != became:
                    self._log(session, now, result.patient_id, "measurement", place, was, became)

    def progression(
        self,
        patient: str,
        folders: Iterable[str | os.PathLike[str]] = (),
        radiographs: Mapping[tuple[int, str], Radiograph] | None = None,
    ) -> Progression:
        """Return the measurement of a patient as it was saved; pixels are read when they are first used.

        Parameters
        ----------
        patient : str
            Pseudonym.
        folders : sequence of path
            Where files of radiographs are searched that are no longer at their place.
        radiographs : mapping of (visit, side) to Radiograph, optional
            Radiographs that were given as pixels, without a file; the side is ``""`` where it is not known.

        Raises
        ------
        InputError
            If there is no such patient, or the file of a radiograph is not found or was changed.
        """
        searched = [Path(folder) for folder in folders]
        given = dict(radiographs or {})

        def find(row: RadiographRow, visit: int) -> Radiograph:
            label = f"{radiograph_label(visit, row.side or None)} of {patient}"
            if (visit, row.side) in given:
                return _given(row, given[visit, row.side], label)
            state = find_file(FileState(row.path, row.file_sha256, row.file_size, row.file_time), searched, label)
            return stored_radiograph(row.facts, state, row.pixels_sha256, (row.rows, row.columns), label)

        with reading(self._engine) as session:
            rows = _read_rows(session, patient)
        return progression_of(rows, patient, find)

    def measurements(self, patient: str | None = None) -> pd.DataFrame:
        """Return the tables of all progressions, one below the other; see :meth:`napari_jsn.Progression.table`.

        Parameters
        ----------
        patient : str, optional
            Only this one.
        """
        wanted = (
            select(ProgressionRow.columns, ProgressionRow.kinds, MeasurementRow.figures)
            .join(PatientRow, ProgressionRow.patient_id == PatientRow.id)
            .join(MeasurementRow, MeasurementRow.patient_id == PatientRow.id)
            .order_by(PatientRow.patient, MeasurementRow.place)
        )
        if patient is not None:
            wanted = wanted.where(PatientRow.patient == patient)
        with reading(self._engine) as session:
            return table_of((row[0], row[1], row[2]) for row in session.execute(wanted))

    def changes(self) -> pd.DataFrame:
        """Return every change: ``changed reader session patient subject item was became``; the oldest first."""
        names = ("changed", "reader", "session", "patient", "subject", "item", "was", "became")
        with reading(self._engine) as session:
            rows = session.execute(select(*(getattr(ChangeRow, name) for name in names)).order_by(ChangeRow.id))
            return pd.DataFrame(list(rows), columns=list(names))

    def _log(
        self, session: Session, now: datetime, patient: str, subject: str, item: Any, was: str, became: str
    ) -> None:
        session.add(
            ChangeRow(
                changed=now, reader=self._reader, session="", writer=self._writer, patient=patient, subject=subject,
                item=to_json(item), was=was, became=became,
            )
        )  # fmt: skip


def _now() -> datetime:
    """Return the time in UTC, without its zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _place(row: MeasurementRow) -> tuple[str, str, int]:
    return row.side, row.joint, row.visit


def _of_patient(kind: Any, patient: PatientRow) -> Any:
    return select(kind).where(kind.patient_id == patient.id)


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


def _read_rows(session: Session, name: str) -> RowsOfPatient:
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
    return RowsOfPatient(head, visits, list(session.scalars(wanted.options(undefer(MeasurementRow.details)))))


def _given(row: RadiographRow, radiograph: Radiograph, label: str) -> Radiograph:
    from napari_jsn.store.radiograph_files import pixels_sha256

    if pixels_sha256(radiograph.pixels) != row.pixels_sha256:
        raise InputError(
            f"The pixels of {label} differ from those that were measured. Give the same radiograph.", "radiographs"
        )
    return radiograph
