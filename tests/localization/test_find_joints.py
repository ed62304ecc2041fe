import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_jsn import InputError, Radiograph, find_joints
from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.find_joints import find_joints_many
from napari_jsn.localization.found_joints import ANATOMY


@pytest.fixture(scope="module")
def radiograph(film):
    return film.radiograph()


@pytest.fixture(scope="module")
def found(radiograph):
    return find_joints(radiograph)


def centres(found):
    return {joint.name: np.array(joint.centre[::-1]) for joint in found}


def test_all_joints_of_a_simulated_hand_are_found(film, found):
    assert [joint.name for joint in found] == list(JOINTS)
    assert found.sides == ("L",) and found.side_source == "given" and not found.contradicts
    assert found.missing == () and found.reasons == () and found.reliable
    for truth in film.truths:
        joint = next(each for each in found if each.name == truth.joint)
        assert np.hypot(*(centres(found)[truth.joint] - truth.centre)) * film.spacing_mm < 2
        assert joint.axis[::-1] @ truth.axis > np.cos(np.deg2rad(12))
        assert np.hypot(*(joint.box[1] - joint.box[0])) * film.spacing_mm == pytest.approx(22.2)
        assert 0.4 <= joint.confidence <= 1


def test_a_mirrored_film_is_a_right_hand_and_a_tag_is_contradicted(radiograph):
    mirrored = Radiograph(radiograph.pixels[:, ::-1], radiograph.spacing_mm)
    found = find_joints(mirrored)
    assert found.sides == ("R",) and found.side_source == ANATOMY and len(found.of("R")) == 14
    tagged = find_joints(replace(mirrored, side="L", side_source="ImageLaterality"))
    assert tagged.sides == ("L",) and tagged.contradicts and tagged.side_source == "ImageLaterality"
    assert find_joints(mirrored, sides=["L"]).sides == ("L",)


def test_both_hands_on_one_film_are_told_apart(radiograph):
    both = np.hstack([radiograph.pixels, radiograph.pixels[:, ::-1]])
    found = find_joints(Radiograph(both, radiograph.spacing_mm))
    assert found.sides == ("R", "L") and len(found) == 28
    assert [joint.side for joint in found[:14]] == ["R"] * 14
    left = found.of("L")
    assert max(joint.centre[1] for joint in left) < radiograph.shape[1] < min(j.centre[1] for j in found.of("R"))


def test_without_a_spacing_boxes_are_in_proportion(radiograph, found):
    plain = find_joints(radiograph.pixels)
    side = np.hypot(*(plain[0].box[1] - plain[0].box[0]))
    assert side == pytest.approx(22.2 * plain.hand_px / 157, rel=1e-6)
    np.testing.assert_allclose(centres(plain)["PIP3"], centres(found)["PIP3"], atol=0.5)


def test_pixels_that_are_not_square_change_nothing(radiograph, found):
    tall = np.repeat(radiograph.pixels, 2, axis=0)
    stretched = find_joints(Radiograph(tall, (radiograph.spacing_mm / 2, radiograph.spacing_mm)))
    assert len(stretched) == 14
    for joint in stretched:
        x, y = centres(stretched)[joint.name]
        np.testing.assert_allclose((x, (y - 0.5) / 2), centres(found)[joint.name], atol=1.5)
        tall_side, wide = np.abs(joint.box - joint.box.mean(0)).max(0)
        assert tall_side > 1.3 * wide


def test_joints_beyond_the_border_are_missing_not_guessed(film, radiograph):
    truths = {truth.joint: truth.centre for truth in film.truths}
    row = int(max(truths[f"DIP{finger}"][1] for finger in (2, 3, 4)) + 12 / film.spacing_mm)
    found = find_joints(Radiograph(radiograph.pixels[row:], radiograph.spacing_mm))
    gone = {joint for joint, (_, y) in truths.items() if y < row}
    assert {name for _, name in found.missing} == gone and len(found) == 14 - len(gone)


def test_what_is_no_hand_is_reported(radiograph):
    noise = np.random.default_rng(0).random((300, 200))
    found = find_joints(noise)
    assert len(found) == 0 and found.sides == () and np.isnan(found.hand_px)
    assert "does not look like a hand" in str(found.reasons[0])
    upside_down = find_joints(radiograph.pixels[::-1, ::-1])
    assert len(upside_down) == 0 and "upside down" in str(upside_down.reasons[0])


def test_a_hand_of_few_pixels_is_doubted(radiograph):
    found = find_joints(radiograph.pixels[::3, ::3])
    assert len(found) >= 12 and "too few to measure" in str(found.reasons[0])


def test_many_films_stop_when_asked(radiograph):
    class Impatient:
        aborted = False

        def update(self, done, total, message=""):
            self.aborted = True
            assert total == 3 and message

    assert len(find_joints_many([radiograph] * 3, progress=Impatient())) == 1
    assert find_joints_many([]) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "none"}, "There is no localization model"),
        ({"device": "abacus"}, "There is no device"),
        ({"sides": ["X"]}, "Sides are"),
    ],
)
def test_wrong_arguments_are_reported(radiograph, arguments, message):
    with pytest.raises(InputError, match=message):
        find_joints(radiograph, **arguments)


def test_a_path_is_read_and_a_volume_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        find_joints(tmp_path / "none.png")
    with pytest.raises(InputError):
        find_joints(np.zeros((3, 40, 40)))


def test_real_hands_that_were_never_learned_from():
    from napari_jsn.evaluation.localization.detections import RadiographTruth, detect, summarize_detections
    from napari_jsn.localization.training.public_hands import evaluation_radiographs

    if not os.environ.get("NAPARI_JSN_DATA"):
        pytest.skip("needs the development data: NAPARI_JSN_DATA is not set")
    films = evaluation_radiographs(Path(os.environ["NAPARI_JSN_DATA"]) / "hands")["landmarks"]
    summary = summarize_detections([detect(RadiographTruth.from_labelled(film)) for film in films])
    assert summary.joints == 28 and summary.within >= 0.95 and summary.median_mm <= 1.5
    assert summary.missed == summary.false == 0
