"""``Position``: where a reader is in an item, how it is shown, and what its keys do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.reading.grades.scores import ScoreLine, next_site, score_lines
from napari_jsn.reading.item import Item
from napari_jsn.reading.joints.joint_list import (
    COLUMNS,
    FILTERS,
    JointLine,
    filtered,
    joint_lines,
    next_line,
    sorted_lines,
)
from napari_jsn.reading.joints.pictures import ALIGNMENTS
from napari_jsn.scoring import scheme
from napari_jsn.scoring import scheme as scheme_of
from napari_jsn.scoring.grades import checked_value

#: Ways to show a joint.
VIEWS = {
    "side by side": "all visits side by side",
    "blink": "baseline and follow-up in turns at one place",
    "difference": "follow-up minus baseline",
    "loss spectra": "squared differences before and after registration",
    "hand": "the whole hand with its boxes",
}
#: What is saved of a position, and restored.
_SAVED = ("image", "side", "joint", "filter", "column", "reverse", "view", "align", "kind", "site", "scoring")


class Position:
    """The joint that a reader looks at, among those of an item, and how it is shown.

    Every change goes to the item, which saves it at once. The same keys do the same in all interfaces.

    Parameters
    ----------
    item : Item
    scheme_name : str
        Of the score mode.

    Attributes
    ----------
    image : int
        Number of the image whose figures are shown, and on which is decided.
    side, joint : str
    filter, column, reverse
        Of the list of joints.
    view : str
        One of :data:`VIEWS`.
    align : str
        One of :data:`napari_jsn.reading.ALIGNMENTS`.
    scoring : bool
        Whether digits set grades.
    site, kind : str
        What is graded next.
    """

    item: Item
    scheme: str
    image: int
    filter: str
    column: str
    reverse: bool
    view: str
    align: str
    scoring: bool
    kind: str
    side: str
    joint: str
    site: str

    def __init__(self, item: Item, scheme_name: str = "svdh-fingers") -> None:
        self.item, self.scheme = item, scheme_name
        self.image = item.images[-1].number if item.images else 0
        self.filter, self.column, self.reverse = "all", "joint", False
        self.view, self.align = "side by side", "none" if item.blinded else "lower"
        self.scoring, self.kind = False, "jsn"
        self._lines: list[JointLine] | None = None
        places = item.places
        self.side, self.joint = places[0] if places else ("", "")
        sites = self._sites() if places else []
        self.site = self.joint if self.joint in sites else next(iter(sites), "")

    # -------------------------------------------------------------------------------------------------------- the list

    @property
    def lines(self) -> list[JointLine]:
        """All joints, sorted; read again after a change."""
        if self._lines is None:
            self._lines = sorted_lines(joint_lines(self.item, self.image), self.column, self.reverse)
        return self._lines

    @property
    def shown_lines(self) -> list[JointLine]:
        """The joints that the filter keeps; the current one is kept until the reader moves on.

        Where the filter keeps no joint, there is none to move on to, and the list is empty.
        """
        kept = {line.key for line in filtered(self.lines, self.filter)}
        if not kept:
            return []
        kept |= {(self.side, self.joint)}
        return [line for line in self.lines if line.key in kept]

    @property
    def line(self) -> JointLine | None:
        """The current joint."""
        return next((line for line in self.lines if line.key == (self.side, self.joint)), None)

    def refresh(self) -> None:
        """Read the list again, because the item was changed or measured."""
        self._lines = None

    def show_image(self, image: int) -> None:
        """Take the figures of another image.

        Raises
        ------
        InputError
            If the item has no such image.
        """
        if image not in {one.number for one in self.item.images}:
            raise InputError(f"There is no image {image}.", "image")
        self.image = image
        self.refresh()

    def sort(self, column: str) -> None:
        """Sort by a column; a second time in the other order."""
        if column not in COLUMNS:
            raise InputError(f"There is no column {column!r}. Choose one of: {', '.join(COLUMNS)}.", "column")
        self.reverse = not self.reverse if column == self.column else column in ("jsn", "jsw")
        self.column = column
        self.refresh()

    # ------------------------------------------------------------------------------------------------------ navigation

    def go_to(self, side: str, joint: str) -> None:
        """Go to a joint; do nothing if the item has no such joint. In score mode it is graded next."""
        if (side, joint) in self.item.places:
            self.side, self.joint = side, joint
            if self.scoring and joint not in self._sites():
                sites = scheme_of(self.scheme).sites
                self.kind = next((kind for kind, names in sites.items() if joint in names), self.kind)
            if self.scoring or joint in self._sites():
                self.site = joint

    def next(self, step: int = 1, doubtful: bool = False) -> bool:
        """Go to the next joint (step 1) or the one before (-1); return whether there is another one."""
        line = next_line(self.lines, (self.side, self.joint), step, "doubtful" if doubtful else self.filter)
        if line is not None:
            self.go_to(*line.key)
        return line is not None

    # --------------------------------------------------------------------------------------------------------- changes

    def decide(self, decision: str) -> None:
        """Save a decision on the joint, with its comment, and go to the next one."""
        line = self.line
        if line is None:
            return
        if line.decision != decision:
            self.item.decide(self.image, self.side, self.joint, decision, line.comment)
            self.refresh()
        following = next_line(self.lines, line.key, 1, self.filter)
        if following is not None:
            self.go_to(*following.key)

    def comment(self, text: str) -> None:
        """Save a comment on the joint; an empty one removes it."""
        line = self.line
        text = " ".join(text.split())
        if line is None or text == line.comment:
            return
        decision = line.decision if line.decision or text else None
        self.item.decide(self.image, self.side, self.joint, decision, text)
        self.refresh()

    def undo(self) -> bool:
        """Take back the last change and return to its joint; return whether there was one."""
        return self._stepped(self.item.undo())

    def redo(self) -> bool:
        """Do the change again that was taken back last, and go to its joint; return whether there was one."""
        return self._stepped(self.item.redo())

    def _stepped(self, where: str | None) -> bool:
        self.refresh()
        if where is not None and self.item.last_place is not None:
            self.image = self.item.last_image or self.image
            self.kind = self.item.last_kind or self.kind
            self.site = where
            self.go_to(*self.item.last_place)
        return where is not None

    # ---------------------------------------------------------------------------------------------------------- scores

    def _sites(self) -> list[str]:
        """Return the sites that have a grade of the current kind."""
        return list(scheme(self.scheme).sites.get(self.kind, ()))

    def score_lines(self) -> list[ScoreLine]:
        """Return the sites of the current hand with grades."""
        return score_lines(self.item, self.image, self.side, self.scheme)

    def score(self, grade: int) -> None:
        """Save the grade of the current site, and go to the next one that has none.

        Raises
        ------
        InputError
            If the scheme has no such grade.
        """
        lines = self.score_lines()
        line = next((each for each in lines if each.site == self.site and self.kind in each.grades), None)
        if line is None:
            raise InputError(f"{self.site} has no grade of {self.kind}. Choose another site.", "site")
        value = checked_value(grade, scheme_of(self.scheme).highest[self.kind])
        self.item.score(self.image, self.side, self.site, self.kind, value)
        self.refresh()
        following = next_site(self.score_lines(), self.site, self.kind)
        if following is not None:
            self.site, self.kind = following
            self.go_to(self.side, self.site)

    def not_scored(self, reason: str) -> None:
        """Save why the current site has no grade, and go on as after a grade."""
        self.item.score(self.image, self.side, self.site, self.kind, None, not_scored=reason)
        self.refresh()
        following = next_site(self.score_lines(), self.site, self.kind)
        if following is not None:
            self.site, self.kind = following
            self.go_to(self.side, self.site)

    def switch_kind(self) -> None:
        """Grade the other kind from now on: narrowing or erosion; at the first site if this one has no such grade."""
        lines = self.score_lines()
        kinds: Sequence[str] = list(dict.fromkeys(kind for line in lines for kind in line.grades))
        self.kind = kinds[(kinds.index(self.kind) + 1) % len(kinds)] if self.kind in kinds else kinds[0]
        with_kind = self._sites()
        if self.site not in with_kind:
            self.site = with_kind[0]
            self.go_to(self.side, self.site)

    # ------------------------------------------------------------------------------------------------ save and restore

    def saved(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs, as plain data."""
        return {name: getattr(self, name) for name in _SAVED}

    def restore(self, saved: Any) -> None:
        """Return to a saved position; what no longer exists is left as it is."""
        if not isinstance(saved, dict):
            return
        allowed: dict[str, Any] = {
            "image": {one.number for one in self.item.images},
            "filter": FILTERS,
            "column": COLUMNS,
            "reverse": (True, False),
            "view": VIEWS,
            "align": ALIGNMENTS,
            "kind": ("jsn", "erosion"),
            "scoring": (True, False),
        }
        for name, values in allowed.items():
            if saved.get(name) in list(values):
                setattr(self, name, saved[name])
        self.refresh()
        self.go_to(str(saved.get("side")), str(saved.get("joint")))
        if saved.get("site") in self._sites():
            self.site = saved["site"]
