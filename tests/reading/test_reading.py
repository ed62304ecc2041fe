"""What a reader does: work list, undo, sessions that hide and lock."""

import re
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pandas as pd
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.reading import Reading
from napari_jsn.store import open_store
from tests.scoring.simulated import sheet


@pytest.fixture
def filled(place, measured):
    """A store with three patients, and scores of another reader and a model."""
    with open_store(place, "B") as other:
        for name in ("KNEE-7", "KNEE-8", "KNEE-9"):
            other.save(replace(measured, patient_id=name))
            other.decide(name, "MCP2", "L", 2, "accepted", "narrower at followup")
        table = sheet(3, readers=("B", "two-stage"), scheme_name="svdh-fingers")
        other.save(table.assign(patient=table["patient"].map({"P000": "KNEE-7", "P001": "KNEE-8", "P002": "KNEE-9"})))
    with open_store(place, "A") as opened:
        yield opened


def test_work_list_next_and_resume(filled, place):
    reading = Reading(filled)
    assert [(item.title, item.state) for item in reading.work_list()] == [
        (f"KNEE-{k}, visits 1, 2", "open") for k in (7, 8, 9)
    ]
    assert reading.next().code == "KNEE-7" == reading.resume()[0].code
    reading.open("KNEE-8")
    reading.show("KNEE-8", {"joint": "MCP2", "zoom": 2.5})
    with open_store(place, "A") as again:
        resumed, shown = Reading(again).resume()
        assert (resumed.code, resumed.state, shown) == ("KNEE-8", "begun", {"joint": "MCP2", "zoom": 2.5})
    reading.finish("KNEE-8")
    assert reading.status() == {"open": 2, "begun": 0, "done": 1}
    assert reading.next("KNEE-8").code == "KNEE-9" and reading.next("KNEE-9").code == "KNEE-7"
    for code in ("KNEE-7", "KNEE-9"):
        reading.finish(code)
    assert reading.next() is None and reading.resume()[0].code == "KNEE-9"
    reading.finish("KNEE-7", False)
    assert reading.next().code == "KNEE-7"
    with open_store(place, "C") as other:
        assert Reading(other).status()["open"] == 3


def test_undo_and_redo_of_decisions_scores_boxes_and_masks(filled):
    item = Reading(filled).open("KNEE-7")
    before = item.images[1].joints["IP1"]
    masks = next(view for view in item.progression.hands[0].joints if view.joint.name == "IP1").masks
    item.decide(2, "L", "MCP2", "accepted")
    item.decide(2, "L", "MCP2", "rejected", "blurred")
    item.score(1, "L", "MCP2", "jsn", 3)
    item.score(1, "L", "MCP2", "jsn", None, not_scored="surgery")
    item.score(1, "L", "MCP3", "erosion", 2)
    item.set_box(2, "L", "IP1", before.joint.box + 4)
    item.set_box(2, "L", "PIP3", None)
    item.set_masks(1, "L", "IP1", masks)

    def state():
        return (
            item.decisions(), item.scores(), item.out_of_date,
            {(image.number, name): (one.joint.box.tolist(), one.joint.edited, one.masks is None)
             for image in item.images for name, one in image.joints.items()},
        )  # fmt: skip

    last = state()
    assert last[0] == {(2, "L", "MCP2"): ("rejected", "blurred")}
    assert last[1] == {(1, "L", "MCP2", "jsn"): (None, "", "surgery"), (1, "L", "MCP3", "erosion"): (2.0, "", "")}
    assert sorted(last[2]) == [("IP1", "L", 2), ("PIP3", "L", 2)] and (2, "PIP3") not in last[3]
    undone = []
    while item.can_undo:
        undone.append(item.undo())
    assert undone == ["IP1", "PIP3", "IP1", "MCP3", "MCP2", "MCP2", "MCP2", "MCP2"] and item.undo() is None
    assert item.decisions() == {} == item.scores() and item.out_of_date == []
    np.testing.assert_array_equal(item.images[1].joints["IP1"].joint.box, before.joint.box)
    while item.can_redo:
        item.redo()
    assert state() == last
    item.undo()
    item.decide(2, "L", "IP1", "unsure")
    assert not item.can_redo
    changes = filled.changes().query("reader == 'A' and subject != 'item'")
    assert len(changes) == 8 + 8 + 8 + 1 + 1


