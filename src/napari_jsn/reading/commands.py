"""What a reader changes, as commands that are saved at once and can be undone and done again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from napari_jsn.progression.narrowing import ChangedJoint, PlaceOfJoint
from napari_jsn.store import Store

#: Decision and comment.
Decided = tuple[str, str]
#: Grade (None: none), mark, and reason why it was not scored.
Scored = tuple[float | None, str, str]
#: Visit, side, site and kind.
PlaceOfScore = tuple[str, str, str, str]


class Command(Protocol):
    """One change of a reader; an interface returns to ``where``, a joint or site, after undo.

    ``place`` begins with visit and side.
    """

    @property
    def where(self) -> str:
        """Name of the joint or site."""

    @property
    def place(self) -> tuple[Any, ...]:
        """Visit, side, and what else names the place."""

    def do(self, store: Store) -> None:
        """Save the change."""

    def undo(self, store: Store) -> None:
        """Save what was there before."""


@dataclass(frozen=True)
class Decide:
    """Set or remove (None) a decision on a figure."""

    where: str
    patient: str
    place: PlaceOfJoint
    session: str
    new: Decided | None
    old: Decided | None

    def do(self, store: Store) -> None:
        """Save the new decision."""
        self._save(store, self.new)

    def undo(self, store: Store) -> None:
        """Save the old decision."""
        self._save(store, self.old)

    def _save(self, store: Store, decided: Decided | None) -> None:
        visit, side, joint = self.place
        decision, comment = decided or (None, "")
        store.decide(self.patient, joint, side, visit, decision, comment, self.session)


@dataclass(frozen=True)
class Score:
    """Set or remove (None) the grade of a site."""

    where: str
    patient: str
    place: PlaceOfScore
    session: str
    new: Scored | None
    old: Scored | None

    def do(self, store: Store) -> None:
        """Save the new grade."""
        self._save(store, self.new)

    def undo(self, store: Store) -> None:
        """Save the old grade."""
        self._save(store, self.old)

    def _save(self, store: Store, scored: Scored | None) -> None:
        if scored is None:
            store.remove_scores(self.patient, [self.place], self.session)
            return
        _save_scores(store, self.patient, self.session, {self.place: scored})


@dataclass(frozen=True)
class RemoveScores:
    """Remove the grades of several sites at once."""

    where: str
    patient: str
    session: str
    old: Mapping[PlaceOfScore, Scored]

    @property
    def place(self) -> PlaceOfScore:
        """The first of the places."""
        return next(iter(self.old))

    def do(self, store: Store) -> None:
        """Remove the grades."""
        store.remove_scores(self.patient, list(self.old), self.session)

    def undo(self, store: Store) -> None:
        """Save the grades again."""
        _save_scores(store, self.patient, self.session, self.old)


def _save_scores(store: Store, patient: str, session: str, scores: Mapping[PlaceOfScore, Scored]) -> None:
    import pandas as pd

    rows = [
        {
            "patient": patient, "visit": visit, "side": side, "site": site, "kind": kind,
            "grade": float("nan") if grade is None else grade, "mark": mark, "not_scored": not_scored,
            "reader": store.reader, "session": session,
        }
        for (visit, side, site, kind), (grade, mark, not_scored) in scores.items()
    ]  # fmt: skip
    store.save(pd.DataFrame(rows))


@dataclass(frozen=True)
class Change:
    """Set box and masks of a joint."""

    where: str
    patient: str
    place: PlaceOfJoint
    new: ChangedJoint
    old: ChangedJoint

    def do(self, store: Store) -> None:
        """Save the new box and masks."""
        store.set_joint(self.patient, *self.place, self.new)

    def undo(self, store: Store) -> None:
        """Save the old box and masks."""
        store.set_joint(self.patient, *self.place, self.old)


class History:
    """The commands that were done, and those that were undone."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done: list[Command] = []
        self._undone: list[Command] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a command to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a command to do again."""
        return bool(self._undone)

    def do(self, command: Command) -> None:
        """Save a change; what was undone before cannot be done again."""
        command.do(self._store)
        self._done.append(command)
        self._undone.clear()

    def undo(self) -> Command | None:
        """Take back the last change and return it; None if there is none."""
        return self._step(self._done, self._undone, "undo")

    def redo(self) -> Command | None:
        """Do the change again that was undone last; return as :meth:`undo`."""
        return self._step(self._undone, self._done, "do")

    def _step(self, source: list[Command], target: list[Command], way: str) -> Command | None:
        if not source:
            return None
        command = source[-1]
        getattr(command, way)(self._store)  # after an error it stays where it is
        target.append(source.pop())
        return command
