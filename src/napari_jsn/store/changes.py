"""The table of changes: who changed what, when, what it was and what it became; and what another writer changed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.orm import Session

from napari_jsn.common.errors import InputError
from napari_jsn.store.database import reading
from napari_jsn.store.encoding import to_json
from napari_jsn.store.schema import ChangeRow

#: What an item of the table of changes is: its parts depend on the subject.
Item = tuple[object, ...]


def now_utc() -> datetime:
    """Return the time in UTC, without its zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class ChangeLog:
    """Adds changes, and refuses to overwrite what another writer changed since it was read here.

    Parameters
    ----------
    engine : Engine
    reader : str
        Who makes the changes.
    """

    reader: str

    def __init__(self, engine: Engine, reader: str) -> None:
        self._engine, self.reader = engine, reader
        self._writer = secrets.token_hex(8)
        self._seen = 0
        self.refresh()

    def refresh(self) -> None:
        """Take note of all changes so far: what is read from now on contains them."""
        with reading(self._engine) as session:
            self._seen = session.scalar(select(func.max(ChangeRow.id))) or 0

    def add(
        self,
        session: Session,
        now: datetime,
        patient: str,
        subject: str,
        changes: Iterable[tuple[Item, str, str]],
        reading_session: str = "",
        reader: str | None = None,
    ) -> None:
        """Add changes ``(item, was, became)``, leaving out those without a difference.

        Raises
        ------
        InputError
            If another writer changed one of the items since this store was read last.
        """
        rows = [
            {
                "changed": now, "reader": self.reader if reader is None else reader, "session": reading_session,
                "writer": self._writer, "patient": patient, "subject": subject, "item": to_json(item), "was": was,
                "became": became,
            }
            for item, was, became in changes
            if was != became
        ]  # fmt: skip
        if not rows:
            return
        self._refuse_unseen(session, patient, subject, {str(row["item"]) for row in rows})
        session.execute(insert(ChangeRow), rows)

    def _refuse_unseen(self, session: Session, patient: str, subject: str, items: set[str]) -> None:
        unseen = session.execute(
            select(ChangeRow.item, ChangeRow.reader, ChangeRow.changed).where(
                ChangeRow.id > self._seen,
                ChangeRow.writer != self._writer,
                ChangeRow.patient == patient,
                ChangeRow.subject == subject,
            )
        )
        for item, reader, changed in unseen:
            if item in items:
                by = f" by {reader}" if reader else ""
                raise InputError(
                    f"Another program{by} changed a {subject} of the patient {patient} at {changed:%H:%M:%S} UTC, "
                    "after it was read here. Nothing was saved. Read it again (refresh) and repeat the change.",
                    "store",
                )
