"""``Reading``: the work list of a reader, in a session or without one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from napari_jsn.common.errors import InputError
from napari_jsn.progression.progression import Progression
from napari_jsn.reading.item import Item
from napari_jsn.reading.orders import ORDERS, Planned, plan
from napari_jsn.scoring.automatic.score import METHODS
from napari_jsn.scoring.schemes import Scheme
from napari_jsn.scoring.schemes import scheme as scoring_scheme
from napari_jsn.store import Store

State = Literal["open", "begun", "done"]
#: Ending of the name of the session that holds the second readings.
REPEATED = " (repeated)"


@dataclass(frozen=True)
class WorkItem:
    """One line of the work list.

    Attributes
    ----------
    code : str
        The pseudonym of the patient outside of a session; in one, the number of the item.
    title : str
        What an interface shows: patient and visits, or the code where these are hidden.
    state : {"open", "begun", "done"}
    """

    code: str
    title: str
    state: State


class Reading:
    """What a reader has to read, how far it is, and the items themselves.

    Without a session, all patients of the store are read by name, nothing is hidden, and nothing is locked.

    Parameters
    ----------
    store : Store
        Opened with the reader's name.
    session : str
        Name of a session that :meth:`new` made.

    Raises
    ------
    InputError
        If the store has no reader's name, or the reader has no such session.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> from napari_jsn.reading import Reading
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"], patient_id="P001")
    >>> with tempfile.TemporaryDirectory() as folder, jsn.open_store(f"{folder}/trial.db", reader="A") as store:
    ...     store.save(progression)
    ...     reading = Reading.new(store, "first", "single", seed=1)
    ...     [item.title for item in reading.work_list()]
    ['001', '002']
    """

    session: str
    order: str
    scheme: Scheme | None

    def __init__(self, store: Store, session: str = "") -> None:
        if not store.reader:
            raise InputError("A reading needs a reader. Open the store with a reader's name.", "reader")
        if store.reader in METHODS:
            raise InputError(
                f"{store.reader} is the name of a model that scores. Open the store with the name of a person.",
                "reader",
            )
        self._store, self.session = store, session
        stored = store.session(session) if session else None
        if session and stored is None:
            raise InputError(f"The reader {store.reader} has no session {session}.", "session")
        self.order = "chronological" if stored is None else stored.order
        self.scheme = None if stored is None else stored.scheme
        self._plan = None if stored is None else [
            Planned(code, patient, tuple(visits), repeated) for code, patient, visits, repeated in stored.plan
        ]  # fmt: skip

    @classmethod
    def new(
        cls,
        store: Store,
        session: str,
        order: str = "chronological",
        seed: int | None = None,
        repeated_share: float = 0.0,
        scheme: str | os.PathLike[str] | Scheme | None = None,
    ) -> Reading:
        """Make a session over all patients that the store has now, and return it.

        Parameters
        ----------
        store : Store
        session : str
        order : {"chronological", "paired", "single"}
            See :func:`napari_jsn.reading.orders.plan`.
        seed : int, optional
            Of the order; by default it is drawn. The store keeps it.
        repeated_share : float
            Share of the patients that are read twice. Second readings stand in the session ``"NAME (repeated)"``.
        scheme : str, path or Scheme, optional
            Scoring scheme, see :func:`napari_jsn.scoring.scheme`: only its sites and grades can be scored.

        Raises
        ------
        InputError
            If an argument is wrong, there is nothing to read, or the session exists.
        """
        if not session.strip() or session.endswith(REPEATED):
            raise InputError(f"A session cannot have the name {session!r}. Give another name.", "session")
        if seed is not None and (not isinstance(seed, int) or not 0 <= seed < 2**31):
            raise InputError(f"The seed is {seed!r}. Give a whole number from 0 to {2**31 - 1}.", "seed")
        chosen = secrets.randbelow(2**31) if seed is None else seed
        scored = None if scheme is None else scoring_scheme(scheme)
        planned = plan(store.visits(), order, chosen, repeated_share)
        stored = [[item.code, item.patient, item.visits, item.repeated] for item in planned]
        store.add_session(session, order, chosen, repeated_share, stored, scored)
        if any(item.repeated for item in planned):
            store.add_session(session + REPEATED, order, chosen, repeated_share, (), scored)
        return cls(store, session)

    def __repr__(self) -> str:
        return f"<Reading {self.session or 'without a session'} of {self._store.reader}, {self.order}>"

    @property
    def locked(self) -> bool:
        """Whether nothing in the session can be changed any more."""
        stored = self._store.session(self.session) if self.session else None
        return stored is not None and stored.locked is not None

    @property
    def blinded(self) -> bool:
        """Whether patient, visits, dates, figures and the scores of others are hidden: until the session is locked."""
        return ORDERS[self.order] and not self.locked

    def lock(self) -> None:
        """Lock the session: nothing in it can be changed, and nothing is hidden any more."""
        if not self.session:
            raise InputError("Only a session can be locked. Name the session.", "session")
        self._store.lock_session(self.session)
        if self._store.session(self.session + REPEATED) is not None:
            self._store.lock_session(self.session + REPEATED)

    def work_list(self) -> list[WorkItem]:
        """Return all items in the order of reading, with their states."""
        states, blinded = self._store.items(self.session), self.blinded
        return [WorkItem(each.code, _title(each, blinded), _state(states, each.code)) for each in self._planned()]

    def status(self) -> dict[str, int]:
        """Return the number of items by state."""
        states = [item.state for item in self.work_list()]
        return {state: states.count(state) for state in ("open", "begun", "done")}

    def next(self, after: str | None = None) -> WorkItem | None:
        """Return the next item that is not done: after the one of this code, then from the start; None at the end."""
        items = self.work_list()
        start = 1 + next((k for k, item in enumerate(items) if item.code == after), -1)
        return next((item for item in items[start:] + items[:start] if item.state != "done"), None)

    def resume(self) -> tuple[WorkItem, Any] | None:
        """Return the item that was used last, and what was shown of it; if there is none, the next one, or None."""
        used = self._store.items(self.session)
        items = {item.code: item for item in self.work_list()}
        last = next((code for code in reversed(used) if code in items), None)
        if last is not None:
            return items[last], used[last][1]
        following = self.next()
        return None if following is None else (following, None)

    def open(
        self,
        code: str,
        folders: Iterable[str | os.PathLike[str]] = (),
        radiographs: Mapping[Any, Any] | None = None,
        progression: Progression | None = None,
    ) -> Item:
        """Return an item to read; it counts as begun.

        Parameters
        ----------
        code : str
        folders, radiographs
            Where radiographs are found that are no longer at their place; see :meth:`napari_jsn.Store.progression`.
        progression : Progression, optional
            The measurement that was just saved for this item, so that its pixels are not read again.

        Raises
        ------
        InputError
            If there is no such item, or its radiographs are not found.
        """
        planned = self._item(code)
        session = self.session + (REPEATED if planned.repeated else "")
        item = Item(self._store, planned, session, self.blinded, folders, radiographs, progression)
        if not self.locked and _state(self._store.items(self.session), code) == "open":
            self._store.set_item(self.session, code, "begun")
        return item

    def show(self, code: str, shown: Any) -> None:
        """Save what is shown of an item (any structure of JSON), so that :meth:`resume` can return it."""
        self._item(code)
        self._store.set_item(self.session, code, None, shown)

    def finish(self, code: str, done: bool = True) -> None:
        """Save that an item is done, or not done after all."""
        self._item(code)
        shown = self._store.items(self.session).get(code, ("", None))[1]
        self._store.set_item(self.session, code, "done" if done else "begun", shown)

    def _item(self, code: str) -> Planned:
        planned = next((each for each in self._planned() if each.code == code), None)
        if planned is None:
            raise InputError(f"The work list has no item {code}.", "code")
        return planned

    def _planned(self) -> list[Planned]:
        if self._plan is not None:
            return self._plan
        return [Planned(name, name, tuple(visits)) for name, visits in self._store.visits().items()]


def open_patient(store: Store, patient: str) -> Item:
    """Return a patient outside of a session: to read it, or only to look at it if the store has no reader's name.

    Raises
    ------
    InputError
        If the store has no measurement of the patient, or its radiographs are not found.
    """
    visits = store.visits().get(patient)
    if not visits:
        raise InputError(f"The store has no measurement of the patient {patient}.", "patient")
    if store.reader:
        return Reading(store).open(patient)
    return Item(store, Planned(patient, patient, tuple(visits)), "", False)


def session_states(store: Store) -> list[tuple[str, str, str, int, int, int, int, str]]:
    """Return session, reader, order, seed, numbers of items, of begun and done ones, and when it was locked."""
    rows = []
    for row in store.sessions().itertuples():
        stored = store.session_of(row.reader, row.session)
        if stored is None or row.session.endswith(REPEATED):
            continue
        states = [state for state, _ in store.items(row.session, row.reader).values()]
        locked = "" if stored.locked is None else f"{stored.locked:%Y-%m-%d}"
        numbers = len(stored.plan), states.count("begun"), states.count("done")
        rows.append((row.session, row.reader, stored.order, stored.seed, *numbers, locked))
    return rows


def _title(each: Planned, blinded: bool) -> str:
    if blinded:
        return each.code
    visits = ", ".join(map(str, each.visits))
    again = ", again" if each.repeated else ""
    return f"{each.patient}, visit{'s' * (len(each.visits) > 1)} {visits}{again}"


def _state(states: Mapping[str, tuple[str, Any]], code: str) -> State:
    state = states.get(code, ("", None))[0]
    return "done" if state == "done" else "begun" if state == "begun" else "open"
