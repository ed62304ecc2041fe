from dataclasses import replace
from datetime import date

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.read import patient_from_radiographs
from napari_jsn.scoring import scheme
from napari_jsn.scoring.automatic.result import COLUMNS, SiteScore
from napari_jsn.scoring.automatic.total import TotalErrors
from napari_jsn.scoring.training.task import DISCLAIMER


@pytest.fixture(scope="module")
def scores(both_hands, small_model):
    radiographs, boxes = both_hands
    return jsn.score(radiographs, scheme="svdh-hands", model=small_model, boxes=boxes)


def test_every_site_of_the_scheme_is_in_the_table(scores):
    table = scores.table()
    assert list(table.columns[:10]) == COLUMNS
    used = scheme("svdh-hands")
    expected = [(kind, side, site) for kind in used.kinds for side in "RL" for site in used.sites[kind]]
    assert list(zip(table["kind"], table["side"], table["site"])) == expected


def test_wrist_sites_are_not_modelled_and_finger_sites_are_scored(scores):
    for one in scores.sites:
        assert one.not_scored in ({"", "not_visible"} if one.site in JOINTS else {"not_modelled"})
    assert sum(one.grade is not None for one in scores.sites) > 0


def test_probabilities_are_those_of_the_grades(scores):
    for one in scores.sites:
        if one.grade is not None:
            assert sum(one.probabilities) == pytest.approx(1, abs=1e-4)
            assert abs(one.grade - one.expected_grade) <= 0.5 + 1e-5
            assert len(one.probabilities) == scores.scheme.highest[one.kind] + 1


def test_the_first_note_says_what_the_network_learned_on(scores):
    assert scores.notes[0] == scores.statement == DISCLAIMER


def test_one_hand_alone_is_scored(left_hand, small_model):
    found = jsn.score(left_hand[0], model=small_model, patient_id="P1", boxes={(1, "L"): left_hand[1]})
    assert {one.side for one in found.sites} == {"L"}
    assert set(found.table()["patient"]) == {"P1"}
    assert len(found.sites) == 19


@pytest.mark.parametrize("order", ["LR", "RL"])
def test_visits_without_a_common_hand_are_scored(both_hands, small_model, order):
    radiographs, boxes = both_hands
    by_side = dict(zip("LR", radiographs))
    patient = patient_from_radiographs(*(by_side[side] for side in order), split=False)
    given = {(visit, side): boxes[1, side] for visit, side in enumerate(order, start=1)}
    found = jsn.score(patient, model=small_model, boxes=given)
    assert [(one.visit, one.side) for one in found.sites[::19]] == list(enumerate(order, start=1))
    assert any("Visit 2 does not show" in note for note in found.notes)
    with pytest.raises(InputError, match="nothing can be compared"):
        jsn.measure(patient, boxes=given)


def test_a_joint_that_is_not_found_is_not_visible(left_hand, small_model):
    radiograph = left_hand[0]
    joints = [joint for joint in left_hand[1] if joint.name != "MCP3"]
    found = jsn.score(radiograph, model=small_model, boxes={(1, "L"): joints})
    assert {one.not_scored for one in found.sites if one.site == "MCP3"} == {"not_visible"}
    assert found.totals()["sites_scored"].tolist()[0] == len(
        [one for one in found.sites if one.kind == "jsn" and one.grade is not None]
    )


def test_an_image_without_a_hand_is_refused(small_model):
    ramp = np.linspace(0, 1, 300 * 200, dtype=np.float32).reshape(300, 200)
    with pytest.raises(InputError, match="no hand"):
        jsn.score(ramp, model=small_model)


def turned(radiograph, quarters):
    return replace(radiograph, pixels=np.rot90(radiograph.pixels, quarters).copy(), side=None)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_hand_that_does_not_point_up_is_refused_if_it_is_the_only_one(left_hand, small_model, quarters):
    with pytest.raises(
        InputError, match="no hand that can be scored. Visit 1.*: The .*Rotate the radiograph"
    ) as caught:
        jsn.score(turned(left_hand[0], quarters), model=small_model)
    assert str(caught.value).count("Rotate the radiograph") == 1 and caught.value.argument == "followup"


def test_a_patient_whose_hands_were_found_before_is_not_refused(left_hand, small_model):
    patient = find_hands(patient_from_radiographs(turned(left_hand[0], 1), split=False), compared=False)
    found = jsn.score(patient, model=small_model)
    assert {one.not_scored for one in found.sites} == {"not_visible"}
    assert sum("Rotate the radiograph" in each for each in found.notes) == 1


@pytest.mark.parametrize("quarters", [1, 2])
def test_a_visit_whose_hand_does_not_point_up_is_not_scored_and_named_once(left_hand, small_model, quarters):
    radiographs = (replace(left_hand[0], acquired=date(2020, 1, 1)), turned(left_hand[0], quarters))
    patient = patient_from_radiographs(radiographs[0], replace(radiographs[1], acquired=date(2021, 1, 1)), split=False)
    found = jsn.score(patient, model=small_model)
    assert {one.visit for one in found.sites if one.grade is not None} == {1}
    (note,) = [each for each in found.notes if "Rotate the radiograph" in each]
    assert note.startswith("Visit 2") and ": not scored. The " in note


@pytest.mark.parametrize(
    ("options", "argument"),
    [({"method": "three-stage"}, "method"), ({"model": "nobody"}, "model"), ({"scheme": "feet"}, "scheme")],
)
def test_what_is_not_there_is_refused(left_hand, options, argument):
    with pytest.raises(InputError) as caught:
        jsn.score(left_hand[0], **options)
    assert caught.value.argument == argument


def test_scores_are_saved_with_the_method_as_reader(scores, tmp_path):
    with jsn.open_store(tmp_path / "trial.db", reader="A") as store:
        store.save(scores)
        saved = store.scores()
    assert set(saved["reader"]) == {"two-stage"}
    assert len(saved) == len(scores.sites)
    assert saved["grade"].notna().sum() == sum(one.grade is not None for one in scores.sites)


def test_scores_of_several_hands_need_a_side(scores):
    with pytest.raises(InputError, match="each hand"):
        scores.of("MCP2", "jsn")
    assert scores.of("MCP2", "jsn", "R").side == "R"


def test_a_site_that_is_not_scored_has_no_figures():
    one = SiteScore(1, "L", "RC", "jsn", (), "not_modelled")
    assert one.grade is None
    assert np.isnan(one.expected_grade)
    assert np.isnan(one.sd)


def test_the_interval_of_a_total_grows_with_the_correlation():
    widths = [np.diff(TotalErrors(r).interval([2.0] * 9, [0.5] * 9)[1:])[0] for r in (0.0, 0.3, 1.0)]
    assert widths == sorted(widths)
    assert widths[0] == pytest.approx(2 * 1.96 * 1.5, rel=1e-3)
    assert widths[2] == pytest.approx(2 * 1.96 * 4.5, rel=1e-3)
