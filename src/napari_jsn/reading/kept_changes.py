"""Keep what a person changed on radiographs when they are measured as a whole once more."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.joint import LOWER, UPPER, BoneMasks, Joint
from napari_jsn.joint.crop import crop_geometry
from napari_jsn.progression.narrowing import ChangedJoint, MeasuredHand, PlaceOfJoint
from napari_jsn.progression.progression import Progression
from napari_jsn.reading.measuring import measure_again
from napari_jsn.store import Store
from napari_jsn.store.encoding import to_json, unpacked


def with_kept_changes(store: Store, progression: Progression, progress: Progress | None = None) -> Progression:
    """Return a new measurement with the boxes and bones that a person set before, as the store has them.

    Joints that a person removed are left out again. Bones are dropped where their image has another size now, because
    the pixel size was changed. Radiographs are recognised by their files.

    Parameters
    ----------
    store : Store
        Which has the measurement before.
    progression : Progression
        The new measurement, which is not saved yet.
    progress : Progress, optional
    """
    changed = changed_by_hand(store, progression)
    return measure_again(progression, changed, device=progression.device, progress=progress) if changed else progression


def changed_by_hand(store: Store, progression: Progression) -> dict[PlaceOfJoint, ChangedJoint]:
    """Return the boxes and bones that a person set before, by their places in a new measurement."""
    name = progression.patient_id
    if name not in store.visits():
        return {}
    try:
        before = store.progression(name, _folders(progression))
    except InputError:  # the radiographs were replaced: what was set on them does not belong to the new ones
        return {}
    here = {_film(hand): hand for hand in progression.hands if hand.radiograph.path is not None}
    hands = {(hand.visit, hand.side or ""): here.get(_film(hand)) for hand in before.hands}
    result: dict[PlaceOfJoint, ChangedJoint] = {}
    for (visit, side, joint), one in _by_hand(store, before).items():
        hand = hands.get((visit, side))
        if hand is not None:
            result[hand.visit, side, joint] = ChangedJoint(one.joint, _fitting(one, hand))
    return result


def found_joint(store: Store, patient: str, place: PlaceOfJoint) -> ChangedJoint:
    """Return a joint as the program found it before a person changed it: without a box where it was not found.

    A joint whose first box or bones came from a person is returned as it was first.

    Parameters
    ----------
    store : Store
    patient : str
        Pseudonym.
    place : (visit, side, joint)
    """
    visit, side, joint = place
    changes = store.changes(patient)
    own = changes[(changes["subject"] == "joint") & (changes["item"] == to_json([side, joint, visit]))]
    if own.empty:
        return store.joint(patient, visit, side, joint)
    states = [json.loads(text) if text else None for text in (*own["was"].iloc[:1], *own["became"])]
    found = [state for state in states if state is not None and state[1:] == [False, None]]
    first = found[-1] if found else states[0]
    if first is None:
        return ChangedJoint(None)
    box, edited, masks = first
    labels = None if masks is None else unpacked(base64.b64decode(masks))
    painted = None if labels is None else BoneMasks((labels & UPPER) > 0, (labels & LOWER) > 0)
    return ChangedJoint(Joint(joint, side or None, np.array(box, dtype=float), edited=edited), painted)


def _by_hand(store: Store, before: Progression) -> dict[PlaceOfJoint, ChangedJoint]:
    """Return what is set by hand now: removed joints, then boxes and bones as measured, then changes since."""
    found: dict[PlaceOfJoint, ChangedJoint] = {}
    measured = {(hand.visit, hand.side or "", view.joint.name): view for hand in before.hands for view in hand.joints}
    found |= {place: ChangedJoint(None) for place in _removed(store, before.patient_id) if place not in measured}
    for place, view in measured.items():
        if view.joint.edited or view.masks_painted:
            masks = BoneMasks(view.masks.upper, view.masks.lower) if view.masks_painted else None
            found[place] = ChangedJoint(view.joint, masks)
    for place, one in store.corrections(before.patient_id).items():
        if one.joint is None or one.joint.edited or one.masks is not None:
            found[place] = one
        else:  # the change was taken back
            found.pop(place, None)
    return found


def _removed(store: Store, patient: str) -> list[PlaceOfJoint]:
    """Return the joints whose box a person removed last."""
    changes = store.changes(patient)
    of_joints = changes[changes["subject"] == "joint"]
    last = dict(zip(of_joints["item"], of_joints["became"], strict=True))
    places = [json.loads(item) for item, became in last.items() if not became]
    return [(visit, side, joint) for side, joint, visit in places]


def _fitting(one: ChangedJoint, hand: MeasuredHand) -> BoneMasks | None:
    """Return the painted bones where they fit the joint image of the new measurement."""
    if one.joint is None or one.masks is None:
        return None
    return one.masks if crop_geometry(hand.radiograph.spacing_mm, one.joint)[2] == one.masks.shape else None


def _film(hand: MeasuredHand) -> tuple[object, ...]:
    return hand.radiograph.path, hand.side or "", tuple(hand.radiograph.shape)


def _folders(progression: Progression) -> set[Path]:
    return {hand.radiograph.path.parent for hand in progression.hands if hand.radiograph.path is not None}