def test_only_what_is_out_of_date_is_measured_again(filled):
    item = Reading(filled).open("KNEE-7")
    old = item.progression
    assert item.measure_again() is old
    item.set_box(2, "L", "IP1", item.images[1].joints["IP1"].joint.box + 2)
    new = item.measure_again()
    assert item.out_of_date == [] and filled.corrections("KNEE-7") == {}
    assert new.narrowings[0].changed_by_hand and new.narrowings[1] is old.narrowings[1]
    pd.testing.assert_frame_equal(filled.measurements("KNEE-7"), new.table())
    item.set_box(2, "L", "IP1", item.images[1].joints["IP1"].joint.box + 2)
    item.reset(2, "L", "IP1")  # to what the program found, before both changes
    again, before = item.measure_again().table(), old.table()
    assert again["changed_by_hand"].tolist() == before["changed_by_hand"].tolist()
    np.testing.assert_allclose(again["jsn_mm"], before["jsn_mm"], atol=1e-4)  # it was measured in another batch
    item.undo()
    item.reset(2, "L", "IP1")
    assert item.out_of_date == []
    item.reset(2, "L", "IP1")
    assert item.undo() == "IP1" and item.out_of_date == [("IP1", "L", 2)]  # resetting again was no change


def test_figures_of_a_joint_are_shown_before_they_are_saved(filled, monkeypatch):
    item = Reading(filled).open("KNEE-7")
    old, saved = item.progression, filled.measurements("KNEE-7")
    item.set_box(2, "L", "IP1", item.images[1].joints["IP1"].joint.box + 2)
    seen = []

    def show():
        seen.append((item.out_of_date, item.progression is old))
        pd.testing.assert_frame_equal(filled.measurements("KNEE-7"), saved)
        item.set_box(2, "L", "IP1", item.images[1].joints["IP1"].joint.box + 2)
        seen.append(item.out_of_date)

    new = item.measure_again(show=show)
    assert seen == [([], False), [("IP1", "L", 2)]] and item.progression is new is old
    pd.testing.assert_frame_equal(filled.measurements("KNEE-7"), saved)
    assert item.out_of_date == [("IP1", "L", 2)]  # changed since it was measured, so that is not saved
    item.measure_again(show=lambda: item.undo() and item.undo())
    assert item.progression is old and item.out_of_date == [] and filled.corrections("KNEE-7") == {}
    pd.testing.assert_frame_equal(filled.measurements("KNEE-7"), saved)
    item.redo()
    new = item.measure_again(show=lambda: None)
    pd.testing.assert_frame_equal(filled.measurements("KNEE-7"), new.table())
    item.set_box(2, "L", "IP1", item.images[1].joints["IP1"].joint.box + 2)

    def fail(result):
        raise InputError("The store is read-only.", "store")

    with monkeypatch.context() as patched, pytest.raises(InputError):
        patched.setattr(filled, "save", fail)
        item.measure_again(show=lambda: None)
    assert item.progression is new and item.out_of_date == [("IP1", "L", 2)]
    item.measure_again()
    assert item.out_of_date == []


def everything(thing, seen):
    """All texts, numbers and tables that can be reached from what was handed out, without what begins with _."""
    if id(thing) in seen:
        return
    seen[id(thing)] = thing
    yield repr(thing)
    if isinstance(thing, pd.DataFrame):
        yield thing.to_csv()
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from everything(key, seen)
            yield from everything(value, seen)
    elif isinstance(thing, (list, tuple, set)):
        for each in thing:
            yield from everything(each, seen)
    elif is_dataclass(thing):
        for each in fields(thing):
            yield from everything(getattr(thing, each.name), seen)


@pytest.mark.parametrize("order", ["paired", "single"])
def test_a_blinded_session_hands_out_no_patient_visit_date_or_result(filled, measured, order):
    reading = Reading.new(filled, "first", order, seed=5, repeated_share=0.4)
    handed, errors = [repr(reading), reading.work_list(), reading.status(), reading.resume(), reading.next()], []
    codes = [each.code for each in reading.work_list()]
    for code in codes:
        item = reading.open(code)
        item.score(1, "L", "MCP2", "jsn", 1)
        item.decide(1, "L", "PIP3", "unsure", "motion")
        handed += [
            item, item.code, item.images, item.scores(), item.decisions(), item.scores_of_others(),
            item.decisions_of_others(), item.undo(), item.redo(), item.can_undo,
        ]  # fmt: skip
        for wrong in (
            lambda item=item: item.progression,
            lambda item=item: item.out_of_date,
            lambda item=item: item.measure_again(),
            lambda item=item: item.score(9, "L", "MCP2", "jsn", 1),
            lambda item=item: item.score(1, "R", "MCP2", "jsn", 9),
            lambda item=item: item.decide(1, "L", "MCP2", "maybe"),
            lambda item=item: item.set_box(1, "R", "MCP2", np.zeros((4, 2))),
        ):
            with pytest.raises(InputError) as refused:
                wrong()
            errors.append(str(refused.value))
    texts = list(everything(handed, {})) + errors
    hidden = ["KNEE", "two-stage", "narrower", r"visits? \d", r"\b(19|20)\d\d-\d\d", r"\.dcm", "jsn_mm", "/tmp"]
    hidden += [re.escape(f"{row.jsn_mm:.3f}") for row in measured.narrowings]
    hidden += [each.radiograph.path.stem for each in measured.hands]
    found = [(word, text[:100]) for word in hidden for text in texts if re.search(word, text)]
    assert found == []
    reading.lock()
    assert not reading.blinded and "KNEE" in reading.work_list()[0].title
    assert len(reading.open(codes[0]).scores_of_others()) and reading.open(codes[0]).progression.narrowings
    scores = filled.scores()
    assert set(scores[scores["reader"] == "A"]["session"]) == {"first", "first (repeated)"}


