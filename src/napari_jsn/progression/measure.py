"""Measure every joint at every visit: from whole radiographs to one progression."""

from __future__ import annotations

import os
import reprlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from napari_jsn.anatomy import JOINTS, MEASURED_JOINTS, bones_of
from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError, renamed_arguments
from napari_jsn.common.progress import Progress, Silent, Stages
from napari_jsn.joint import BoneMasks, Joint
from napari_jsn.networks.weights import card_identity, model_identity
from napari_jsn.patient.check_tags import NO_SPACING
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.labels import side_order
from napari_jsn.patient.patient import Hand, Patient, Place
from napari_jsn.patient.read import patient_from_radiographs, read_patient
from napari_jsn.progression.distortion import with_distortion_reasons
from napari_jsn.progression.hand_scale import hand_scale, with_hand_scale, with_images
from napari_jsn.progression.joint_course import JointCourse, narrowings_of
from napari_jsn.progression.joint_views import make_joint_views
from napari_jsn.progression.narrowing import JointView, MeasuredHand, Narrowing
from napari_jsn.progression.notes import progression_notes
from napari_jsn.progression.pairwise import Ends
from napari_jsn.progression.progression import HandPair, Progression
from napari_jsn.progression.repositioning import CARD as REPOSITIONING_CARD
from napari_jsn.radiograph.spacing import check_spacing
from napari_jsn.registration.methods import BATCH, load_method, method_models
from napari_jsn.registration.register import register_many
from napari_jsn.registration.result import WIDE_MM, Registration, check_wide_mm
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.width.uncertainty import CARD as WIDTH_CARD

#: Shares of the time that are needed to find joints, to find bones and to register.
_SHARES = (0.25, 0.3, 0.45)
#: Note of a measurement that was aborted.
ABORTED = "Stopped before all joints were measured."

#: Visit, side and joint.
_Key = tuple[int, str | None, str]
#: Side, joint and two visits by index.
_Pair = tuple[str | None, str, Ends]


def measure(
    baseline: Any,
    *followups: Any,
    joints: Sequence[str] = MEASURED_JOINTS,
    method: str = "refined",
    spacing_mm: Any = None,
    localization: str = "default",
    segmentation: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    boxes: Mapping[Place, Sequence[Joint]] | None = None,
    masks: Mapping[_Key, BoneMasks] | None = None,
    patient_id: str | None = None,
    wide_mm: float = WIDE_MM,
    on_widths: Callable[[Mapping[tuple[int, str | None, str], JointView]], None] | None = None,
    on_registered: Callable[[Mapping[tuple[int, str | None, str], Registration]], None] | None = None,
) -> Progression:
    """Measure the narrowing of each finger joint from the baseline to every later visit.

    Joints and their bones are found, each joint is registered between all pairs of visits, and a course over time is
    fitted to the registrations of each joint.

    Parameters
    ----------
    baseline : path, Radiograph, (H, W) array, Patient or folder
        The first radiograph; or a patient, or a patient's folder, with all visits. For a visit with two radiographs, a
        sequence of both.
    *followups : path, Radiograph or (H, W) array
        Later visits, in order.
    joints : sequence of str
        Names of :data:`napari_jsn.anatomy.JOINTS`.
    method : str
        Of registration: ``"refined"``, ``"pipoc"``, ...
    spacing_mm : float or (row, col), optional
        Pixel size of all radiographs; by default the one that each file states. If unknown, figures are in pixels.
    localization, segmentation : str
        Names of the models.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default CUDA where there is one.
    progress : Progress, optional
        When aborted, joints that were not measured are left out, and a note says so.
    boxes : mapping of (visit, side) to sequence of Joint, optional
        Joints to use instead of those that a search would find. Boxes marked ``edited`` are kept exactly.
    masks : mapping of (visit, side, joint) to BoneMasks, optional
        Bones to use instead of those that the network would find, painted by a person on the joint image that the
        joint's box cuts out.
    patient_id : str, optional
        Pseudonym of the patient; by default as for :func:`napari_jsn.read_patient`, or that of the given Patient.
    wide_mm : float
        Half width of the 95 % interval in mm, above which the state of a narrowing is ``"wide"``.
    on_widths : callable, optional
        Called with all joints by (visit, side, joint) when their widths are measured, before they are registered.
    on_registered : callable, optional
        Called after each batch with the registrations from the baseline so far, by (visit, side, joint) of the later
        visit. They are not the final results, which follow from all visits and joints.

    Returns
    -------
    Progression
        One row for each joint and follow-up visit.

    Raises
    ------
    InputError
        A ValueError whose message names the input and says what to do.

    References
    ----------
    Wang et al., A deep registration method for accurate quantification of joint space narrowing progression in
    rheumatoid arthritis, CMIG 108:102273 (2023).

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> progression = jsn.measure(jsn.sample_folder("hand_pair"), joints=["MCP2"])
    >>> progression.narrowings[0].joint
    'MCP2'
    >>> round(progression.narrowings[0].jsn_mm, 1)
    0.4
    """
    began = time.monotonic()
    names, masks, wide_mm = _joint_names(joints), dict(masks or {}), check_wide_mm(wide_mm)
    load_method(method)  # refuses an unknown method before files are read
    where = device_name(device)
    patient = _patient(baseline, followups, spacing_mm)
    patient = patient if patient_id is None else replace(patient, patient_id=patient_id)
    stages = Stages(progress or Silent(), _SHARES)
    with renamed_arguments(model="localization"):
        patient = find_hands(patient, boxes, localization, where, stages.next("Finding the joints"))
    if not patient.hands_found:
        return Progression((), (), patient.patient_id, (*patient.notes, ABORTED), {}, method, where)
    with renamed_arguments(model="segmentation"):
        views = _views(patient, names, masks, segmentation, where, stages.next("Finding the bones"))
    if on_widths is not None and views is not None:
        on_widths(views)
    pairs = _pairs(patient, names, views or {})
    stage = stages.next("Registering the joints")
    registered, scales = _register(pairs, views or {}, method, where, stage, on_registered)
    complete = views is not None and len(registered) == len(pairs)
    narrowings: list[Narrowing] = []
    if views is not None:
        narrowings = with_distortion_reasons(_narrowings(patient, names, views, registered, complete, wide_mm))
    notes = (*patient.notes, *progression_notes(patient.hands, narrowings), *(() if complete else (ABORTED,)))
    models = measuring_models(segmentation, method)
    if localized_by := sorted({hand.found.model for hand in patient.hands if hand.found and hand.found.model}):
        models = {"localization": ", ".join(localized_by), **models}
    measured = tuple(_measured_hand(hand, views or {}, names) for hand in patient.hands)
    seconds = round(time.monotonic() - began, 2)
    return Progression(
        measured, tuple(narrowings), patient.patient_id, notes, models, method, where, (), scales, seconds
    )  # fmt: skip


