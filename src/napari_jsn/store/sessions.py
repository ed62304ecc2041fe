"""``SessionStore``: reading sessions and work lists of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from napari_jsn.scoring.schemes import Scheme
from napari_jsn.store.changes import ChangeLog
from napari_jsn.store.database import reading as reading_from
from napari_jsn.store.database import writing
from napari_jsn.store.encoding import from_json
from napari_jsn.store.readings import (
    add_session,
    item_rows,
    lock_session,
    plan_of,
    scheme_of,
    session_row,
    set_item,
    visits_of_patients,
)


@dataclass(frozen=True)
class StoredSession:
    """A reading session as the store keeps it; ``plan`` is what is read, in its order; ``scheme`` None: any."""

    order: str
    seed: int
    locked: datetime | None
    plan: list[Any]
    scheme: Scheme | None = None


class SessionStore:
    """What a store keeps of reading sessions of its reader: plan, states of the items, lock.

    Parameters
    ----------
    engine : Engine
    log : ChangeLog
    """

    def __init__(self, engine: Engine, log: ChangeLog) -> None:
        self._engine, self._log = engine, log

    @property
    def reader(self) -> str:
        """Who reads; ``""`` if it was not stated."""
        return self._log.reader

    def add_session(
        self, session: str, order: str = "chronological", seed: int = 0, repeated_share: float = 0.0,
        plan: Sequence[Any] = (), scheme: Scheme | None = None,
    ) -> None:  # fmt: skip
        """Add a reading session of the store's reader.

        Parameters
        ----------
        session : str
            Name of the session.
        order : {"chronological", "paired", "single"}
        seed : int
        repeated_share : float
            Share of the patients that are read twice.
        plan : sequence
            What is read, in its order.
        scheme : Scheme, optional
            Only its sites and grades can be scored in the session.
        """
        with writing(self._engine) as open_session:
            add_session(open_session, self._log, session, order, seed, repeated_share, plan, scheme)

    def lock_session(self, session: str) -> None:
        """Lock a session of the store's reader: nothing in it can be changed any more."""
        with writing(self._engine) as open_session:
            lock_session(open_session, self._log, session)

    def session(self, session: str) -> StoredSession | None:
        """Return a session of the store's reader, or None."""
        return self.session_of(self.reader, session)

    def session_of(self, reader: str, session: str) -> StoredSession | None:
        """Return a session of any reader, or None."""
        with reading_from(self._engine) as open_session:
            row = session_row(open_session, reader, session)
            return None if row is None else StoredSession(
                row.reading_order, row.seed, row.locked, plan_of(row), scheme_of(row)
            )  # fmt: skip

    def visits(self) -> dict[str, list[int]]:
        """Return the visits of every patient that has radiographs."""
        with reading_from(self._engine) as open_session:
            return visits_of_patients(open_session)

    def items(self, session: str, reader: str | None = None) -> dict[str, tuple[str, Any]]:
        """Return state and what was shown last, by the code of an item; the item that was used last comes last.

        Parameters
        ----------
        session : str
        reader : str, optional
            By default that of the store.
        """
        with reading_from(self._engine) as open_session:
            rows = item_rows(open_session, self.reader if reader is None else reader, session)
            return {row.code: (row.state, from_json(row.shown)) for row in rows}

    def set_item(self, session: str, code: str, state: str | None, shown: Any = None) -> None:
        """Save the state of an item (None keeps it) and what is shown of it."""
        with writing(self._engine) as open_session:
            set_item(open_session, self._log, session, code, state, shown)
