"""Find the hands of a patient: check tags, split radiographs of both hands, find the joints, check the hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.joint import Joint
from napari_jsn.localization.find_joints import find_joints, find_joints_many
from napari_jsn.localization.found_joints import FoundJoints
from napari_jsn.localization.polarity import bones_are_dark
from napari_jsn.patient.check_hands import check_hands, check_sides
from napari_jsn.patient.check_tags import check_tags, keep_one_intent, leave_out_oblique
from napari_jsn.patient.patient import Hand, Patient, Place
from napari_jsn.patient.split import hands_of, with_side_reason
from napari_jsn.radiograph.radiograph import GIVEN


def split_hands(
    patient: Patient,
    boxes: Mapping[Place, Sequence[Joint]] | None = None,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Patient:
    """Return the patient with one hand per radiograph: radiographs of unknown side are searched and split.

    Lateral and oblique views are left out where their visit has another radiograph. Of an exposure that is stored for
    processing and for presentation, one is used.

    Parameters
    ----------
    patient : Patient
    boxes : mapping of (visit, side) to sequence of Joint, optional
        Radiographs whose joints are given are not searched.
    model, device : str
        Of the localization; see :func:`napari_jsn.find_joints`.
    progress : Progress, optional
        When aborted, radiographs that were not searched yet stay as they are.

    Raises
    ------
    InputError
        If two hands overlap.
    """
    if patient.hands_split:
        return patient
    chosen = keep_one_intent(leave_out_oblique(patient))
    return _split_hands(chosen, boxes or {}, model, device, progress or Silent())


def _split_hands(
    patient: Patient, boxes: Mapping[Place, Sequence[Joint]], model: str, device: str | None, progress: Progress
) -> Patient:
    """Search and split the radiographs of unknown side, after the radiographs to use were chosen."""
    unknown = [hand for hand in patient.hands if hand.side is None and hand.place not in boxes]
    split: dict[int, list[Hand]] = {}
    notes: list[str] = []
    for number, hand in enumerate(unknown):
        if progress.aborted:
            break
        progress.update(number, len(unknown), f"Searching hands: visit {hand.visit}")
        hand = replace(hand, found=find_joints(hand.radiograph, model=model, device=device))
        hand, turned = _with_bright_bones(hand, model, device)
        assert hand.found is not None
        split[id(unknown[number])], hand_notes = hands_of(hand, hand.found)
        notes += turned + hand_notes
    hands = {
        visit.number: [part for hand in visit.hands for part in split.get(id(hand), [hand])] for visit in patient.visits
    }
    done = len(split) == len(unknown)
    return replace(patient.with_hands(hands), notes=(*patient.notes, *notes), hands_split=done)


def check_facts(patient: Patient) -> Patient:
    """Return the patient after the checks that need no pixel: tags, and sides where all radiographs state one.

    Raises
    ------
    InputError
        As :func:`find_hands`.
    """
    patient = check_tags(keep_one_intent(leave_out_oblique(patient)))
    notes = check_sides(patient) if all(hand.side for hand in patient.hands) else []
    return replace(patient, notes=tuple(dict.fromkeys((*patient.notes, *notes))))


def find_hands(
    patient: Patient,
    boxes: Mapping[Place, Sequence[Joint]] | None = None,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    compared: bool = True,
) -> Patient:
    """Return the patient with one hand per radiograph, the joints of each hand, and all checks done.

    Tags are checked before anything is searched. Then radiographs of both hands are split, joints are searched where
    there are none, and the hands are checked. Steps that are already done are skipped.

    Parameters
    ----------
    patient : Patient
    boxes : mapping of (visit, side) to sequence of Joint, optional
        Joints to use instead of those that a search would find.
    model, device : str
        Of the localization; see :func:`napari_jsn.find_joints`.
    progress : Progress, optional
        When aborted, the patient is returned after the steps that were done, with ``hands_found`` False.
    compared : bool
        Whether visits are compared, so that they must have a common hand, and each radiograph must show one.

    Raises
    ------
    InputError
        If hands overlap, or cannot be compared: see :func:`~napari_jsn.patient.check_tags.check_tags`,
        :func:`~napari_jsn.patient.check_hands.check_sides` and :func:`~napari_jsn.patient.check_hands.check_hands`.
    """
    progress, boxes = progress or Silent(), boxes or {}
    if patient.hands_found and not boxes:
        return patient
    if patient.hands_split:
        patient = check_tags(patient)
    else:
        chosen = keep_one_intent(leave_out_oblique(patient))
        patient = _split_hands(check_tags(chosen), boxes, model, device, progress)
    if not patient.hands_split:
        return patient
    notes = check_sides(patient, compared)  # before the joints are searched, which is slower
    given = {
        visit.number: [
            replace(hand, found=_given(hand, boxes)) if hand.place in boxes else hand for hand in visit.hands
        ]
        for visit in patient.visits
    }
    patient = patient.with_hands(given)
    without_joints = [hand for hand in patient.hands if hand.found is None]
    radiographs = [hand.radiograph for hand in without_joints]
    found = find_joints_many(radiographs, model, device, progress=progress) if without_joints else []
    if len(found) < len(without_joints):
        return patient
    joints = {hand.place: each for hand, each in zip(without_joints, found, strict=True)}
    searched: dict[int, list[Hand]] = {visit.number: [] for visit in patient.visits}
    for hand in patient.hands:
        hand = replace(hand, found=joints.get(hand.place, hand.found))
        hand, turned = _with_bright_bones(hand, model, device)
        searched[hand.visit].append(with_side_reason(hand))
        notes += turned
    patient = patient.with_hands(searched)
    notes += check_hands(patient, compared)
    return replace(patient, notes=tuple(dict.fromkeys((*patient.notes, *notes))), hands_found=True)


def _with_bright_bones(hand: Hand, model: str, device: str | None) -> tuple[Hand, list[str]]:
    """Return a hand whose radiograph is inverted and searched again if it is a negative, and a note on it."""
    if hand.found is None or not bones_are_dark(hand.radiograph.pixels, hand.found):
        return hand, []
    radiograph, found = hand.radiograph.inverted(), hand.found
    if found.model:  # not for boxes that were given
        found = find_joints(radiograph, model=model, device=device)
    note = (
        f"{hand.label.capitalize()}: the bones are darker than the soft tissue, so the image is a negative; its "
        "intensities were inverted."
    )
    return replace(hand, radiograph=radiograph, found=found), [note]


def _given(hand: Hand, boxes: Mapping[Place, Sequence[Joint]]) -> FoundJoints:
    """Return the joints that are given for a hand as FoundJoints."""
    joints = boxes[hand.place]
    names = [joint.name for joint in joints]
    if unknown := [name for name in names if name not in JOINTS]:
        raise InputError(f"There is no finger joint {unknown[0]!r}. Choose one of: {', '.join(JOINTS)}.", "boxes")
    if len(set(names)) < len(names):
        raise InputError(f"{hand.label.capitalize()}: a joint has several boxes. Give one for each joint.", "boxes")
    side = hand.side or ""
    return FoundJoints(
        tuple(sorted(joints, key=lambda joint: JOINTS.index(joint.name))),
        tuple((side, name) for name in JOINTS if name not in names),
        (side,) if side else (),
        GIVEN,
    )
