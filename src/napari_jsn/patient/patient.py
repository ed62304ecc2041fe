"""A study: the radiographs of one patient, visit by visit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph import Radiograph


@dataclass(frozen=True)
class Visit:
    """The radiographs of one day.

    Parameters
    ----------
    number : int
        1 is the baseline.
    day : datetime.date or None
        None where the order of the visits was given and no date is known.
    radiographs : tuple of Radiograph
        The right hand before the left.
    """

    number: int
    day: date | None
    radiographs: tuple[Radiograph, ...] = field(repr=False)


@dataclass(frozen=True)
class Patient:
    """All visits of one patient, oldest first.

    Parameters
    ----------
    visits : tuple of Visit
    patient : str
        A pseudonym, unless the user asked for the identity to be kept.
    notes : tuple of str
        Sentences on what a reader of the figures should know: how films were split, what sides rest on.
    """

    visits: tuple[Visit, ...]
    patient: str = "anonymous"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.visits:
            raise InputError("A study has at least one visit.", "visits")
