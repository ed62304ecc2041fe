"""``CohortStore``: patients of a cohort, what they were measured from, and their tables in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session, undefer

from napari_jsn.common.errors import InputError
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.store.changes import ChangeLog, now_utc
from napari_jsn.store.database import reading, writing
from napari_jsn.store.encoding import from_json
from napari_jsn.store.measurements import store_key, write_rows
from napari_jsn.store.progression_rows import RowsOfPatient, table_of
from napari_jsn.store.readings import save_model_scores
from napari_jsn.store.schema import MeasurementRow, PatientRow, ProgressionRow, SourceRow
from napari_jsn.store.sessions import SessionStore

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")


@dataclass(frozen=True)
class CohortPatient:
    """One patient of a cohort, with what was measured; the attributes are the columns of :class:`SourceRow`.

    Attributes
    ----------
    source : str
        Where the patient comes from; unique in a store.
    patient : str
        Pseudonym.
    state : str
        ``"measured"`` or ``"failed"``.
    sentence : str
        Why it failed; of a measured patient, its notes.
    content : str
        Hash of everything that the measurement depends on.
    files : str
        JSON.
    joints : int
        Figures that were measured.
    seconds : float
    arm, age, sex : str
        As the table of the cohort states them.
    log : str
    """

    source: str
    patient: str
    state: str
    sentence: str = ""
    content: str = ""
    files: str = "[]"
    joints: int = 0
    seconds: float = 0.0
    arm: str = ""
    age: str = ""
    sex: str = ""
    log: str = ""


@dataclass(frozen=True)
class MeasuredPatient:
    """What is saved of a patient of a cohort at once.

    Attributes
    ----------
    patient : CohortPatient
    rows : RowsOfPatient, optional
        None if nothing was measured.
    identity : str
        Code of the identity that its files state.
    scores : DataFrame, optional
        Long table of the scores of a model; they replace all scores of the model on this patient.
    """

    patient: CohortPatient
    rows: RowsOfPatient | None = None
    identity: str = ""
    scores: pd.DataFrame | None = None


class CohortStore(SessionStore):
    """What a store keeps of a cohort beside the measurements of its patients."""

    def identity_key(self) -> str:
        """Return the key with which codes of identities are made in this store."""
        with reading(self._engine) as session:
            return store_key(session)

    def save_cohort(
        self, measured: Sequence[MeasuredPatient], order: Mapping[str, int] | None = None
    ) -> list[CohortPatient]:
        """Save several patients of a cohort in one step, and return them; one that is refused is saved as failed.

        Parameters
        ----------
        measured : sequence of MeasuredPatient
        order : mapping of str to int, optional
            Place of each source in its cohort. Of two sources with one patient the first one counts, whichever is
            saved first; then the other one is returned as failed, too. A source that is not in it is replaced if it
            has a radiograph of the new one.
        """
        with writing(self._engine) as session:
            return [one for each in measured for one in _save(session, self._log, each, order or {})]

    def identities(self) -> dict[str, str]:
        """Return the code of the identity that the files of each patient state, by patient; see ``identity_code``."""
        with reading(self._engine) as session:
            rows = session.execute(select(PatientRow.patient, PatientRow.identity).where(PatientRow.identity != ""))
            return {row[0]: row[1] for row in rows}

    def cohort(self) -> dict[str, CohortPatient]:
        """Return all patients of cohorts by their source, with their files and without their logs."""
        names = [each.name for each in fields(CohortPatient) if each.name != "log"]
        columns = [getattr(SourceRow, name) for name in names]
        with reading(self._engine) as session:
            rows = session.execute(select(*columns).order_by(SourceRow.id))
            return {row[0]: CohortPatient(**dict(zip(names, row, strict=True))) for row in rows}

    def cohort_logs(self, sources: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the log of each source, with its name."""
        for k in range(0, len(sources), 500):
            wanted = select(SourceRow.source, SourceRow.log).where(SourceRow.source.in_(sources[k : k + 500]))
            with reading(self._engine) as session:
                found = [(row[0], row[1]) for row in session.execute(wanted)]
            yield from found

    def tables_in_parts(self, patients: Sequence[str], size: int = 200) -> Iterator[pd.DataFrame]:
        """Yield the tables of some patients, in the given order, so many at a time that they need little memory.

        Parameters
        ----------
        patients : sequence of str
            Pseudonyms; patients without a measurement are passed over.
        size : int
            Number of patients in one part.
        """
        for k in range(0, len(patients), size):
            part = patients[k : k + size]
            place = {name: number for number, name in enumerate(part)}
            forms = select(ProgressionRow.patient_id, ProgressionRow.columns, ProgressionRow.kinds).join(PatientRow)
            wanted = select(PatientRow.patient, MeasurementRow.patient_id, MeasurementRow.figures).join(PatientRow)
            with reading(self._engine) as session:
                of_part = PatientRow.patient.in_(part)
                by_patient = {row[0]: (row[1], row[2]) for row in session.execute(forms.where(of_part))}
                rows = session.execute(wanted.where(of_part).order_by(MeasurementRow.place)).all()
            table = table_of(by_patient, ((row[1], row[2]) for row in sorted(rows, key=lambda row: place[row[0]])))
            if len(table):
                yield table


