"""What a person changed stays when the radiographs are measured as a whole once more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_jsn.joint import BoneMasks
from napari_jsn.progression.narrowing import ChangedJoint
from napari_jsn.reading.kept_changes import changed_by_hand, found_joint, with_kept_changes


def as_found(measured):
    """Return a measurement as if no person had changed anything."""
    hands = [
        replace(
            hand,
            joints=tuple(
                replace(view, joint=replace(view.joint, edited=False), masks_painted=False) for view in hand.joints
            ),
        )
        for hand in measured.hands
    ]
    return replace(measured, hands=tuple(hands))


def view_of(measured, joint, visit=1):
    return next(view for view in measured.hands[visit - 1].joints if view.joint.name == joint)


def test_nothing_is_kept_of_another_patient_or_of_other_radiographs(store, measured):
    assert changed_by_hand(store, measured) == {}
    store.save(measured)
    new = as_found(measured)
    assert changed_by_hand(store, replace(new, patient_id="another")) == {}
    moved = [replace(hand, radiograph=replace(hand.radiograph, path=Path("/other.dcm"))) for hand in new.hands]
    assert changed_by_hand(store, replace(new, hands=tuple(moved))) == {}


def test_boxes_and_bones_that_were_measured_are_kept(store, measured):
    store.save(measured)  # with painted masks, and a box that was moved
    kept = changed_by_hand(store, as_found(measured))
    assert {place[2] for place in kept} == {
        view.joint.name for hand in measured.hands for view in hand.joints if view.joint.edited or view.masks_painted
    }
    for (visit, _, name), one in kept.items():
        view = view_of(measured, name, visit)
        np.testing.assert_allclose(one.joint.box, view.joint.box)
        assert (one.masks is None) != view.masks_painted


@pytest.mark.parametrize("visit", [1, 2])
def test_what_was_changed_since_is_kept_too(store, measured, visit):
    new = as_found(measured)
    store.save(new)
    name, side = measured.patient_id, measured.hands[0].side
    view = view_of(measured, "IP1", visit)
    moved = replace(view.joint, box=view.joint.box + 1, edited=True)
    painted = BoneMasks(view.masks.lower, view.masks.upper)
    store.set_joint(name, visit, side, "IP1", ChangedJoint(moved))
    store.set_joint(name, visit, side, "MCP2", ChangedJoint(None))
    other = view_of(measured, "PIP3", visit)
    store.set_joint(name, visit, side, "PIP3", ChangedJoint(replace(other.joint, edited=False)))
    store.set_joint(name, visit, side, "PIP3", ChangedJoint(replace(other.joint, edited=True)))
    kept = changed_by_hand(store, new)
    assert set(kept) == {(visit, side, joint) for joint in ("IP1", "MCP2", "PIP3")}
    assert kept[visit, side, "MCP2"].joint is None
    np.testing.assert_allclose(kept[visit, side, "IP1"].joint.box, moved.box)

    # bones fit only where the pixel size stays
    store.set_joint(name, visit, side, "IP1", ChangedJoint(view.joint, painted))
    assert changed_by_hand(store, new)[visit, side, "IP1"].masks is not None
    films = [replace(hand, radiograph=hand.radiograph.with_spacing((0.1, 0.2))) for hand in new.hands]
    assert changed_by_hand(store, replace(new, hands=tuple(films)))[visit, side, "IP1"].masks is None

    # a removed joint that was measured since stays removed; what was taken back is not kept
    hands = tuple(replace(hand, joints=tuple(v for v in hand.joints if v.joint.name != "MCP2")) for hand in new.hands)
    store.save(replace(new, hands=hands, narrowings=()))
    assert changed_by_hand(store, new)[visit, side, "MCP2"].joint is None
    store.set_joint(name, visit, side, "MCP2", ChangedJoint(replace(view_of(new, "MCP2", visit).joint, edited=False)))
    assert (visit, side, "MCP2") not in changed_by_hand(store, new)


def test_a_measurement_with_what_was_kept(store, measured, monkeypatch):
    calls = []

    def measure_again(progression, changed, **options):
        calls.append(sorted(changed))
        return progression

    monkeypatch.setattr("napari_jsn.reading.kept_changes.measure_again", measure_again)
    new = as_found(measured)
    assert with_kept_changes(store, new) is new and not calls
    store.save(measured)
    assert with_kept_changes(store, new) is new and len(calls) == 1


CHANGES = {
    "moved": lambda joint, masks: [ChangedJoint(replace(joint, box=joint.box + 1, edited=True))],
    "moved twice": lambda joint, masks: [
        ChangedJoint(replace(joint, box=joint.box + shift, edited=True)) for shift in (1, 2)
    ],
    "painted": lambda joint, masks: [ChangedJoint(joint, masks)],
    "removed": lambda joint, masks: [ChangedJoint(None)],
    "removed and added": lambda joint, masks: [
        ChangedJoint(None), ChangedJoint(replace(joint, box=joint.box - 3, edited=True)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("way", CHANGES)
def test_a_joint_as_the_program_found_it(store, measured, way):
    """What was found is known after the change was measured too."""
    new = as_found(measured)
    store.save(new)
    name, side, view = measured.patient_id, measured.hands[0].side, view_of(new, "IP1")
    place = (1, side, "IP1")
    assert found_joint(store, name, place).joint.box.tolist() == view.joint.box.tolist()
    changes = CHANGES[way](view.joint, BoneMasks(view.masks.lower, view.masks.upper))
    for change in changes:
        store.set_joint(name, *place, change)
    last = changes[-1]
    joints = [
        each if each.joint.name != "IP1" else replace(each, joint=last.joint, masks_painted=last.masks is not None)
        for each in new.hands[0].joints
        if each.joint.name != "IP1" or last.joint is not None
    ]
    hands = (replace(new.hands[0], joints=tuple(joints)), *new.hands[1:])
    for measured_since in (False, True):
        if measured_since:
            store.save(replace(new, hands=hands, narrowings=()))
        found = found_joint(store, name, place)
        assert found.masks is None and not found.joint.edited and (found.joint.name, found.joint.side) == ("IP1", side)
        np.testing.assert_array_equal(found.joint.box, view.joint.box)


def test_a_joint_that_the_program_did_not_find(store, measured):
    new = as_found(measured)
    joint = view_of(new, "IP1").joint
    joints = tuple(each for each in new.hands[0].joints if each.joint.name != "IP1")
    store.save(replace(new, hands=(replace(new.hands[0], joints=joints), *new.hands[1:]), narrowings=()))
    place = (1, measured.hands[0].side, "IP1")
    store.set_joint(measured.patient_id, *place, ChangedJoint(replace(joint, edited=True)))
    store.set_joint(measured.patient_id, *place, ChangedJoint(replace(joint, box=joint.box + 4, edited=True)))
    assert found_joint(store, measured.patient_id, place).joint is None
