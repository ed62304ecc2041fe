"""Return the tables of a store as DataFrames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

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

DECISION_COLUMNS = ("patient", "joint", "side", "visit", "decision", "comment", "reader", "session", "changed")
SCORE_COLUMNS = ("patient", "visit", "side", "site", "kind", "grade", "mark", "not_scored", "reader", "session")
SESSION_COLUMNS = ("reader", "session", "reading_order", "seed", "repeated_share", "created", "locked")
CHANGE_COLUMNS = ("changed", "reader", "session", "patient", "subject", "item", "was", "became")


def rows_table(session: Session, kind: Any, columns: Sequence[str], patient: str | None) -> pd.DataFrame:
    """Return columns of all rows of one kind, in the order in which they were added; ``patient`` limits them to one."""
    import pandas as pd

    has_owner = hasattr(kind, "patient_id")
    chosen = [PatientRow.patient if name == "patient" and has_owner else getattr(kind, name) for name in columns]
    wanted = select(*chosen).select_from(kind).order_by(kind.id)
    if has_owner:
        wanted = wanted.join(PatientRow, kind.patient_id == PatientRow.id)
    if patient is not None:
        wanted = wanted.where(PatientRow.patient == patient)
    return pd.DataFrame([tuple(row) for row in session.execute(wanted)], columns=list(columns))


def patients_table(session: Session) -> pd.DataFrame:
    """Return all patients, with their numbers of visits and of joints that were measured."""
    import pandas as pd

    def count(kind: Any, what: Any) -> Any:
        return select(func.count(what)).where(kind.patient_id == PatientRow.id).scalar_subquery()

    measured = select(ProgressionRow.saved).where(ProgressionRow.patient_id == PatientRow.id).scalar_subquery()
    reader = select(ProgressionRow.reader).where(ProgressionRow.patient_id == PatientRow.id).scalar_subquery()
    figures = count(MeasurementRow, MeasurementRow.id)
    wanted = select(PatientRow.patient, count(VisitRow, VisitRow.id), figures, measured, reader)
    rows = [tuple(row) for row in session.execute(wanted.order_by(PatientRow.patient))]
    return pd.DataFrame(rows, columns=["patient", "visits", "figures", "measured", "reader"])


def visits_of_patients(session: Session) -> dict[str, list[int]]:
    """Return the visits of every patient that has radiographs."""
    wanted = select(PatientRow.patient, VisitRow.visit).join(VisitRow, VisitRow.patient_id == PatientRow.id)
    found: dict[str, list[int]] = {}
    for patient, visit in session.execute(wanted.order_by(PatientRow.patient, VisitRow.visit)):
        found.setdefault(patient, []).append(visit)
    return found


def out_of_date_table(session: Session, patient: str | None) -> pd.DataFrame:
    """Return the figures that are out of date."""
    import pandas as pd

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
