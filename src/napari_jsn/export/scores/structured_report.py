"""Grades of a model as a DICOM structured report: a measurement group for each site, with who gave the grade."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from napari_jsn.export.dicom.report import progression_sr
from napari_jsn.progression.narrowing import MeasuredHand
from napari_jsn.progression.progression import Progression

if TYPE_CHECKING:
    import pandas as pd
    from pydicom import Dataset

    from napari_jsn.patient.patient import Hand
    from napari_jsn.scoring.automatic.result import Scores


def scores_sr(scores: Scores, keep_identity: bool = False, when: datetime | None = None) -> Dataset:
    """Return a Comprehensive SR with the grades of every visit; it belongs to the study of the last visit.

    The notes of the report begin with what the network learned on, and each grade states it too.

    Parameters
    ----------
    scores : Scores
    keep_identity : bool
        Keep patient and study as the file of the last visit states them, instead of the pseudonym.
    when : datetime, optional
        When the object is made; now by default.

    Returns
    -------
    highdicom.sr.ComprehensiveSR

    Raises
    ------
    InputError
        If highdicom is not installed, nothing was scored, or a radiograph was not read from a DICOM file.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.export.scores.structured_report import scores_sr
    >>> scores = jsn.score(next(jsn.sample_folder("hand_pair").glob("*.dcm")), patient_id="P07")
    >>> scores_sr(scores).PatientID
    'P07'
    """
    hands = tuple(
        MeasuredHand(hand.visit, hand.day, _side(hand), hand.radiograph, (), reasons=hand.reasons)
        for hand in scores.hands
    )
    progression = Progression(
        hands, (), scores.patient_id, scores.notes, dict(scores.models), scores.method, scores.device
    )
    return progression_sr(progression, keep_identity, when, _rows(scores), "Grades of joint damage")


def _rows(scores: Scores) -> pd.DataFrame:
    table = scores.table()
    return table.assign(
        mark="", by=scores.reader, edited=False, model=scores.reader, model_grade=table["grade"],
        model_statement=scores.statement,
    )  # fmt: skip


def _side(hand: Hand) -> str | None:
    """Return the side under which a hand is scored."""
    return hand.side or next(iter(hand.found.sides if hand.found else ()), None)
