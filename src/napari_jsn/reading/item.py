"""``Item``: one patient, or some of the visits of one, as a reader reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.joint import BoneMasks, Joint
from napari_jsn.patient.labels import side_order
from napari_jsn.progression.narrowing import ChangedJoint, PlaceOfJoint
from napari_jsn.progression.progression import Decision, Progression
from napari_jsn.radiograph import Radiograph
from napari_jsn.reading.commands import (
    Change,
    Command,
    Decide,
    Decided,
    History,
    PlaceOfScore,
    RemoveScores,
    Score,
    Scored,
)
from napari_jsn.reading.kept_changes import found_joint
from napari_jsn.reading.measuring import measure_again
from napari_jsn.reading.orders import Planned
from napari_jsn.store import Store

if TYPE_CHECKING:
    import pandas as pd

_HIDDEN = "Figures are hidden until the session is locked."


@dataclass(frozen=True, eq=False)
class ItemImage:
    """One radiograph of an item.

    Attributes
    ----------
    number : int
        1, 2, ... in the order in which the images are shown; in a blinded session it says nothing about time.
    label : str
        ``"image 1"`` where visits are hidden, else ``"visit 1"``.
    side : str
        ``"L"``, ``"R"``, or ``""`` where it is not known.
    radiograph : Radiograph
        In a blinded session only pixels, pixel size and side.
    joints : dict of str to ChangedJoint
        Boxes of the joints, and masks that were painted, as they are now.
    """

    number: int
    label: str
    side: str
    radiograph: Radiograph = field(repr=False)
    joints: dict[str, ChangedJoint] = field(repr=False)


class Item:
    """What a reader reads at once; made by :meth:`Reading.open`.

    Every change is saved at once and can be undone. In a blinded session an item states no patient, visit, date
    or figure, and nothing that others read.
    """

    code: str
    blinded: bool
    images: tuple[ItemImage, ...]

    def __init__(
        self,
        store: Store,
        planned: Planned,
        session: str,
        blinded: bool,
        folders: Iterable[str | os.PathLike[str]] = (),
        radiographs: Mapping[Any, Any] | None = None,
        progression: Progression | None = None,
    ) -> None:
        self.code, self.blinded = planned.code, blinded
        self._store, self._planned, self._session = store, planned, session
        self._history = History(store)
        #: Side and joint (or site) of the last change, undo or redo.
        self.last_place: tuple[str, str] | None = None
        #: Image and kind of grade of the last change, undo or redo; 0 and "" where it was of no image or no grade.
        self.last_image: int = 0
        self.last_kind: str = ""
        #: Joints (side, joint) that were measured again and are not saved yet, and those changed since that began.
        self._unsaved: set[tuple[str, str]] = set()
        self._changed: set[tuple[str, str]] = set()
        #: Held while a change or a measurement is saved: a measurement is not saved over a change that was made since.
        self._lock = Lock()
        with self._hidden():
            self._progression = progression or store.progression(planned.patient, folders, radiographs)
            self._films = [
                _shown(hand.radiograph, blinded and hand.visit in planned.visits) for hand in self._progression.hands
            ]
            self.images = self._images()

    def __repr__(self) -> str:
        return f"<Item {self.code}: {len(self.images)} radiographs>"

    # ----------------------------------------------------------------------------------------------- what is handed out

    @property
    def reader(self) -> str:
        """Who reads; ``""`` if it was not stated."""
        return self._store.reader

    @property
    def progression(self) -> Progression:
        """The measurement of the patient.

        Raises
        ------
        InputError
            In a blinded session.
        """
        self._refuse_blinded()
        return self._progression

    @property
    def out_of_date(self) -> list[tuple[str, str, int]]:
        """The figures (joint, side, visit) whose boxes or masks were changed since they were measured."""
        self._refuse_blinded()
        rows, measured = self._store.out_of_date(self._planned.patient), self._unsaved - self._changed
        if rows.empty:  # which is usual, and rows take time
            return []
        return [(row.joint, row.side, row.visit) for row in rows.itertuples() if (row.side, row.joint) not in measured]

    def visit(self, image: int) -> int:
        """Return the visit of an image; refused in a blinded session."""
        self._refuse_blinded()
        return self._visit(image)

    @property
    def places(self) -> list[tuple[str, str]]:
        """Side and name of every joint that an image shows or that was measured: right before left, by anatomy."""
        shown = {(image.side, name) for image in self.images for name in image.joints}
        if not self.blinded:
            shown |= {(row.side, row.joint) for row in self._progression.narrowings}
        return sorted(shown, key=lambda place: (side_order(place[0]), JOINTS.index(place[1])))

    def decisions(self) -> dict[tuple[int, str, str], Decided]:
        """Return the reader's decisions and comments, by image number, side and joint."""
        numbers = {visit: number for number, visit in enumerate(self._planned.visits, start=1)}
        return {
            (numbers[one.visit], one.side, one.joint): (one.decision, one.comment)
            for one in self._store.decisions_on(self._planned.patient)
            if one.visit in numbers and (one.reader, one.session) == (self._store.reader, self._session)
        }

    def scores(self) -> dict[tuple[int, str, str, str], Scored]:
        """Return the reader's grades, by image number, side, site and kind."""
        return self._numbered(self._own(self._store.scores(self._planned.patient)))

    def scores_of(self, reader: str) -> dict[tuple[int, str, str, str], Scored]:
        """Return the grades of another reader or of a model outside of sessions, as :meth:`scores`.

        There are none in a blinded session.
        """
        others = self.scores_of_others()
        return self._numbered(others[(others["reader"] == reader) & (others["session"] == "")])

    def scores_of_others(self) -> pd.DataFrame:
        """Return the grades of other readers and of models, in long form; empty in a blinded session."""
        scores = self._store.scores(self._planned.patient)
        others = scores[scores["reader"] != self._store.reader]
        return others.iloc[:0] if self.blinded else others.reset_index(drop=True)

    def decisions_of_others(self) -> tuple[Decision, ...]:
        """Return the decisions of other readers; none in a blinded session."""
        if self.blinded:
            return ()
        decisions = self._store.decisions_on(self._planned.patient)
        return tuple(one for one in decisions if one.reader != self._store.reader)

    # -------------------------------------------------------------------------------------------------- what is changed

    def decide(self, image: int, side: str, joint: str, decision: str | None, comment: str = "") -> None:
        """Save a decision on a joint of an image; None removes it, ``""`` with a comment keeps only the comment."""
        place = (self._visit(image), side, joint)
        new = None if decision is None else (decision, comment)
        old = self.decisions().get((image, side, joint))
        self._do(Decide(joint, self._planned.patient, place, self._session, new, old))

    def score(
        self, image: int, side: str, site: str, kind: str, grade: float | None, mark: str = "", not_scored: str = ""
    ) -> None:
        """Save a grade; without grade, mark and reason the present one is removed."""
        place: PlaceOfScore = (str(self._visit(image)), side, site, kind)
        new = None if grade is None and not mark and not not_scored else (grade, mark, not_scored)
        old = self.scores().get((image, side, site, kind))
        if new is None and old is None:
            return
        self._do(Score(site, self._planned.patient, place, self._session, new, old))

    def remove_scores(self, places: Iterable[tuple[int, str, str, str]]) -> None:
        """Remove the reader's grades, each named by image number, side, site and kind, as one change."""
        own = self.scores()
        old: dict[PlaceOfScore, Scored] = {
            (str(self._visit(image)), side, site, kind): own[image, side, site, kind]
            for image, side, site, kind in places
            if (image, side, site, kind) in own
        }
        if old:
            where = next(iter(old))[2]
            self._do(RemoveScores(where, self._planned.patient, self._session, old))

    def set_box(self, image: int, side: str, joint: str, box: ArrayLike | None) -> None:
        """Save a box that a person set; None removes the joint. Masks that were painted in the old box are dropped."""
        moved = None if box is None else Joint(joint, side or None, np.asarray(box, dtype=float), edited=True)
        self._change(image, side, joint, ChangedJoint(moved))

    def set_masks(self, image: int, side: str, joint: str, masks: BoneMasks | None) -> None:
        """Save masks that a person painted on the image of the present box; with None they are found again."""
        with self._hidden():
            now = self._store.joint(self._planned.patient, self._visit(image), side, joint)
        self._change(image, side, joint, ChangedJoint(now.joint, masks))

    def reset(self, image: int, side: str, joint: str) -> None:
        """Return box and masks of a joint to what the program found; do nothing where no person changed them."""
        place: PlaceOfJoint = (self._visit(image), side, joint)
        with self._hidden():
            now = self._store.joint(self._planned.patient, *place)
            if now.joint is not None and not now.joint.edited and now.masks is None:
                return
            found = found_joint(self._store, self._planned.patient, place)
        if now.joint is not None or found.joint is not None:
            self._change(image, side, joint, found)

    def measure_again(
        self, device: str | None = None, progress: Progress | None = None, show: Callable[[], None] | None = None
    ) -> Progression:
        """Measure the joints whose figures are out of date, save and return the measurement; other joints are kept.

        ``show`` is called when the item has the new figures, before they are saved. If the program is ended between
        the two, the figures are out of date when the item is opened next. If one of the joints was changed or undone
        meanwhile, nothing is saved, and the present measurement is returned.

        Raises
        ------
        InputError
            In a blinded session, or if another program measured the patient meanwhile.
        """
        self._refuse_blinded()
        with self._lock:
            self._changed = set()
            changed, before = self._store.corrections(self._planned.patient), self._progression
        if not changed:
            return before
        again = measure_again(before, changed, device=device, progress=progress)
        if progress is not None and progress.aborted:
            return before
        self._progression, self._unsaved = again, {(side, joint) for _, side, joint in changed}
        try:
            if show is not None:
                show()
            with self._lock:
                if self._unsaved & self._changed:
                    self._progression = again = before
                else:
                    self._store.save(again)
        except BaseException:
            self._progression = before
            raise
        finally:
            self._unsaved = set()
        return again

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to do again."""
        return self._history.can_redo

    def undo(self) -> str | None:
        """Take back the last change; return the joint or site that it was on, or None if there is none."""
        with self._hidden(), self._lock:
            return self._after(self._history.undo())

    def redo(self) -> str | None:
        """Do the change again that was undone last; return as :meth:`undo`."""
        with self._hidden(), self._lock:
            return self._after(self._history.redo())

    # ------------------------------------------------------------------------------------------------- within the class

    def _images(self) -> tuple[ItemImage, ...]:
        corrections = self._store.corrections(self._planned.patient)
        images = []
        for number, visit in enumerate(self._planned.visits, start=1):
            for hand, film in zip(self._progression.hands, self._films, strict=True):
                if hand.visit != visit:
                    continue
                joints = {
                    view.joint.name: ChangedJoint(
                        view.joint, BoneMasks(view.masks.upper, view.masks.lower) if view.masks_painted else None
                    )
                    for view in hand.joints
                }
                side = hand.side or ""
                joints |= {name: one for (*place, name), one in corrections.items() if place == [visit, side]}
                label = f"image {number}" if self.blinded else f"visit {visit}"
                shown = {name: one for name, one in joints.items() if one.joint is not None}
                images.append(ItemImage(number, label, side, film, shown))
        return tuple(images)

    def _visit(self, image: int) -> int:
        if image not in range(1, len(self._planned.visits) + 1):
            raise InputError(f"The item has no image {image}.", "image")
        return self._planned.visits[image - 1]

    def _change(self, image: int, side: str, joint: str, new: ChangedJoint) -> None:
        place: PlaceOfJoint = (self._visit(image), side, joint)
        stored = self._store.session(self._session) if self._session else None
        if stored is not None and stored.locked is not None:
            raise InputError(
                f"The session {self._session} is locked, so nothing in it can be changed. Read in another session.",
                "session",
            )
        with self._hidden():
            old = self._store.joint(self._planned.patient, *place)
        self._do(Change(joint, self._planned.patient, place, new, old))

    def _do(self, command: Command) -> None:
        with self._hidden(), self._lock:
            self._history.do(command)
            self._after(command)

    def _after(self, command: Command | None) -> str | None:
        if command is None:
            return None
        self.last_place = (command.place[1], command.where)
        of_joint = isinstance(command, Change)  # whose figures follow from all images
        if of_joint:
            self.images = self._images()
            self._changed.add(self.last_place)
        self.last_image = 0 if of_joint else 1 + self._planned.visits.index(int(command.place[0]))
        self.last_kind = str(command.place[3]) if isinstance(command, (Score, RemoveScores)) else ""
        return command.where

    def _numbered(self, rows: pd.DataFrame) -> dict[tuple[int, str, str, str], Scored]:
        numbers = {str(visit): number for number, visit in enumerate(self._planned.visits, start=1)}
        return {
            (numbers[str(row.visit)], row.side, row.site, row.kind): (
                None if np.isnan(row.grade) else float(row.grade), row.mark, row.not_scored
            )
            for row in rows.itertuples()
            if str(row.visit) in numbers
        }  # fmt: skip

    def _own(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[(rows["reader"] == self._store.reader) & (rows["session"] == self._session)]

    def _refuse_blinded(self) -> None:
        if self.blinded:
            raise InputError(_HIDDEN, "session")

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        """Replace an error that names patient or visit, in a blinded session."""
        try:
            yield
        except InputError as error:
            named = self.blinded and error.argument in ("store", "folders", "radiographs", "patient", "visit", "path")
            if not named:
                raise
            raise InputError(
                f"Item {self.code} could not be read or saved: its radiographs are not found or were changed, or "
                "another program changed the same. Ask the person who keeps the store.",
                error.argument,
            ) from None


def _shown(film: Radiograph, blinded: bool) -> Radiograph:
    """Return a radiograph, in a blinded session without file, name, dates and all else that a file states."""
    if not blinded:
        return film
    return Radiograph(film.pixels, film.spacing_mm, film.side, pixel_aspect=film.pixel_aspect)
