"""What measuring a study tells: every joint of every follow-up visit against the baseline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_jsn.progression.narrowing import NAN, Interval, JointView, MeasuredHand, Narrowing
from napari_jsn.width.result import JointSpaceWidth

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NAN", "MeasuredHand", "Interval", "JointSpaceWidth", "JointView", "Narrowing", "Progression"]


@dataclass(frozen=True, eq=False)
class Progression:
    """Every joint of a patient's hands over the visits.

    Attributes
    ----------
    films : tuple of MeasuredHand
        By visit, the right hand before the left.
    narrowings : tuple of Narrowing
        Sides R, L; joints in anatomical order; visits in order. A joint that could not be measured is there too, with
        its reason.
    patient : str
        Pseudonym.
    notes : tuple of str
        What holds for all: wrong scale, unknown spacing, sides that rest on anatomy.
    models : mapping of str to str
        Task to name and hash of the weights that were used.
    method, device : str
    """

    films: tuple[MeasuredHand, ...]
    narrowings: tuple[Narrowing, ...]
    patient: str = "anonymous"
    notes: tuple[str, ...] = ()
    models: dict[str, str] = field(default_factory=dict)
    method: str = "refined"
    device: str = "cpu"

    def table(self) -> pd.DataFrame:
        """One row a joint and follow-up visit; see :func:`napari_jsn.progression.table.progression_table`."""
        from napari_jsn.progression.table import progression_table

        made_with = {"patient": self.patient, "method": self.method, "device": self.device}
        return progression_table(self.films, self.narrowings, made_with, self.models)
