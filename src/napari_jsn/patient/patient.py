"""A patient: all visits, each with the radiographs of its hands and the joints found in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.common.reasons import Reason
from napari_jsn.joint import Joint
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.patient.identity import ComparableIdentity
from napari_jsn.patient.labels import radiograph_label, side_order
from napari_jsn.radiograph import Radiograph

#: Visit and side; the side is None where it is not known.
Place = tuple[int, str | None]


@dataclass(frozen=True, eq=False)
class Hand:
    """One radiograph at one visit, and the joints found in it.

    Before the hands are found, a radiograph may show both hands; afterwards it shows one.

    Parameters
    ----------
    visit : int
        1 is the baseline.
    day : datetime.date or None
    radiograph : Radiograph
    found : FoundJoints or None
        None if joints have not been searched yet.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> hand = jsn.read_patient(jsn.sample_folder("hand_pair"), split=False).hands[0]
    >>> hand
    <Hand: visit 1, left, joints not searched>
    >>> hand.radiograph.pixels.ndim
    2
    """

    visit: int
    day: date | None
    radiograph: Radiograph
    found: FoundJoints | None = None

    @property
    def side(self) -> str | None:
        """``"L"``, ``"R"``, or None where it is not known."""
        return self.radiograph.side

    @property
    def place(self) -> Place:
        """Visit and side."""
        return self.visit, self.side

    @property
    def label(self) -> str:
        """Visit and side in words: ``"visit 1, left"``."""
        return radiograph_label(self.visit, self.side)

    @property
    def joints(self) -> tuple[Joint, ...]:
        """The joints of this hand, in anatomical order; empty before they are searched."""
        if self.found is None:
            return ()
        return tuple(joint for joint in self.found if joint.side == self.side) or tuple(self.found)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the joints that are out of view or covered; empty before they are searched."""
        from napari_jsn.anatomy import JOINTS

        names = {joint.name for joint in self.joints}
        return () if self.found is None else tuple(name for name in JOINTS if name not in names)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Reasons why all joints of this hand may be wrong."""
        return () if self.found is None else self.found.reasons

    @property
    def reliable(self) -> bool:
        """Whether nothing shows that the joints of this hand are wrong."""
        return not self.reasons

    def __repr__(self) -> str:
        joints = "joints not searched" if self.found is None else counted(len(self.joints), "joint")
        return f"<Hand: {self.label}, {joints}>"


@dataclass(frozen=True, eq=False)
class Visit:
    """One visit, with the radiographs of its hands.

    Parameters
    ----------
    number : int
        1 is the baseline.
    day : datetime.date or None
        None where the order of the visits was given and no date is known.
    hands : tuple of Hand
        The right hand before the left.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> patient = jsn.read_patient(jsn.sample_folder("hand_pair"), split=False)
    >>> patient.visits[1]
    <Visit 2, 2021-01-13: 1 radiograph>
    """

    number: int
    day: date | None
    hands: tuple[Hand, ...]

    @classmethod
    def from_radiographs(cls, number: int, day: date | None, radiographs: Iterable[Radiograph]) -> Visit:
        """Return a visit of radiographs whose joints have not been searched; they are named after visit and side.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> paths = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
        >>> jsn.Visit.from_radiographs(1, None, [jsn.read_radiograph(paths[0])]).hands
        (<Hand: visit 1, left, joints not searched>,)
        """
        named = (replace(each, name=radiograph_label(number, each.side)) for each in radiographs)
        return cls(number, day, tuple(Hand(number, day, each) for each in sorted(named, key=_side_order)))

    @property
    def radiographs(self) -> tuple[Radiograph, ...]:
        """The radiographs of the hands."""
        return tuple(hand.radiograph for hand in self.hands)

    def __repr__(self) -> str:
        day = f", {self.day}" if self.day else ""
        return f"<Visit {self.number}{day}: {counted(len(self.hands), 'radiograph')}>"


@dataclass(frozen=True, eq=False)
class Patient:
    """All visits of one patient, oldest first.

    Parameters
    ----------
    visits : tuple of Visit
    patient_id : str
        A pseudonym, unless the user asked for the identity to be kept.
    notes : tuple of str
        Sentences that are needed to interpret the figures: how radiographs were split, how sides were determined.
    hands_split : bool
        Whether radiographs of both hands were split, and sides were determined where possible.
    identity : ComparableIdentity
        Codes of the identity that the files state, by which the viewer recognises radiographs of two patients.
    hands_found : bool
        Whether joints were searched in all radiographs and all checks were done.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> patient = jsn.read_patient(jsn.sample_folder("hand_pair"), split=False)
    >>> [(visit.number, len(visit.hands)) for visit in patient.visits]
    [(1, 1), (2, 1)]
    """

    visits: tuple[Visit, ...]
    patient_id: str = "anonymous"
    notes: tuple[str, ...] = ()
    hands_split: bool = field(default=False, kw_only=True)
    hands_found: bool = field(default=False, kw_only=True)
    identity: ComparableIdentity = field(default=ComparableIdentity(), kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not self.visits:
            raise InputError("A patient has at least one visit.", "visits")
        if not self.patient_id.strip():
            raise InputError("The pseudonym of the patient is empty. Give one, or leave it out.", "patient_id")

    @property
    def hands(self) -> tuple[Hand, ...]:
        """The hands of all visits, by visit, the right hand before the left."""
        return tuple(hand for visit in self.visits for hand in visit.hands)

    def with_hands(self, hands: Mapping[int, Iterable[Hand]]) -> Patient:
        """Return the patient with its hands replaced by ``hands``, which holds them by visit number.

        Examples
        --------
        >>> import napari_jsn as jsn
        >>> patient = jsn.read_patient(jsn.sample_folder("hand_pair"), split=False)
        >>> patient.with_hands({1: patient.visits[0].hands, 2: ()}).visits[1].hands
        ()
        """
        visits = (
            replace(visit, hands=tuple(sorted(hands[visit.number], key=lambda hand: side_order(hand.side))))
            for visit in self.visits
        )
        return replace(self, visits=tuple(visits))

    def _repr_html_(self) -> str:
        from napari_jsn.drawing.hand import LabelledBox, hand_svg
        from napari_jsn.drawing.notebook import LONGEST_SIDE, picture_html, result_html, table_html

        rows = [
            (
                hand.visit,
                hand.day or "",
                hand.side or "",
                "" if hand.radiograph.spacing_mm is None else f"{np.max(hand.radiograph.spacing_mm):.4g}",
                "not searched" if hand.found is None else len(hand.joints),
            )
            for hand in self.hands
        ]
        width = LONGEST_SIDE // 2
        pictures = []
        for hand in self.visits[0].hands:
            boxes = [LabelledBox(joint.box, joint.name) for joint in hand.joints]
            picture = hand_svg(hand.radiograph.pixels, boxes, spacing_mm=hand.radiograph.spacing_mm, longest_side=width)
            pictures.append(picture_html(picture, width, hand.label))
        head = ("visit", "day", "side", "pixel size (mm)", "joints")
        return result_html(repr(self)[1:-1], table_html(head, rows), *pictures, notes=self.notes)

    def __repr__(self) -> str:
        searched = [hand for hand in self.hands if hand.found is not None]
        count = counted(sum(len(hand.joints) for hand in searched), "joint")
        joints = f"{count} found" if searched else "joints not searched"
        visits, radiographs = counted(len(self.visits), "visit"), counted(len(self.hands), "radiograph")
        return f"<Patient {self.patient_id}: {visits}, {radiographs}, {joints}>"


def _side_order(radiograph: Radiograph) -> str:
    return side_order(radiograph.side)