def _save(session: Session, log: ChangeLog, measured: MeasuredPatient, order: Mapping[str, int]) -> list[CohortPatient]:
    """Save one patient; return it, and the source that is refused now because this one has the same patient."""
    one = measured.patient
    if measured.rows is None:
        if one.state == "measured":
            session.execute(update(PatientRow).where(PatientRow.patient == one.patient).values(arm=one.arm))
        return [_save_source(session, one)]
    same = select(SourceRow).where(SourceRow.patient == one.patient, SourceRow.state == "measured")
    other = session.scalar(same.where(SourceRow.source != one.source))
    try:
        with session.begin_nested():
            refused = [] if other is None else _replaced(session, other, one, order)
            write_rows(session, log, one.patient, measured.rows, measured.identity).arm = one.arm
            if measured.scores is not None:
                save_model_scores(session, log, one.patient, measured.scores)
    except InputError as error:
        return [_save_source(session, _failed(one, error))]
    return [_save_source(session, one), *refused]


def _replaced(session: Session, other: SourceRow, one: CohortPatient, order: Mapping[str, int]) -> list[CohortPatient]:
    """Give a patient that was measured from another source to this one; return that source as failed.

    Raises
    ------
    InputError
        If the other source counts.
    """
    error = InputError(
        f"Another folder or table that was measured into this store has the patient {one.patient}. Put the "
        "radiographs of the patient together, give another pseudonym, or use another store."
    )
    if other.source not in order:  # of another folder or table, from which the radiographs may have been moved
        if not have_same_radiograph(other.files, one.files):
            raise error
        session.delete(other)
        return []
    if order[other.source] < order[one.source]:
        raise error
    facts = {field.name: getattr(other, field.name) for field in fields(CohortPatient)}
    return [_save_source(session, _failed(CohortPatient(**facts), error))]


def have_same_radiograph(one: str, other: str) -> bool:
    """Return whether two patients have a file of the same content; both as :attr:`CohortPatient.files`."""
    first, second = ({digest for *_, digest in from_json(files)} for files in (one, other))
    return bool(first & second)


def _failed(one: CohortPatient, error: InputError) -> CohortPatient:
    return replace(one, state="failed", sentence=str(error), content="", joints=0)


def _save_source(session: Session, one: CohortPatient) -> CohortPatient:
    old = session.scalar(
        select(SourceRow)
        .where(SourceRow.source == one.source)
        .options(undefer(SourceRow.files), undefer(SourceRow.log))
    )
    if old is None:
        session.add(SourceRow(**vars(one), changed=now_utc()))
    else:
        for name, value in vars(one).items():
            setattr(old, name, value)
        old.changed = now_utc()
    session.flush()
    return one
