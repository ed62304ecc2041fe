from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.localization.found_joints import ANATOMY, FoundJoints
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.patient.split import split
from tests.patient.hands import film, found


@pytest.mark.parametrize(("sides", "apart"), [("LR", 220), ("RL", 220), ("LR", 185), ("LR", 178)])
def test_both_hands_are_cut_apart_with_their_joints_whole(sides, apart):
    joints = found(*sides, apart=apart)
    whole = film(sides, side_source="ImageLaterality: both")
    right, left = split(whole, joints)
    assert (right.side, left.side) == ("R", "L")
    for hand in (right, left):
        assert (hand.side_source, hand.spacing_mm, hand.day) == (ANATOMY, whole.spacing_mm, whole.day)
        row, col = hand.origin
        (height, width) = hand.shape
        np.testing.assert_array_equal(hand.pixels, whole.pixels[row : row + height, col : col + width])
        for joint in joints.of(hand.side):
            assert joint.box.min() >= 0
            assert (joint.box >= hand.origin).all() and (joint.box <= np.add(hand.origin, hand.shape)).all()
        other = [joint.centre[1] for joint in joints if joint.side != hand.side]
        assert apart < 200 or not any(col <= centre < col + width for centre in other)  # boxes overlap when nearer


def test_the_cut_runs_where_least_lies():
    whole = film("LR")
    pixels = whole.pixels.copy()
    pixels[:, 200:252] += 0.2
    joints = found("L", "R", apart=240)
    right, left = split(type(whole)(pixels, whole.spacing_mm), replace(joints, hand_px=50))
    assert left.shape[1] == pytest.approx(247, abs=2) and right.origin[1] == pytest.approx(247, abs=5)


def test_hands_above_each_other():
    joints = found("L", "R")
    turned = FoundJoints(
        tuple(type(joint)(joint.name, joint.side, joint.box[:, ::-1], joint.confidence) for joint in joints),
        sides=joints.sides, side_source=joints.side_source, hand_px=joints.hand_px,
    )  # fmt: skip
    whole = film("LR")
    whole = type(whole)(whole.pixels.T, whole.spacing_mm)
    right, left = split(whole, turned)
    assert left.origin == (0, 0) and right.origin[0] > 0 and right.shape[1] == whole.shape[1]


def test_hands_over_one_another_are_refused():
    with pytest.raises(InputError, match="visit 1 overlap.*Cut the image"):
        split(film("LR"), found("L", "R", apart=60), "visit 1")


def test_one_hand_gets_its_side_and_none_stays():
    whole = film("R")
    (hand,) = split(whole, found("R"))
    assert (hand.side, hand.side_source, hand.shape) == ("R", ANATOMY, whole.shape)
    assert split(whole, FoundJoints(reasons=(Reason(ReasonCode.NO_HAND),))) == (whole,)


def test_a_patient_is_split_where_sides_are_not_stated(monkeypatch):
    searched = []

    def find(radiograph, **options):
        searched.append(radiograph.pixels)
        return found("L", "R") if "both" in radiograph.side_source else found("L")

    monkeypatch.setattr("napari_jsn.patient.find_hands.find_joints", find)
    monkeypatch.setattr(
        "napari_jsn.patient.find_hands.find_joints_many",
        lambda radiographs, *options, **more: [found(each.side) for each in radiographs],
    )
    monkeypatch.setattr("napari_jsn.patient.find_hands.bones_are_dark", lambda *_: False)  # made-up films have none
    both, one = film("LR", side_source="ImageLaterality: both"), film("R", day="2021-01-06", seed=1, side="R")
    unknown = film("L", day="2021-01-06", seed=2)
    visits = (Visit.from_radiographs(1, both.day, (both,)), Visit.from_radiographs(2, one.day, (one, unknown)))
    patient = find_hands(Patient(visits, notes=("before",)))
    assert [np.array_equal(a, b.pixels) for a, b in zip(searched, (both, unknown), strict=True)] == [True, True]
    assert [[hand.side for hand in visit.hands] for visit in patient.visits] == [["R", "L"], ["R", "L"]]
    assert [hand.radiograph.name for hand in patient.hands] == [
        "visit 1, right", "visit 1, left", "visit 2, right", "visit 2, left",
    ]  # fmt: skip
    assert patient.hands_found and all(hand.found for hand in patient.hands)
    assert patient.notes[0] == "before"
    assert "Visit 1: both hands on one radiograph were distinguished" in patient.notes[1]
    assert "Visit 2: no side is stated; the left hand was recognised by anatomy" in patient.notes[2]
    assert find_hands(patient) is patient  # each radiograph is searched once


def test_a_radiograph_that_should_show_both_hands_and_shows_one(monkeypatch):
    monkeypatch.setattr("napari_jsn.patient.find_hands.find_joints", lambda radiograph, **_: found("L"))
    visits = [
        Visit.from_radiographs(n, None, (film("L", day="", seed=n, side_source="radiographs.csv: both"),))
        for n in (1, 2)
    ]
    patient = find_hands(Patient(tuple(visits)))
    assert any("both hands are stated, but only the left" in note for note in patient.notes)
