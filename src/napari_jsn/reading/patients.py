"""Bring a patient into a store: measure it, or find what was measured before."""

from __future__ import annotations

import os
from pathlib import Path

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent, Stages
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.joint_views import make_joint_views
from napari_jsn.progression.measure import measure, measuring_models
from napari_jsn.progression.narrowing import JointView, MeasuredHand
from napari_jsn.progression.progression import Progression
from napari_jsn.store import Store

#: Name of a store that nobody named.
STORE_NAME = "readings.db"
#: Shares of the time of one radiograph: joints, bones.
_SHARES = (0.5, 0.5)


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
    patient: Patient, method: str = "refined", device: str | None = None, progress: Progress | None = None
) -> Progression:
    """Return the measurement of a patient; of one visit only joints and widths, without narrowing.

    When aborted, what was measured is returned.

    Raises
    ------
    InputError
        As :func:`napari_jsn.measure`.
    """
    if len(patient.visits) > 1:
        return measure(patient, method=method, device=device, progress=progress)
    where = device_name(device)
    stages = Stages(progress or Silent(), _SHARES)
    found = find_hands(patient, device=where, progress=stages.next("Finding the joints"))
    wanted = [(hand, joint) for hand in found.hands for joint in hand.joints if joint.name in MEASURED_JOINTS]
    stage = stages.next("Finding the bones")
    views: list[JointView] = (
        make_joint_views([(hand.radiograph, joint) for hand, joint in wanted], {}, "default", where, stage) or []
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