def test_errors_of_a_blinded_session_do_not_name_the_patient(filled, measured, place):
    hands = tuple(replace(hand, radiograph=replace(hand.radiograph, path=None)) for hand in measured.hands)
    filled.save(replace(measured, hands=hands, patient_id="KNEE-6"))
    reading = Reading.new(filled, "first", "single", seed=5)
    codes = [each.code for each in reading.work_list()]
    messages = []
    for code in codes:
        try:
            item = reading.open(code)
        except InputError as error:
            messages.append(str(error))
    with open_store(place, "A") as again:
        Reading(again, "first").open(item.code).score(1, "L", "MCP2", "jsn", 2)
    with pytest.raises(InputError) as refused:
        item.score(1, "L", "MCP2", "jsn", 3)
    messages.append(str(refused.value))
    assert len(messages) == 3 and not re.search("KNEE|visit|/", " ".join(messages))
    assert not item.can_undo


def test_a_locked_session_refuses_everything(filled):
    reading = Reading.new(filled, "first", "single", seed=1)
    item = reading.open("001")
    item.score(1, "L", "MCP2", "jsn", 2)
    reading.lock()
    count = len(filled.changes())
    for change in (
        lambda: item.score(1, "L", "MCP2", "jsn", 3),
        lambda: item.decide(1, "L", "MCP2", "accepted"),
        lambda: item.set_box(1, "L", "MCP2", item.images[0].joints["MCP2"].joint.box + 1),
        lambda: item.undo(),
        lambda: reading.finish("001"),
    ):
        with pytest.raises(InputError, match="is locked"):
            change()
    assert len(filled.changes()) == count


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda store: Reading(store, "none"), "session"),
        (lambda store: Reading.new(store, " "), "session"),
        (lambda store: Reading.new(store, "s", "backwards"), "order"),
        (lambda store: (Reading.new(store, "s"), Reading.new(store, "s")), "session"),
        (lambda store: Reading(store).open("KNEE-1"), "code"),
        (lambda store: Reading(store).lock(), "session"),
    ],
)
def test_wrong_sessions(filled, make, argument):
    with pytest.raises(InputError) as refused:
        make(filled)
    assert refused.value.argument == argument


def test_a_reading_needs_a_reader(place):
    with open_store(place) as store, pytest.raises(InputError, match="needs a reader"):
        Reading(store)


@pytest.mark.parametrize("model", ["two-stage", "one-stage"])
def test_a_reader_with_the_name_of_a_model_is_refused(place, model):
    with open_store(place, model) as store, pytest.raises(InputError, match="name of a model"):
        Reading(store)


def test_a_session_with_a_scheme_of_its_own(filled, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("{name: mine, jsn: {sites: [MCP2, PIP3], highest: 3}}")
    reading = Reading.new(filled, "first", "single", seed=1, repeated_share=1.0, scheme=file)
    assert Reading(filled, "first").scheme.sites["jsn"] == ("MCP2", "PIP3") and Reading(filled).scheme is None
    for code in (each.code for each in reading.work_list()):
        item = reading.open(code)
        item.score(1, "L", "MCP2", "jsn", 3)
        for site, kind, grade in (("MCP2", "jsn", 4), ("MCP3", "jsn", 1), ("MCP2", "erosion", 1)):
            with pytest.raises(InputError, match="scores by mine") as refused:
                item.score(1, "L", site, kind, grade)
            assert "KNEE" not in str(refused.value)
        assert len(item.scores()) == 1
    with pytest.raises(InputError) as refused:
        Reading.new(filled, "second", scheme="sharp")
    assert refused.value.argument == "scheme"


@pytest.mark.parametrize("seed", [-1, 2**31, 2**70, "7", 1.5])
def test_seeds_that_no_store_can_hold(filled, seed):
    with pytest.raises(InputError) as refused:
        Reading.new(filled, "first", seed=seed)
    assert refused.value.argument == "seed" and len(filled.sessions()) == 0
