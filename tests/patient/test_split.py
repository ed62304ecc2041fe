from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.localization.found_joints import ANATOMY, FoundJoints
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.patient.split import split, split_study
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
    with pytest.raises(InputError, match="visit 1 lie over one another.*Cut the image"):
        split(film("LR"), found("L", "R", apart=60), "visit 1")


def test_one_hand_gets_its_side_and_none_stays():
    whole = film("R")
    (hand,) = split(whole, found("R"))
    assert (hand.side, hand.side_source, hand.shape) == ("R", ANATOMY, whole.shape)
    assert split(whole, FoundJoints(reasons=("This is no hand.",))) == (whole,)


def test_a_study_is_split_where_sides_are_not_stated():
    asked = []

    def find(radiograph, **options):
        asked.append(radiograph)
        return found("L", "R") if "both" in radiograph.side_source else found("L")

    both, one = film("LR", side_source="ImageLaterality: both"), film("R", seed=1, side="R")
    unknown, not_both = film("L", seed=2), film("L", seed=3, side_source="radiographs.csv: both")
    visits = ((both,), (one, unknown))
    study = Patient(tuple(Visit(n, films[0].day, films) for n, films in enumerate(visits, start=1)), notes=("before",))
    told = split_study(study, find=find)
    assert asked == [both, unknown]
    assert [[hand.side for hand in visit.radiographs] for visit in told.visits] == [["R", "L"], ["R", "L"]]
    assert [hand.name for visit in told.visits for hand in visit.radiographs] == [
        "visit 1, right", "visit 1, left", "visit 2, right", "visit 2, left",
    ]  # fmt: skip
    assert told.notes[0] == "before" and "Visit 1: both hands on one film were told apart" in told.notes[1]
    assert "Visit 2: no side is stated; left by anatomy" in told.notes[2]
    (note,) = split_study(Patient((Visit(1, None, (not_both,)),)), find=lambda film, **_: found("L")).notes
    assert "said to show both hands, but only the left" in note
