"""Boxes and masks that a person changed: what is out of date, and what is measured again."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.progression.narrowing import ChangedJoint
from napari_jsn.progression.progression import Decision
from napari_jsn.reading import measure_again
from napari_jsn.store import open_store


@pytest.fixture
def saved(store, measured):
    store.save(measured)
    return store


def view_of(progression, visit, joint):
    hand = next(hand for hand in progression.hands if hand.visit == visit)
    return next(view for view in hand.joints if view.joint.name == joint)


def out_of_date(store):
    return store.out_of_date().values.tolist()


@pytest.mark.parametrize("visit", [1, 2])
def test_a_moved_box_makes_the_figures_of_its_joint_out_of_date(saved, measured, visit):
    box = view_of(measured, visit, "IP1").joint.box
    saved.set_box("P001", visit, "L", "IP1", box + 3)
    assert out_of_date(saved) == [["P001", "IP1", "L", 2]]
    change = saved.changes().iloc[-1]
    assert (change["subject"], change["item"]) == ("joint", f'["L","IP1",{visit}]')
    assert str(box[0, 0]) in change["was"] and "true" in change["became"]
    assert len(saved.measurements()) == 3  # the figures are kept
    saved.set_joint("P001", visit, "L", "IP1", ChangedJoint(view_of(measured, visit, "IP1").joint))
    assert out_of_date(saved) == [] and saved.corrections("P001") == {}
    assert len(saved.changes()) == 5


def test_only_changed_joints_are_measured_again(saved, measured):
    before = saved.progression("P001")
    saved.set_box("P001", 1, "L", "IP1", view_of(measured, 1, "IP1").joint.box + 1.5)
    saved.set_masks("P001", 2, "L", "PIP3", (masks := view_of(measured, 2, "PIP3").masks))
    assert [row[1] for row in out_of_date(saved)] == ["IP1", "PIP3"]
    again = measure_again(before, saved.corrections("P001"))
    saved.save(again)
    assert out_of_date(saved) == [] and saved.corrections("P001") == {}
    assert [row.changed_by_hand for row in again.narrowings] == [True, True, True]
    assert again.narrowings[1].narrowing_px == measured.narrowings[1].narrowing_px  # MCP2, which was not changed
    assert again.narrowings[0].jsn_mm == pytest.approx(measured.narrowings[0].jsn_mm, abs=0.05)
    found = view_of(saved.progression("P001"), 2, "PIP3")
    assert found.masks_painted and found.joint.edited  # the box had been moved before
    np.testing.assert_array_equal(found.masks.labels, masks.labels)
    changed = saved.changes().query("subject == 'measurement'")["item"].tolist()[3:]
    assert changed == ['["L","IP1",2]', '["L","PIP3",2]']


def test_a_joint_that_was_removed_and_one_that_was_added(saved, measured):
    saved.set_joint("P001", 2, "L", "IP1", ChangedJoint(None))
    for visit in (1, 2):
        hand = next(hand for hand in measured.hands if hand.visit == visit)
        joint = next(joint for joint in jsn.find_joints(hand.radiograph) if joint.name == "MCP3")
        saved.set_joint("P001", visit, "L", "MCP3", ChangedJoint(replace(joint, edited=True)))
    again = measure_again(saved.progression("P001"), saved.corrections("P001"))
    saved.save(again)
    table = saved.measurements().set_index("joint")
    assert list(table.index) == ["IP1", "MCP2", "MCP3", "PIP3"]
    assert np.isnan(table["jsn_mm"]["IP1"]) and "in view" in table["reason"]["IP1"]
    assert table["jsn_mm"]["MCP3"] == pytest.approx(0.2, abs=0.4) and table["changed_by_hand"]["MCP3"]
    assert out_of_date(saved) == []
    pd.testing.assert_frame_equal(saved.progression("P001").table(), again.table())


def test_a_joint_that_did_not_change_measures_as_before():
    whole = jsn.measure(jsn.sample_folder("hand_pair"))
    assert set(whole.hand_scales) == {("L", 1, 2)}
    joint = view_of(whole, 1, "PIP2").joint
    again = measure_again(whole, {(1, "L", "PIP2"): ChangedJoint(joint)})
    one, other = (next(row for row in each.narrowings if row.joint == "PIP2") for each in (whole, again))
    assert other.jsn_px == pytest.approx(one.jsn_px, abs=2e-3) and other.jsn_sd_px == pytest.approx(one.jsn_sd_px, 0.01)
    assert not other.changed_by_hand and [row.joint for row in again.narrowings] == [r.joint for r in whole.narrowings]
    unscaled = measure_again(replace(whole, hand_scales={}), {(1, "L", "PIP2"): ChangedJoint(joint)})
    assert next(row for row in unscaled.narrowings if row.joint == "PIP2").jsn_px != other.jsn_px


def test_a_new_measurement_keeps_corrections_that_it_does_not_contain(saved, measured):
    saved.set_box("P001", 1, "L", "IP1", view_of(measured, 1, "IP1").joint.box + 2)
    saved.save(measured)
    assert out_of_date(saved) == [["P001", "IP1", "L", 2]] and len(saved.corrections("P001")) == 1


@pytest.mark.parametrize(
    ("where", "box", "argument"),
    [
        ((3, "L", "IP1"), 0.0, "visit"),
        ((1, "R", "IP1"), 0.0, "visit"),
        ((1, "L", "XX"), 0.0, "joint"),
        ((1, "L", "IP1"), 1e5, "box"),
        ((1, "L", "IP1"), np.nan, "box"),
    ],
)
def test_wrong_boxes(saved, measured, where, box, argument):
    with pytest.raises(InputError) as refused:
        saved.set_box("P001", *where, view_of(measured, 1, "IP1").joint.box + box)
    assert refused.value.argument == argument and len(saved.changes()) == 3 and out_of_date(saved) == []


def test_masks_must_fit_the_present_box(saved, measured):
    masks = view_of(measured, 1, "IP1").masks
    with pytest.raises(InputError, match="Paint them on the image"):
        saved.set_masks("P001", 1, "L", "IP1", jsn.BoneMasks(masks.upper[2:], masks.lower[2:]))
    saved.set_masks("P001", 1, "L", "IP1", masks)
    assert saved.joint("P001", 1, "L", "IP1").masks is not None
    saved.set_box("P001", 1, "L", "IP1", saved.joint("P001", 1, "L", "IP1").joint.box + 1)
    assert saved.joint("P001", 1, "L", "IP1").masks is None
    assert len(saved.changes()) == 5


def test_another_program_changed_the_box(place, measured):
    with open_store(place, "A") as one, open_store(place, "B") as other:
        one.save(measured)
        other.refresh()
        box = view_of(measured, 1, "IP1").joint.box
        one.set_box("P001", 1, "L", "IP1", box + 1)
        with pytest.raises(InputError, match="Another program by A changed a joint"):
            other.set_box("P001", 1, "L", "IP1", box + 2)
        other.set_box("P001", 2, "L", "IP1", box + 2)
        assert len(one.corrections("P001")) == 2


def test_decisions_come_back_with_the_measurement(place, measured):
    decisions = (
        Decision("MCP2", "L", 2, "rejected", "blurred", "A"),
        Decision("IP1", "L", 2, "", "see MCP2", "B", "s"),
    )
    with open_store(place, "A") as store:
        store.save(replace(measured, decisions=decisions))
        store.save(replace(measured, decisions=decisions))
        store.save(measured)  # does not remove them
        assert store.progression("P001").decisions == decisions
        assert store.decisions()["reader"].tolist() == ["A", "B"]
        assert len(store.changes()) == 5


def test_boxes_as_they_are_now(saved, measured):
    before = saved.boxes()
    assert before["joint"].tolist() == ["IP1", "MCP2", "PIP3"] * 2 and not before["not_measured_yet"].any()
    assert before[["box_edited", "masks_painted"]].values.tolist() == [
        [False, False], [False, True], [True, False], [False, False], [False, False], [True, False],
    ]  # fmt: skip
    box = view_of(measured, 1, "IP1").joint.box
    np.testing.assert_array_equal(before.filter(regex="row|column").iloc[0].to_numpy(float).reshape(4, 2), box)
    saved.set_box("P001", 1, "L", "IP1", box + 3)
    saved.set_masks("P001", 2, "L", "IP1", view_of(measured, 2, "IP1").masks)
    saved.set_joint("P001", 2, "L", "PIP3", ChangedJoint(None))
    after = saved.boxes("P001").set_index(["visit", "joint"])
    changed = after[after["not_measured_yet"]]
    assert changed.index.tolist() == [(1, "IP1"), (2, "IP1"), (2, "PIP3")] and set(changed["reader"]) == {"A"}
    assert after.loc[(1, "IP1"), "row_1"] == box[0, 0] + 3 and after.loc[(2, "IP1"), "masks_painted"]
    assert np.isnan(after.loc[(2, "PIP3"), "row_1"]) and len(after) == 6 and len(saved.boxes("P002")) == 0
