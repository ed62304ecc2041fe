"""Bring a patient into a store: measure it, or find what was measured before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import STEPS, Progress, Silent, Stages
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.joint_views import make_joint_views
from napari_jsn.progression.measure import measure, measuring_models
from napari_jsn.progression.narrowing import JointView, MeasuredHand
from napari_jsn.progression.progression import Progression
from napari_jsn.store import Store

#: Name of a store that nobody named.
STORE_NAME = "readings.db"
#: Share of the time that is needed to find joints.
_FINDING = 0.3


def default_store(folder: str | os.PathLike[str]) -> Path:
    """Return where the readings of a patient are kept by default: beside the folder of the patient.

    Readings of the shipped samples are kept in the user's folder, because the package must not change.
    """
    import napari_jsn

    place = Path(folder).absolute()
    if place.is_relative_to(Path(napari_jsn.__file__).parent):
        from platformdirs import user_data_path

        return user_data_path("napari-jsn", appauthor=False, ensure_exists=True) / STORE_NAME
    return place.parent / STORE_NAME


def measured_before(store: Store, patient: Patient) -> Progression | None:
    """Return the stored measurement of the same radiographs; None if there is none, or others were measured."""
    if patient.patient_id not in store.visits():
        return None
    given = {(visit.number, (hand.side or "")): hand.radiograph for visit in patient.visits for hand in visit.hands}
    paths = {str(each.path.absolute()) for each in given.values() if each.path is not None}
    folders = {Path(path).parent for path in paths}
    try:
        found = store.progression(patient.patient_id, folders, given)
    except InputError:
        return None
    stored = {str(hand.radiograph.path.absolute()) for hand in found.hands if hand.radiograph.path is not None}
    return found if stored and stored == paths else None


def measure_patient(
    patient: Patient,
    method: str = "refined",
    device: str | None = None,
    progress: Progress | None = None,
    found: Callable[[Patient], None] | None = None,
) -> Progression:
    """Return the measurement of a patient; of one visit only joints and widths, without narrowing.

    When aborted, what was measured is returned.

    Parameters
    ----------
    patient : Patient
    method, device
        As for :func:`napari_jsn.measure`.
    progress : Progress, optional
    found : callable, optional
        Called with the patient when its joints are found, before they are measured.

    Raises
    ------
    InputError
        As :func:`napari_jsn.measure`.
    """
    where, progress = device_name(device), progress or Silent()
    first = Stages(progress, (_FINDING, 1 - _FINDING)).next("Finding the joints")
    hands = find_hands(patient, device=where, progress=first)
    if found is not None and hands.hands_found:
        found(hands)
    rest = _Rest(progress)
    if len(patient.visits) > 1:
        return measure(hands, method=method, device=device, progress=rest)
    return _one_visit(hands, method, where, rest)


class _Rest:
    """The progress of what follows the search of joints."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @property
    def aborted(self) -> bool:
        return self._progress.aborted

    def update(self, done: int, total: int, message: str = "") -> None:
        share = _FINDING + (1 - _FINDING) * done / max(total, 1)
        self._progress.update(round(STEPS * share), STEPS, message)


def _one_visit(found: Patient, method: str, where: str, progress: Progress) -> Progression:
    wanted = [(hand, joint) for hand in found.hands for joint in hand.joints if joint.name in MEASURED_JOINTS]
    views: list[JointView] = (
        make_joint_views([(hand.radiograph, joint) for hand, joint in wanted], {}, "default", where, progress) or []
    )
    of_hand: dict[int, list[JointView]] = {}
    for (hand, _), view in zip(wanted, views, strict=False):
        of_hand.setdefault(id(hand), []).append(view)
    hands = tuple(
        MeasuredHand(
            hand.visit, hand.day, hand.side, hand.radiograph, tuple(of_hand.get(id(hand), ())),
            tuple(name for name in hand.missing if name in MEASURED_JOINTS), hand.reasons,
        )
        for hand in found.hands
    )  # fmt: skip
    models = measuring_models("default", method)
    return Progression(hands, (), found.patient_id, found.notes, models, method, where)
