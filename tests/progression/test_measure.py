"""Measuring whole radiographs: the shipped simulated hand, its joints given, its bones found by the network."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.crop import joint_image
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.patient import Patient, Visit
from napari_jsn.progression.measure import measure
from napari_jsn.progression.repositioning import narrowing_uncertainty
from napari_jsn.radiograph import Radiograph
from tests.progression.made_up import progression

JOINTS = ("MCP2", "PIP3")


@cache
def films(visits=2):
    """Radiographs, boxes and the true narrowing in mm."""
    made_up = progression(visits)
    boxes = {(film.visit, film.side): [view.joint for view in film.joints] for film in made_up.hands}
    return [film.radiograph for film in made_up.hands], boxes


@cache
def measured():
    radiographs, boxes = films()
    return measure(*radiographs, joints=JOINTS, boxes=boxes)


class Until:
    """A progress that asks to stop once a message comes."""

    def __init__(self, message):
        self.message, self.aborted, self.updates = message, False, []

    def update(self, done, total, message=""):
        self.updates.append((done / total, message))
        self.aborted = self.aborted or message == self.message


def true_mm(joint):
    """What the made-up progression was made from, but for its noise of 0.02 mm."""
    return next(row.jsn_mm for row in progression().narrowings if row.joint == joint)


def test_a_follow_up_is_measured_joint_by_joint():
    rows = measured().narrowings
    assert [(row.joint, row.side, row.visit) for row in rows] == [("MCP2", "L", 2), ("PIP3", "L", 2)]
    for row in rows:
        assert row.reliable, row.reason
        assert row.jsn_mm == pytest.approx(true_mm(row.joint), abs=0.12)
        assert row.ci95_mm[0] < row.jsn_mm < row.ci95_mm[1]
        assert row.jsn_mm == pytest.approx(row.jsn_px * row.baseline.image.spacing_mm)
        # all bones of a hand have one scale, which makes it more precise; repositioning makes it less precise
        rotation = np.deg2rad(row.angle_deg)
        variance = narrowing_uncertainty().variance_mm2(row.joint, row.registration.jsn_sd_mm, rotation)
        assert row.jsn_sd_mm == pytest.approx(np.sqrt(variance))
        assert row.jsn_mm == pytest.approx(row.registration.jsn_mm)  # with two visits it is the direct figure
        assert row.jsw_change_mm == pytest.approx(row.jsn_mm, abs=0.3)
        assert abs(row.angle_deg) < 15 and np.isnan(row.closure_mm)


def test_it_tells_films_joints_models_and_device():
    found = measured()
    assert [(film.visit, film.side, len(film.joints)) for film in found.hands] == [(1, "L", 2), (2, "L", 2)]
    assert found.models["segmentation"].startswith("default ") and "localization" not in found.models
    assert found.method == "refined" and found.device in ("cpu", "cuda") and found.seconds > 0
    assert len(found.table()) == 2


def test_a_joint_out_of_view_has_a_row_that_says_so():
    radiographs, boxes = films()
    found = measure(*radiographs, joints=("MCP2", "PIP5"), boxes=boxes)
    row = found.narrowings[1]
    assert row.joint == "PIP5" and not row.reliable and np.isnan(row.jsn_mm)
    assert row.reason == "PIP5 is not in view at visit 2."
    assert found.hands[1].missing == ("PIP5",)


def test_three_visits_are_followed_over_all_pairs():
    radiographs, boxes = films(3)
    found = measure(*radiographs, joints=("MCP3",), boxes=boxes)
    assert [row.visit for row in found.narrowings] == [2, 3]
    for row in found.narrowings:
        assert 0 <= row.closure_mm < 0.1
    assert found.narrowings[1].jsn_mm > found.narrowings[0].jsn_mm > 0.1


def test_registrations_are_reported_after_each_batch_and_figures_stay_the_same(monkeypatch):
    radiographs, boxes = films(3)
    monkeypatch.setattr("napari_jsn.registration.gauss_newton.refined.BATCH", 1)
    whole = measure(*radiographs, joints=("MCP3",), boxes=boxes)
    monkeypatch.setattr("napari_jsn.progression.measure.BATCH", 1)
    reported = []
    found = measure(*radiographs, joints=("MCP3",), boxes=boxes, on_registered=lambda known: reported.append([*known]))
    assert [[visit for visit, _, _ in keys] for keys in reported] == [[2], [2, 3], [2, 3]]
    figures = [[(row.jsn_mm, row.jsn_sd_mm, row.reasons) for row in each.narrowings] for each in (whole, found)]
    assert figures[0] == figures[1]


def test_a_study_is_measured_as_its_radiographs_are():
    radiographs, boxes = films()
    study = Patient(
        tuple(Visit.from_radiographs(k, r.day, (r,)) for k, r in enumerate(radiographs, 1)), "P7", ("A note.",)
    )
    found = measure(study, joints=("MCP2",), boxes=boxes)
    assert found.narrowings[0].jsn_mm == pytest.approx(measured().narrowings[0].jsn_mm, abs=2e-3)
    assert found.patient_id == "P7" and "A note." in found.notes


def test_masks_drawn_by_hand_are_used_on_the_box_as_it_is():
    radiographs, boxes = films()
    view = measured().narrowings[0].baseline
    moved = {1: [replace(view.joint, edited=True)], 2: boxes[2, "L"]}
    drawn = BoneMasks(view.masks.upper.copy(), view.masks.lower.copy())
    drawn.upper[:, :5] = False
    found = measure(
        *radiographs,
        joints=("MCP2",),
        boxes={(1, "L"): moved[1], (2, "L"): moved[2]},
        masks={(1, "L", "MCP2"): drawn},
    )
    row = found.narrowings[0]
    np.testing.assert_array_equal(row.baseline.masks.upper, drawn.upper)
    np.testing.assert_array_equal(row.baseline.joint.box, view.joint.box)
    with pytest.raises(InputError, match="MCP2 have \\(10, 10\\) pixels"):
        measure(
            *radiographs,
            joints=("MCP2",),
            boxes=boxes,
            masks={(1, "L", "MCP2"): BoneMasks(np.ones((10, 10), bool), np.ones((10, 10), bool))},
        )


def test_without_a_pixel_size_figures_are_in_pixels():
    radiographs, boxes = films()
    bare = [Radiograph(film.pixels, None, "L") for film in radiographs]
    found = measure(*bare, joints=("MCP2",), boxes=boxes)
    row = found.narrowings[0]
    assert np.isnan(row.jsn_mm) and np.isnan(row.jsn_sd_mm)
    assert row.jsn_px == pytest.approx(measured().narrowings[0].jsn_px, abs=0.3)
    assert row.jsn_sd_px == pytest.approx(measured().narrowings[0].jsn_sd_px, rel=0.3)
    assert any("pixel" in note for note in found.notes)


@pytest.mark.parametrize(
    ("message", "rows"), [("Finding the joints", 0), ("Finding the bones", 0), ("Registering the joints", 0)]
)
def test_what_was_stopped_says_so_and_leaves_out_what_was_not_measured(message, rows):
    radiographs, boxes = films()
    progress = Until(message)
    found = measure(*radiographs, joints=JOINTS, boxes=boxes, progress=progress)
    assert len(found.narrowings) == rows
    assert "Stopped before all joints were measured." in found.notes


def test_progress_runs_over_all_stages():
    radiographs, boxes = films()
    progress = Until("never")
    measure(*radiographs, joints=("MCP2",), boxes=boxes, progress=progress)
    shares = [share for share, _ in progress.updates]
    assert shares == sorted(shares) and shares[-1] == 1
    assert list(dict.fromkeys(message for _, message in progress.updates)) == [
        "Finding the joints", "Finding the bones", "Registering the joints",
    ]  # fmt: skip


def test_what_cannot_be_measured_is_refused_in_words():
    radiographs, boxes = films()
    with pytest.raises(InputError, match="only one visit"):
        measure(radiographs[0], boxes=boxes)
    with pytest.raises(InputError, match="no finger joint 'MCP9'"):
        measure(*radiographs, joints=("MCP9",), boxes=boxes)
    with pytest.raises(InputError, match="no registration method"):
        measure(*radiographs, method="best", boxes=boxes)
    with pytest.raises(InputError, match="no device"):
        measure(*radiographs, device="tpu", boxes=boxes)
    with pytest.raises(InputError, match="nothing can be compared"):
        measure(radiographs[0], replace(radiographs[1], side="R"), boxes={**boxes, (2, "R"): boxes[2, "L"]})
    with pytest.raises(InputError, match="Give it alone"):
        measure(Patient((Visit(1, None, (radiographs[0],)),)), radiographs[1])
    with pytest.raises(InputError, match="several boxes"):
        measure(*radiographs, boxes={**boxes, (1, "L"): [*boxes[1, "L"], boxes[1, "L"][0]]})


@pytest.mark.parametrize("visit", [1, 2])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_joint_image_without_contrast_fails_alone(visit, value):
    radiographs, boxes = films()
    radiographs = list(radiographs)
    corners = next(joint.box for joint in boxes[visit, "L"] if joint.name == "MCP2")
    (top, left), (bottom, right) = (corners.min(0) - 15).astype(int).clip(0), (corners.max(0) + 15).astype(int)
    pixels = radiographs[visit - 1].pixels.copy()
    pixels[top:bottom, left:right] = value
    radiographs[visit - 1] = replace(radiographs[visit - 1], pixels=pixels)
    rows = {row.joint: row for row in measure(*radiographs, joints=JOINTS, boxes=boxes).narrowings}
    assert rows["PIP3"].narrowing_px.known
    assert rows["MCP2"].state == "failed" and rows["MCP2"].reasons[0].code is ReasonCode.BONE_NOT_FOUND
    assert f"Visit {visit}: the bones were not found" in rows["MCP2"].reason


@pytest.mark.parametrize("pixels", [0, 1, 59])
def test_a_joint_with_too_small_a_mask_fails_alone(pixels):
    radiographs, boxes = films()
    shape = joint_image(radiographs[1], next(j for j in boxes[2, "L"] if j.name == "MCP2")).pixels.shape
    upper, lower = np.zeros((2, *shape), dtype=bool)
    upper.ravel()[:pixels], lower[-40:] = True, True
    masks = {(2, "L", "MCP2"): BoneMasks(upper, lower)}
    rows = {row.joint: row for row in measure(*radiographs, joints=JOINTS, boxes=boxes, masks=masks).narrowings}
    assert rows["PIP3"].narrowing_px.known
    assert rows["MCP2"].state == "failed" and rows["MCP2"].reason == "Visit 2: a bone was not found."


def test_the_model_is_that_which_found_the_joints():
    patient = jsn.read_patient(jsn.sample_folder("hand_pair"))
    found = find_hands(patient, model="default")
    renamed = found.with_hands({
        visit.number: [replace(hand, found=replace(hand.found, model="other 123")) for hand in visit.hands]
        for visit in found.visits
    })  # fmt: skip
    renamed = replace(renamed, hands_found=True)
    assert measure(renamed, joints=["MCP2"]).models["localization"] == "other 123"
    radiographs, boxes = films()
    assert "localization" not in measure(*radiographs, joints=["MCP2"], boxes=boxes).models
