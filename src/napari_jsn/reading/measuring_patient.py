"""Measure a patient with any number of visits: with one visit, joints and widths are measured, no narrowing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.device import device_name
from napari_jsn.common.progress import STEPS, Progress, Silent, Stages
from napari_jsn.joint import BoneMasks
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.joint_views import make_joint_views
from napari_jsn.progression.measure import measure, measuring_models
from napari_jsn.progression.narrowing import JointView, MeasuredHand
from napari_jsn.progression.progression import Progression
from napari_jsn.reading.grades.model_scores import shipped_method

#: Share of the time that is needed to find joints.
_FINDING = 0.3
#: Side of the image that is computed with before the first measurement.
_WARM_UP_PX = 64


def measure_patient(
    patient: Patient,
    joints: Sequence[str] = MEASURED_JOINTS,
    method: str = "refined",
    device: str | None = None,
    progress: Progress | None = None,
    found: Callable[[Patient], None] | None = None,
    masks: Mapping[tuple[int, str | None, str], BoneMasks] | None = None,
    on_widths: Callable[[Mapping[tuple[int, str | None, str], JointView]], None] | None = None,
) -> Progression:
    """Return the measurement of a patient; of one visit only joints and widths, without narrowing.

    When aborted, what was measured is returned.

    Parameters
    ----------
    patient : Patient
    joints : sequence of str
    method, device
        As for :func:`napari_jsn.measure`.
    progress : Progress, optional
    found : callable, optional
        Called with the patient when its joints are found, before they are measured.
    masks : mapping of (visit, side, joint) to BoneMasks, optional
        Bones that a person painted, of a patient with two visits or more.
    on_widths : callable, optional
        As for :func:`napari_jsn.measure`.

    Raises
    ------
    InputError
        As :func:`napari_jsn.measure`.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.patient.read import patient_from_radiographs
    >>> from napari_jsn.reading import measure_patient
    >>> baseline, _ = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> found = measure_patient(patient_from_radiographs(baseline, patient_id="P07"), ["MCP2"])
    >>> found, [view.joint.name for view in found.hands[0].joints]
    (<Progression P07: 0 narrowings over 1 visit, 0 failed>, ['MCP2'])
    """
    where, progress = device_name(device), progress or Silent()
    first = Stages(progress, (_FINDING, 1 - _FINDING)).next("Finding the joints")
    hands = find_hands(patient, device=where, progress=first)
    if found is not None and hands.hands_found:
        found(hands)
    rest = _Rest(progress)
    if len(patient.visits) > 1:
        return measure(
            hands, joints=joints, method=method, device=device, progress=rest, masks=masks, on_widths=on_widths
        )
    return _one_visit(hands, joints, method, where, rest)


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


def _one_visit(found: Patient, joints: Sequence[str], method: str, where: str, progress: Progress) -> Progression:
    wanted = [(hand, joint) for hand in found.hands for joint in hand.joints if joint.name in joints]
    views: list[JointView] = (
        make_joint_views([(hand.radiograph, joint) for hand, joint in wanted], {}, "default", where, progress) or []
    )
    of_hand: dict[int, list[JointView]] = {}
    for (hand, _), view in zip(wanted, views, strict=False):
        of_hand.setdefault(id(hand), []).append(view)
    hands = tuple(
        MeasuredHand(
            hand.visit, hand.day, hand.side, hand.radiograph, tuple(of_hand.get(id(hand), ())),
            tuple(name for name in hand.missing if name in joints), hand.reasons,
        )
        for hand in found.hands
    )  # fmt: skip
    models = measuring_models("default", method)
    return Progression(hands, (), found.patient_id, found.notes, models, method, where)


def load_models(device: str | None = None) -> None:
    """Load the libraries and networks that :func:`measure_patient` uses, so that its first call need not wait."""
    from napari_jsn.localization.network import build_joint_net
    from napari_jsn.networks.load import load_network
    from napari_jsn.registration.methods import load_method
    from napari_jsn.scoring.automatic.score import load_grader
    from napari_jsn.segmentation.unetpp import build_bone_net

    where = device_name(device)
    load_network("localization", "default", where, build_joint_net)
    load_network("segmentation", "default", where, build_bone_net)
    load_method("refined")
    if method := shipped_method():
        load_grader(method, None, where)


def warm_up(device: str | None = None) -> None:
    """Load what measuring a patient uses, and compute with it on a small image without bones.

    The first computation takes longer than all others: networks are loaded, and libraries choose their code.
    """
    from napari_jsn.localization.network import build_joint_net
    from napari_jsn.networks.load import load_network
    from napari_jsn.registration.register import register
    from napari_jsn.segmentation.segment import segment

    where = device_name(device)
    image = np.random.default_rng(0).random((_WARM_UP_PX, _WARM_UP_PX), dtype=np.float32)
    upper = np.repeat(np.arange(_WARM_UP_PX) < _WARM_UP_PX // 2, _WARM_UP_PX).reshape(image.shape)
    halves = BoneMasks(upper, ~upper)
    segment(image, device=where)
    register(image, image, halves, halves, device=where)
    measuring_models("default", "refined")
    load_network("localization", "default", where, build_joint_net)
