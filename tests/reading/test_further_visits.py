"""A visit is added to a patient of a store: earlier visits keep numbers, boxes, masks, grades and decisions."""

from dataclasses import replace

import pydicom
import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.patient.read import patient_from_radiographs
from napari_jsn.progression.narrowing import ChangedJoint
from napari_jsn.reading import measure_patient, measure_with_further, open_patient

FILES = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
JOINTS = ["MCP2", "MCP3"]


def radiographs(*paths, **facts):
    return patient_from_radiographs(*paths, split=False, patient_id="P1", **facts)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A store with a patient of one visit, with a box that a reader moved, a grade and a mask."""
    place = tmp_path_factory.mktemp("further") / "trial.db"
    with jsn.open_store(place, "A") as store:
        first = measure_patient(radiographs(FILES[0]), JOINTS)
        store.save(first)
        item = open_patient(store, "P1")
        item.score(1, "L", "MCP2", "jsn", 2)
        box = next(view.joint.box for view in first.hands[0].joints if view.joint.name == "MCP2")
        item.set_box(1, "L", "MCP2", box + 1.5)
        view = next(view for view in first.hands[0].joints if view.joint.name == "MCP3")
        item.set_masks(1, "L", "MCP3", view.masks)
        yield store, box + 1.5


@pytest.fixture(scope="module")
def extended(known):
    """The store after the second visit was added."""
    store, box = known
    item = open_patient(store, "P1")
    store.save(measure_with_further(item, radiographs(FILES[1])))
    return open_patient(store, "P1"), box


def test_the_new_visit_is_measured_and_nothing_of_the_old_one_is_lost(extended):
    item, box = extended
    found = item.progression
    assert [(row.joint, row.visit, row.reliable, row.changed_by_hand) for row in found.narrowings] == [
        ("MCP2", 2, True, True), ("MCP3", 2, True, True),
    ]  # fmt: skip
    alone = {row.joint: row for row in jsn.measure(*FILES, joints=JOINTS).narrowings}
    assert all(abs(row.jsn_mm - alone[row.joint].jsn_mm) < 0.03 for row in found.narrowings)
    views = {view.joint.name: view for view in found.hands[0].joints}
    assert views["MCP2"].joint.edited and (views["MCP2"].joint.box == box).all()
    assert views["MCP3"].masks_painted and not views["MCP3"].joint.edited
    assert [view.changed_by_hand for view in found.hands[1].joints] == [False, False]
    assert item.scores() == {(1, "L", "MCP2", "jsn"): (2.0, "", "")} and item.out_of_date == []


def changed(tmp_path, source, **tags):
    dataset = pydicom.dcmread(source)
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.save_as(tmp_path / "changed.dcm")
    return tmp_path / "changed.dcm"


def of_day(patient, day):
    """The patient with other dates; None: without."""
    visits = [
        replace(
            visit,
            day=day,
            hands=tuple(
                replace(hand, day=day, radiograph=replace(hand.radiograph, acquired=day)) for hand in visit.hands
            ),
        )
        for visit in patient.visits
    ]
    return replace(patient, visits=tuple(visits))


def test_what_does_not_fit_is_refused(extended, tmp_path):
    item, _ = extended
    again = radiographs(FILES[1])
    before, after = (item.progression.hands[k].day.replace(year=year) for k, year in ((0, 2000), (1, 2035)))
    for added, numbers, sentence in (
        (again, None, "Visit 2 has a radiograph of the left hand already"),
        (of_day(again, before), None, "older than the last visit"),
        (of_day(again, None), None, "not known. State the number of the visit"),
        (of_day(again, None), [5], "Visit 5 was stated, but the patient has visits 1 to 2. State 3"),
        (of_day(again, None), [1], "Visit 1 has a radiograph of the left hand already"),
        (of_day(again, before), [3], "older than the last visit"),
        (radiographs(changed(tmp_path, FILES[1], PatientID="another")), None, "more than one patient"),
    ):
        with pytest.raises(InputError, match=sentence):
            measure_with_further(item, added, numbers)
    with pytest.raises(InputError, match="older") as raised:
        measure_with_further(item, of_day(again, before))
    assert str(tmp_path) not in str(raised.value)
    assert after.year == 2035


def test_a_joint_that_was_removed_stays_removed(extended, monkeypatch):
    item, _ = extended
    item._change(1, "L", "MCP3", ChangedJoint(None))
    given = []
    monkeypatch.setattr(
        "napari_jsn.reading.further_visits.measure_patient", lambda patient, *rest, **more: given.append(patient)
    )
    later = of_day(radiographs(FILES[1]), item.progression.hands[1].day.replace(year=2035))
    measure_with_further(item, later)
    assert [visit.number for visit in given[0].visits] == [1, 2, 3]
    assert [joint.name for joint in given[0].hands[0].joints] == ["MCP2"]
    item.undo()


def test_both_hands_on_one_radiograph_are_split_and_named_after_their_visit(extended, monkeypatch):
    item, _ = extended
    given = []
    monkeypatch.setattr(
        "napari_jsn.reading.further_visits.measure_patient", lambda patient, *rest, **more: given.append(patient)
    )
    both = min(jsn.sample_folder("both_hands").glob("*.dcm"))
    later = of_day(radiographs(both), item.progression.hands[1].day.replace(year=2035))
    measure_with_further(item, later)
    hands = given[0].visits[2].hands
    assert [(hand.place, hand.radiograph.name) for hand in hands] == [
        ((3, "R"), "visit 3, right"), ((3, "L"), "visit 3, left"),
    ]  # fmt: skip
    assert any(note.startswith("Visit 3: both hands on one radiograph") for note in given[0].notes)
