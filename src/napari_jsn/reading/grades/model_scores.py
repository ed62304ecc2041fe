"""Grades by the shipped scoring model, of a patient whose joints have been found."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.progress import Progress
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.networks import weights
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.progression.narrowing import MeasuredHand
from napari_jsn.progression.progression import Progression
from napari_jsn.scoring.automatic.score import METHODS, score, statement_of

if TYPE_CHECKING:
    from napari_jsn.scoring.automatic.result import Scores


def shipped_method() -> str:
    """Return the first scoring method whose model is there; ``""`` if there is none.

    Examples
    --------
    >>> from napari_jsn.reading.grades.model_scores import shipped_method
    >>> shipped_method() in ("two-stage", "one-stage", "")
    True
    """
    there = weights.names("scoring")
    return next((method for method, name in METHODS.items() if name in there), "")


def statement(method: str) -> str:
    """Return what the card of a method's model states first: what it learned on, and that it is not validated."""
    name = METHODS.get(method, "")
    there = name in weights.names("scoring")
    return statement_of(weights.read_card(weights.find("scoring", name).with_suffix(".json")) if there else {})


def score_measured(
    progression: Progression, scheme: str = "talk-15", device: str | None = None, progress: Progress | None = None
) -> Scores | None:
    """Return the grades of a measured patient by the shipped model, with the boxes of the measurement.

    Parameters
    ----------
    progression : Progression
        Also one of a single visit, as of :func:`napari_jsn.reading.measure_patient`.
    scheme : str
    device : str, optional
    progress : Progress, optional

    Returns
    -------
    Scores, or None if there is no scoring model or the work was aborted
    """
    method = shipped_method()
    if not method:
        return None
    visits = [
        Visit(number, hands[0].day, tuple(map(_hand, hands)))
        for number, hands in ((key, list(each)) for key, each in groupby(progression.hands, lambda hand: hand.visit))
    ]
    patient = Patient(tuple(visits), progression.patient_id, hands_split=True, hands_found=True)
    scores = score(patient, method, scheme, device=device, progress=progress)
    return None if progress is not None and progress.aborted else scores


def _hand(hand: MeasuredHand) -> Hand:
    joints = {view.joint.name: view.joint for view in hand.joints}
    side = hand.side or ""
    found = FoundJoints(
        tuple(joints[name] for name in JOINTS if name in joints),
        tuple((side, name) for name in JOINTS if name not in joints),
        (side,) if side else (),
        reasons=hand.reasons,
    )
    return Hand(hand.visit, hand.day, hand.radiograph, found)