def measuring_models(segmentation: str, method: str) -> dict[str, str]:
    """Return names and hashes of all that is used to measure joints whose boxes are known."""
    models = {"segmentation": model_identity("segmentation", segmentation), **method_models(method)}
    return models | {name: card_identity(name) for name in (REPOSITIONING_CARD, WIDTH_CARD)}


def check_measuring(
    joints: Sequence[str], method: str, localization: str, segmentation: str, device: str | None, wide_mm: float
) -> tuple[str, ...]:
    """Return the names of the joints in order, after checking all arguments of :func:`measure` but the radiographs."""
    from napari_jsn.networks import weights

    names = _joint_names(joints)
    check_wide_mm(wide_mm)
    load_method(method)
    device_name(device)
    for task, model in (("localization", localization), ("segmentation", segmentation)):
        with renamed_arguments(model=task):
            weights.find(task, model)
    return names


def _joint_names(joints: Sequence[str]) -> tuple[str, ...]:
    """Return joint names in anatomical order."""
    if not isinstance(joints, Iterable):
        raise InputError(
            f"The joints are {reprlib.repr(joints)}. Give a list of names, or leave joints out for all.", "joints"
        )
    names = (joints,) if isinstance(joints, str) else tuple(joints)
    for name in names:
        bones_of(name)
    if not names:
        raise InputError("No joints are named. Name one or more, or leave joints out for all.", "joints")
    return tuple(name for name in JOINTS if name in names)


def _patient(baseline: Any, followups: Sequence[Any], spacing_mm: Any) -> Patient:
    """Return the input of :func:`measure` as a patient; refuse a patient with one visit."""
    is_folder = isinstance(baseline, (str, os.PathLike)) and os.path.isdir(baseline)
    if (is_folder or isinstance(baseline, Patient)) and followups:
        raise InputError("A patient contains all visits. Give it alone, or give radiographs one by one.", "followup")
    if isinstance(baseline, Patient):
        patient = with_spacing(baseline, spacing_mm)
    elif is_folder:
        patient = read_patient(baseline, split=False, spacing_mm=spacing_mm)
    else:
        patient = patient_from_radiographs(baseline, *followups, split=False, spacing_mm=spacing_mm)
    if len(patient.visits) < 2:
        raise InputError(
            "There is only one visit, and narrowing is a change between two. Give a follow-up radiograph.", "followup"
        )
    return patient


def with_spacing(patient: Patient, spacing_mm: Any) -> Patient:
    """Return the patient with another pixel size; joints are searched again, since their boxes depend on it."""
    spacing = check_spacing(spacing_mm)
    if spacing is None:
        return patient
    hands = {
        visit.number: [
            replace(hand, found=None, radiograph=hand.radiograph.with_spacing(spacing)) for hand in visit.hands
        ]
        for visit in patient.visits
    }
    notes = tuple(note for note in patient.notes if note != NO_SPACING)
    return replace(patient.with_hands(hands), notes=notes, hands_found=False)


