"""A measurement that was saved and restored, on every database."""

import copy
import pickle
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pydicom
import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import Note
from napari_jsn.store import open_store


def assert_equal(one, other):
    """Compare two results attribute by attribute, pixels and arrays included."""
    if isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for each, also in zip(one, other):
            assert_equal(each, also)
    elif hasattr(one, "__dataclass_fields__"):
        assert isinstance(other, type(one)) or isinstance(one, type(other))
        for each in fields(one):
            assert_equal(getattr(one, each.name), getattr(other, each.name))
    elif isinstance(one, float) and np.isnan(one):
        assert np.isnan(other)
    else:
        assert one == other and isinstance(other, type(one))


def test_a_progression_comes_back_as_it_was(place, measured):
    with open_store(place) as store:
        store.save(measured)
    with open_store(place) as store:
        found = store.progression("P001")
    pd.testing.assert_frame_equal(found.table(), measured.table())
    assert_equal(measured, found)
    assert [row.changed_by_hand for row in found.narrowings] == [False, True, True]  # IP1, MCP2, PIP3
    assert found.notes == measured.notes


def test_what_is_restored_can_be_used_as_the_original(store, measured, tmp_path):
    store.save(measured)
    found = store.progression("P001")
    written = jsn.write_progression(tmp_path / "found", found)
    original = jsn.write_progression(tmp_path / "original", measured)
    for name in ("joints.csv", "report.html"):
        new, old = (next(path for path in paths if path.name == name).read_bytes() for paths in (written, original))
        assert new == old
    radiograph = replace(found.hands[0].radiograph, name="another")
    assert radiograph.name == "another" and radiograph.shape == measured.hands[0].radiograph.shape
    for restored in (found.hands[0].radiograph, found.hands[0].joints[0].image, found.narrowings[0].registration):
        for plain in (replace(restored), copy.deepcopy(restored), pickle.loads(pickle.dumps(restored))):
            assert not type(plain).__name__.startswith("Stored")
            assert_equal(plain, restored)


def test_tables_of_all_patients(store, measured):
    names = ["P010", "P002", "P001"]
    for name in names:
        store.save(replace(measured, patient_id=name))
    whole = store.measurements()
    assert whole["patient"].unique().tolist() == sorted(names) and len(whole) == 9
    expected = pd.concat([replace(measured, patient_id=name).table() for name in sorted(names)], ignore_index=True)
    pd.testing.assert_frame_equal(whole, expected)
    pd.testing.assert_frame_equal(store.measurements("P002"), replace(measured, patient_id="P002").table())
    assert store.patients()[["patient", "visits", "figures"]].values.tolist() == [[n, 2, 3] for n in sorted(names)]


def test_notes_keep_what_is_public(store, measured):
    note = Note("Taken on 2020-01-17.", public="Taken on one day.")
    store.save(replace(measured, notes=(note, "plain")))
    found = store.progression("P001").notes
    assert found == (note, "plain") and found[0].public == note.public


def test_joints_that_were_not_measured(store, measured):
    first = measured.narrowings[0]
    failed = jsn.Narrowing(first.joint, first.side, 2, reasons=(jsn.Reason(jsn.ReasonCode.NO_HAND),))
    progression = replace(measured, narrowings=(failed, *measured.narrowings[1:]))
    store.save(progression)
    assert_equal(progression, store.progression("P001"))
    pd.testing.assert_frame_equal(store.measurements(), progression.table())


def test_a_new_measurement_replaces_the_old_one_and_lists_what_changed(store, measured):
    store.save(measured)
    store.save(measured)
    assert len(store.changes()) == 3  # the second one changed nothing
    row = measured.narrowings[1]
    other = replace(row, narrowing_px=jsn.Estimate(1.5, 0.25))
    store.save(replace(measured, narrowings=(measured.narrowings[0], other, measured.narrowings[2])))
    change = store.changes().iloc[-1]
    assert len(store.changes()) == 4 and change["reader"] == "A" and change["subject"] == "measurement"
    assert row.joint in change["item"] and str(row.jsn_px) in change["was"] and "1.5" in change["became"]
    assert store.progression("P001").narrowings[1].jsn_px == 1.5


@pytest.mark.parametrize("tag", ["PatientID", "PatientBirthDate"])
def test_two_identities_under_one_pseudonym_are_refused(store, measured, tmp_path, tag):
    store.save(measured)
    other = pydicom.dcmread(measured.hands[0].radiograph.path)
    setattr(other, tag, "19410203")
    other.save_as(tmp_path / "other.dcm")
    hands = tuple(
        replace(hand, radiograph=replace(hand.radiograph, path=tmp_path / "other.dcm")) for hand in measured.hands
    )
    with pytest.raises(InputError, match="another patient under the pseudonym P001") as refused:
        store.save(replace(measured, hands=hands))
    assert refused.value.argument == "patient_id" and len(store.changes()) == 3
    store.save(replace(measured, hands=hands, patient_id="P002"))


def test_two_patients_without_a_pseudonym_are_refused(store, measured):
    bare = tuple(replace(hand, radiograph=replace(hand.radiograph, path=None)) for hand in measured.hands)
    store.save(replace(measured, hands=bare, patient_id="anonymous"))
    store.save(replace(measured, hands=bare, patient_id="anonymous"))
    darker = tuple(
        replace(hand, radiograph=replace(hand.radiograph, pixels=hand.radiograph.pixels / 2)) for hand in bare
    )
    with pytest.raises(InputError, match="Give this patient a pseudonym"):
        store.save(replace(measured, hands=darker, patient_id="anonymous"))


@pytest.mark.parametrize("thing", [None, "P001", 3.0, [1], object()])
def test_other_things_are_not_saved(store, thing):
    with pytest.raises(InputError, match="cannot save a"):
        store.save(thing)


def test_unknown_patients(store, measured):
    with pytest.raises(InputError, match="no measurement of the patient P001"):
        store.progression("P001")
    assert len(store.measurements()) == 0 and len(store.measurements("P001")) == 0


def test_another_program_changed_the_same(place, measured):
    with open_store(place, "A") as one, open_store(place, "B") as other:
        one.save(measured)
        with pytest.raises(InputError, match="Another program by A changed a measurement of the patient P001"):
            other.save(replace(measured, narrowings=measured.narrowings[:2]))
        assert len(one.measurements()) == 3
        other.refresh()
        other.save(replace(measured, narrowings=measured.narrowings[:2]))
        assert len(one.measurements()) == 2


def test_export(store, measured, tmp_path):
    store.save(measured)
    store.decide("P001", "MCP2", "L", 2, "unsure", "=1+1")
    written = {path.name: path for path in store.export(tmp_path)}
    assert set(written) == {
        f"{n}.csv" for n in ("patients", "measurements", "boxes", "decisions", "scores", "sessions", "changes")
    }
    assert len(pd.read_csv(written["measurements.csv"])) == 3 and "'=1+1" in written["decisions.csv"].read_text()
