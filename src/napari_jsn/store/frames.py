"""Return the tables of a store as DataFrames."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, func, select
from sqlalchemy.orm import Session

from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.files import write_files
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.progression.progression import Decision
from napari_jsn.store.cohorts import CohortStore
from napari_jsn.store.corrections import BOX_COLUMNS, boxes_of
from napari_jsn.store.database import reading, writing
from napari_jsn.store.measurements import delete_patient
from napari_jsn.store.progression_rows import table_of
from napari_jsn.store.schema import (
    ChangeRow,
    DecisionRow,
    MeasurementRow,
    PatientRow,
    ProgressionRow,
    RadiographRow,
    ScoreRow,
    SessionRow,
    VisitRow,
)

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = LazyModule("pandas")

DECISION_COLUMNS = ("patient", "joint", "side", "visit", "decision", "comment", "reader", "session", "changed")
SCORE_COLUMNS = (
    "patient", "visit", "side", "site", "kind", "grade", "mark", "not_scored", "reader", "session",
    "expected_grade", "sd", "method",
)  # fmt: skip
SESSION_COLUMNS = ("reader", "session", "reading_order", "seed", "repeated_share", "scheme", "created", "locked")
CHANGE_COLUMNS = ("changed", "reader", "session", "patient", "subject", "item", "was", "became")


def rows_table(session: Session, kind: Any, columns: Sequence[str], patient: str | None) -> pd.DataFrame:
    """Return columns of all rows of one kind, in the order in which they were added; ``patient`` limits them to one."""
    return pd.DataFrame(_cells(session, kind, columns, patient), columns=list(columns))


def _cells(session: Session, kind: Any, columns: Sequence[str], patient: str | None) -> list[tuple[Any, ...]]:
    has_owner = hasattr(kind, "patient_id")
    chosen = [PatientRow.patient if name == "patient" and has_owner else getattr(kind, name) for name in columns]
    wanted = select(*chosen).select_from(kind).order_by(kind.id)
    if has_owner:
        wanted = wanted.join(PatientRow, kind.patient_id == PatientRow.id)
    if patient is not None:
        wanted = wanted.where((PatientRow if has_owner else kind).patient == patient)
    return [tuple(row) for row in session.execute(wanted)]


def patients_table(session: Session) -> pd.DataFrame:
    """Return all patients, with their numbers of visits and of joints that were measured."""

    def count(kind: Any, what: Any) -> Any:
        return select(func.count(what)).where(kind.patient_id == PatientRow.id).scalar_subquery()

    measured = select(ProgressionRow.saved).where(ProgressionRow.patient_id == PatientRow.id).scalar_subquery()
    reader = select(ProgressionRow.reader).where(ProgressionRow.patient_id == PatientRow.id).scalar_subquery()
    figures = count(MeasurementRow, MeasurementRow.id)
    wanted = select(PatientRow.patient, count(VisitRow, VisitRow.id), figures, measured, reader)
    rows = [tuple(row) for row in session.execute(wanted.order_by(PatientRow.patient))]
    return pd.DataFrame(rows, columns=["patient", "visits", "figures", "measured", "reader"])


def out_of_date_table(session: Session, patient: str | None) -> pd.DataFrame:
    """Return the figures that are out of date."""
    columns = (PatientRow.patient, MeasurementRow.joint, MeasurementRow.side, MeasurementRow.visit)
    wanted = select(*columns).join(PatientRow, MeasurementRow.patient_id == PatientRow.id)
    wanted = wanted.where(MeasurementRow.out_of_date).order_by(PatientRow.patient, MeasurementRow.place)
    if patient is not None:
        wanted = wanted.where(PatientRow.patient == patient)
    rows = [tuple(row) for row in session.execute(wanted)]
    return pd.DataFrame(rows, columns=["patient", "joint", "side", "visit"])


def counts(session: Session) -> dict[str, int]:
    """Return the numbers of rows."""

    def number(kind: Any, *where: Any) -> int:
        return session.scalar(select(func.count(kind.id)).where(*where)) or 0

    return {
        "patients": number(PatientRow),
        "radiographs": number(RadiographRow),
        "figures": number(MeasurementRow),
        "figures out of date": number(MeasurementRow, MeasurementRow.out_of_date),
        "decisions": number(DecisionRow),
        "scores": number(ScoreRow),
        "sessions": number(SessionRow),
        "changes": number(ChangeRow),
    }


#: Tables of a store, in the order of :meth:`TableStore.export`.
TABLES = ("patients", "measurements", "boxes", "decisions", "scores", "sessions", "changes")


class TableStore(CohortStore):
    """The tables of a store as DataFrames and as CSV, and what removes a patient from them."""

    @property
    def url(self) -> URL:
        """Where the store is, with its password if it has one: open it again with it."""
        return self._engine.url

    def out_of_date(self, patient: str | None = None) -> pd.DataFrame:
        """Return the figures whose box or masks were changed since they were measured: ``patient joint side visit``.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     len(store.out_of_date())
        0
        """
        with reading(self._engine) as session:
            return out_of_date_table(session, patient)

    def measurements(self, patient: str | None = None) -> pd.DataFrame:
        """Return the tables of all progressions, one below the other; see :meth:`napari_jsn.Progression.table`.

        Parameters
        ----------
        patient : str, optional
            Only this one.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     len(store.measurements())
        0
        """
        forms = select(ProgressionRow.patient_id, ProgressionRow.columns, ProgressionRow.kinds)
        wanted = select(MeasurementRow.patient_id, MeasurementRow.figures).join(PatientRow)
        if patient is not None:
            forms = forms.join(PatientRow).where(PatientRow.patient == patient)
            wanted = wanted.where(PatientRow.patient == patient)
        with reading(self._engine) as session:
            return table_of(
                {row[0]: (row[1], row[2]) for row in session.execute(forms)},
                (
                    (row[0], row[1])
                    for row in session.execute(wanted.order_by(PatientRow.patient, MeasurementRow.place))
                ),
            )

    def patients(self) -> pd.DataFrame:
        """Return all patients: ``patient visits joints measured reader``; joints are those with a measurement.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.patients()["patient"].tolist()
        ['P1']
        """
        with reading(self._engine) as session:
            return patients_table(session)

    def delete_patient(self, patient: str) -> None:
        """Delete a patient with measurement, decisions and scores; the table of changes keeps its rows.

        Files of radiographs are not touched. Plans of reading sessions still name the patient.

        Raises
        ------
        InputError
            If there is no such patient.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.delete_patient("P1")
        ...     len(store.patients()), len(store.scores()), len(store.changes())
        (0, 0, 2)
        """
        with writing(self._engine) as session:
            delete_patient(session, self._log, patient)

    def boxes(self, patient: str | None = None) -> pd.DataFrame:
        """Return the box of every joint as it is now, and what a person changed.

        Returns
        -------
        DataFrame
            ``patient visit side joint``, corners ``row_1 column_1 .. row_4 column_4`` in pixels of the radiograph (NaN
            where a person removed the joint), ``box_edited masks_painted``, and for what was changed since the last
            measurement ``not_measured_yet reader changed``.

        Examples
        --------
        >>> import tempfile
        >>> import napari_jsn as jsn
        >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P1")
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(progression)
        ...     store.boxes()[["visit", "joint", "box_edited"]].values.tolist()
        [[1, 'MCP2', False], [2, 'MCP2', False]]
        """
        with reading(self._engine) as session:
            return pd.DataFrame(boxes_of(session, patient), columns=list(BOX_COLUMNS))

    def decisions(self, patient: str | None = None) -> pd.DataFrame:
        """Return decisions: ``patient joint side visit decision comment reader session changed``.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     len(store.decisions())
        0
        """
        return self._rows(DecisionRow, DECISION_COLUMNS, patient)

    def scores(self, patient: str | None = None) -> pd.DataFrame:
        """Return scores in long form: ``patient visit side site kind grade mark not_scored reader session``.

        Further columns are of models: ``expected_grade sd method``.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.scores()[["site", "grade", "reader"]].values.tolist()
        [['MCP2', 2.0, 'A']]
        """
        found = self._rows(ScoreRow, SCORE_COLUMNS, patient)
        found = found.astype(
            {name: float if name in ("grade", "expected_grade", "sd") else object for name in SCORE_COLUMNS}
        )
        if len(found) and found["visit"].str.fullmatch(r"(0|[1-9]\d{0,8})").all():
            found["visit"] = found["visit"].astype(int)
        return found

    def decisions_on(self, patient: str) -> tuple[Decision, ...]:
        """Return the decisions of all readers on a patient, as :attr:`Progression.decisions` holds them.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.decide("P1", "MCP2", "L", 2, "rejected")
        ...     [one.decision for one in store.decisions_on("P1")]
        ['rejected']
        """
        names = [each.name for each in fields(Decision)]
        with reading(self._engine) as session:
            return tuple(Decision(*row) for row in _cells(session, DecisionRow, names, patient))

    def sessions(self) -> pd.DataFrame:
        """Return reading sessions: ``reader session reading_order seed repeated_share scheme created locked``.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.add_session("first", "single", seed=3)
        ...     store.sessions()[["session", "seed"]].values.tolist()
        [['first', 3]]
        """
        return self._rows(SessionRow, SESSION_COLUMNS, None)

    def changes(self, patient: str | None = None) -> pd.DataFrame:
        """Return every change: ``changed reader session patient subject item was became``; the oldest first.

        Parameters
        ----------
        patient : str, optional
            Pseudonym; all patients by default.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.changes()[["reader", "subject", "became"]].values.tolist()
        [['A', 'score', '[2.0,"",""]']]
        """
        return self._rows(ChangeRow, CHANGE_COLUMNS, patient)

    def export(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write all tables as CSV into a folder.

        Returns
        -------
        list of Path
            ``patients.csv``, ``measurements.csv``, ``boxes.csv``, ``decisions.csv``, ``scores.csv``, ``sessions.csv``
            and ``changes.csv``.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     [path.name for path in store.export(f"{folder}/tables")][:2]
        ['patients.csv', 'measurements.csv']
        """
        tables = {f"{name}.csv": csv_bytes(table) for name, table in self.tables().items()}
        return write_files(Path(folder), tables, "folder")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return all tables by name: patients, measurements, boxes, decisions, scores, sessions, changes.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     len(store.tables()["scores"])
        1
        """
        return {name: getattr(self, name)() for name in TABLES}

    def counts(self) -> dict[str, int]:
        """Return the numbers of patients, figures (also of those out of date), decisions, scores, sessions, changes.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import napari_jsn as jsn
        >>> grade = {"patient": "P1", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn", "grade": 2}
        >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", "A") as store:
        ...     store.save(pd.DataFrame([grade]))
        ...     store.counts()["scores"]
        1
        """
        with reading(self._engine) as session:
            return counts(session)

    def _rows(self, kind: Any, columns: Sequence[str], patient: str | None) -> pd.DataFrame:
        with reading(self._engine) as session:
            return rows_table(session, kind, columns, patient)