def _views(
    patient: Patient,
    names: Sequence[str],
    masks: Mapping[_Key, BoneMasks],
    model: str,
    device: str,
    progress: Progress,
) -> dict[_Key, JointView] | None:
    """Return the views of all joints; None if aborted."""
    wanted = [(hand, joint) for hand in patient.hands for joint in hand.joints if joint.name in names]
    keys: list[_Key] = [(*hand.place, joint.name) for hand, joint in wanted]
    painted = {k: masks[key] for k, key in enumerate(keys) if key in masks}
    views = make_joint_views([(hand.radiograph, joint) for hand, joint in wanted], painted, model, device, progress)
    return None if views is None else dict(zip(keys, views, strict=True))


def _pairs(patient: Patient, names: Sequence[str], views: Mapping[_Key, JointView]) -> list[_Pair]:
    """Return all pairs of visits that both show the bones of a joint, for joints that the baseline shows."""
    seen = {key for key, view in views.items() if view.has_both_bones}
    return [
        (side, name, (first - 1, second - 1))
        for side in dict.fromkeys(hand.side for hand in patient.hands)
        for name in names
        for first, second in combinations(range(1, len(patient.visits) + 1), 2)
        if {(1, side, name), (first, side, name), (second, side, name)} <= seen
    ]


def _register(
    pairs: Sequence[_Pair],
    views: Mapping[_Key, JointView],
    method: str,
    device: str,
    progress: Progress,
    on_registered: Callable[[Mapping[_Key, Registration]], None] | None,
) -> tuple[dict[_Pair, Registration], dict[HandPair, float]]:
    """Return the registrations of joints between visits, and the scales of the hands; some are missing if aborted."""
    size = BATCH if on_registered is not None and method == "refined" else max(1, len(pairs))  # batches stay the same
    parts = [pairs[first : first + size] for first in range(0, len(pairs), size)]
    registered: dict[_Pair, Registration] = {}
    stages = Stages(progress, [len(part) for part in parts] or [1])
    for part in parts:
        found = register_views(part, views, method, device, stages.next("Registering the joints"))
        registered |= found
        if on_registered is not None:
            on_registered(
                {(two + 1, side, name): each for (side, name, (one, two)), each in registered.items() if one == 0}
            )
        if len(found) < len(part):
            break
    scales: dict[HandPair, float] = {}
    for side, (first, second) in dict.fromkeys((side, visits) for side, _, visits in registered):
        of_hand = [one for pair, one in registered.items() if (pair[0], pair[2]) == (side, (first, second))]
        scale = hand_scale(of_hand)
        if scale is not None:
            scales[side or "", first + 1, second + 1] = scale
    return scaled(registered, views, scales), scales


def register_views(
    pairs: Sequence[_Pair],
    views: Mapping[_Key, JointView],
    method: str,
    device: str,
    progress: Progress,
) -> dict[_Pair, Registration]:
    """Return the registrations of joints between visits, computed in batches; some are missing if aborted."""
    fixed = [views[first + 1, side, name] for side, name, (first, _) in pairs]
    moving = [views[second + 1, side, name] for side, name, (_, second) in pairs]
    results = register_many(
        [view.image for view in fixed],
        [view.image for view in moving],
        # without their reasons, which are reported once per radiograph, not once per pair
        [_without_reasons(view.masks) for view in fixed],
        [_without_reasons(view.masks) for view in moving],
        method=method,
        device=device,
        progress=progress,
    )
    return dict(zip(pairs, results, strict=False))


def scaled(
    registered: Mapping[_Pair, Registration], views: Mapping[_Key, JointView], scales: Mapping[HandPair, float]
) -> dict[_Pair, Registration]:
    """Return the registrations after shrinkage; those from the baseline, which are shown, with the images of it."""
    result = {}
    for (side, name, (first, second)), one in registered.items():
        (drawn,) = with_hand_scale([one], scales.get((side or "", first + 1, second + 1)))
        if drawn is not one and first == 0:
            drawn = with_images(drawn, views[1, side, name].image, views[second + 1, side, name].image)
        result[side, name, (first, second)] = drawn
    return result


def _without_reasons(masks: BoneMasks) -> BoneMasks:
    return replace(masks, reasons=()) if isinstance(masks, FoundBones) else masks


def _narrowings(
    patient: Patient,
    names: Sequence[str],
    views: Mapping[_Key, JointView],
    registered: Mapping[_Pair, Registration],
    complete: bool,
    wide_mm: float,
) -> list[Narrowing]:
    narrowings: list[Narrowing] = []
    for side in sorted({hand.side for hand in patient.hands}, key=side_order):
        for name in names:
            course = JointCourse(
                name,
                side,
                {hand.visit: hand for hand in patient.hands if hand.side == side},
                {visit: view for (visit, *joint), view in views.items() if joint == [side, name]},
                {ends: one for (*joint, ends), one in registered.items() if joint == [side, name]},
            )
            narrowings += narrowings_of(course, len(patient.visits), complete, wide_mm)
    return narrowings


def _measured_hand(hand: Hand, views: Mapping[_Key, JointView], names: Sequence[str]) -> MeasuredHand:
    joints = tuple(views[*hand.place, name] for name in names if (*hand.place, name) in views)
    missing = tuple(name for name in hand.missing if name in names)
    return MeasuredHand(hand.visit, hand.day, hand.side, hand.radiograph, joints, missing, hand.reasons)
