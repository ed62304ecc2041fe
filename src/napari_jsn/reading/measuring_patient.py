"""Measure a patient with any number of visits: with one visit, the joints are found and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.common.device import device_name
from napari_jsn.common.progress import Progress, Silent, Stages
from napari_jsn.networks.weights import model_identity
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.patient import Patient
from napari_jsn.progression.joint_views import make_joint_views
from napari_jsn.progression.measure import measure
from napari_jsn.progression.narrowing import MeasuredHand
from napari_jsn.progression.progression import Progression
from napari_jsn.reading.model_scores import shipped_method

#: Shares of the time that are needed to find joints and to find bones.
_SHARES = (0.5, 0.5)


def measure_patient(
    patient: Patient,
    joints: Sequence[str] = MEASURED_JOINTS,
    device: str | None = None,
    progress: Progress | None = None,
) -> Progression | None:
    """Return the measurement of a patient; of one visit, a progression with joints and bones but without narrowings.

    Parameters
    ----------
    patient : Patient
    joints : sequence of str
    device : str, optional
    progress : Progress, optional

    Returns
    -------
    Progression, or None if aborted

    Raises
    ------
    InputError
        As for :func:`napari_jsn.measure`.

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
    progress = progress or Silent()
    if len(patient.visits) > 1:
        measured = measure(patient, joints=joints, device=device, progress=progress)
        return None if progress.aborted else measured
    where, stages = device_name(device), Stages(progress, _SHARES)
    patient = find_hands(patient, None, "default", where, stages.next("Finding the joints"))
    hands = []
    finding = stages.next("Finding the bones")
    for hand in patient.hands if patient.hands_found else ():
        wanted = [(hand.radiograph, joint) for joint in hand.joints if joint.name in joints]
        views = make_joint_views(wanted, {}, "default", where, finding)
        if views is None:
            return None
        missing = tuple(name for name in hand.missing if name in joints)
        hands.append(
            MeasuredHand(hand.visit, hand.day, hand.side, hand.radiograph, tuple(views), missing, hand.reasons)
        )
    if progress.aborted or not patient.hands_found:
        return None
    models = {"segmentation": model_identity("segmentation", "default")}
    if localized_by := sorted({hand.found.model for hand in patient.hands if hand.found and hand.found.model}):
        models = {"localization": ", ".join(localized_by), **models}
    return Progression(tuple(hands), (), patient.patient_id, patient.notes, models, device=where)


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
