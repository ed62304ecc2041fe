"""The parts between registration and rows: boxes on bones, steps, scales of a hand, notes."""

from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.anatomy import joint_kind
from napari_jsn.common.statistics import Estimate
from napari_jsn.joint import BoneMasks, Joint
from napari_jsn.joint.crop import joint_image
from napari_jsn.joint.similarity import Similarity, joint_space_narrowing
from napari_jsn.patient.patient import Hand
from napari_jsn.progression.hand_scale import hand_scale, with_hand_scale
from napari_jsn.progression.joint_views import recentre_box
from napari_jsn.progression.notes import progression_notes
from napari_jsn.progression.pairwise import carried_frames, pairwise_narrowings
from napari_jsn.progression.repositioning import narrowing_uncertainty
from napari_jsn.radiograph import Radiograph
from tests.progression.made_up import progression


def bones(shape, middle, turn_deg):
    """Two bars end to end, turned about the middle (x, y) of the gap between them; and a film that shows them."""
    rows, cols = np.indices(shape)
    turn = np.deg2rad(turn_deg)
    x, y = cols - middle[0], rows - middle[1]
    along, across = -np.sin(turn) * x + np.cos(turn) * y, np.cos(turn) * x + np.sin(turn) * y
    shaft = np.abs(across) < 30
    return shaft & (along < -4), shaft & (along > 4)


def test_a_box_is_moved_onto_the_bones_found_in_it():
    upper, lower = bones((400, 400), (212, 188), 8)
    film = Radiograph(np.clip(0.2 + 0.6 * (upper | lower), 0, 1), (0.14, 0.14))
    joint = Joint.around("MCP2", "L", (200, 200), (1, 0), 160)
    image = joint_image(film, joint)
    inside = [joint_image(mask.astype(float), joint).pixels > 0.5 for mask in (upper, lower)]
    moved = recentre_box(joint, image, BoneMasks(*inside))
    np.testing.assert_allclose(moved.centre, (188, 212), atol=2)
    assert np.rad2deg(np.arctan2(-moved.axis[1], moved.axis[0])) == pytest.approx(8, abs=1)
    assert np.hypot(*(moved.box[1] - moved.box[0])) == pytest.approx(160)
    again = joint_image(film, moved)
    inside = [joint_image(mask.astype(float), moved).pixels > 0.5 for mask in (upper, lower)]
    assert recentre_box(moved, again, BoneMasks(*inside)) is None


def moved_by(registration, matrix, jsn_px):
    """A registration whose second image is moved as a whole, and whose upper bone comes nearer by so many pixels."""
    lower = Similarity.from_matrix(matrix, registration.lower.centre)
    nearer = np.eye(3)
    nearer[:2, 2] = jsn_px * registration.axis
    upper = Similarity.from_matrix(matrix @ nearer, registration.upper.centre)
    found = joint_space_narrowing(upper.matrix, lower.matrix, registration.point, registration.axis)
    return replace(registration, upper=upper, lower=lower, narrowing_px=Estimate(found, 0.1), reasons=())


def turned(deg, scale, dx, dy):
    return Similarity(scale, np.deg2rad(deg), dx, dy, (80.0, 80.0)).matrix


def test_steps_between_later_visits_are_read_at_the_baselines_point_in_baseline_pixels():
    one = next(row.registration for row in progression().narrowings if row.registration is not None)
    second, third = turned(5, 1.02, 3, -2), turned(-7, 1.3, -4, 6)
    between = third @ np.linalg.inv(second)
    # the axis as it lies at the second visit; a pixel there is 1 / 1.02 baseline pixels
    there = replace(one, axis=second[:2, :2] @ one.axis / 1.02, point=np.array([1.0, 2.0]))
    registrations = {
        (0, 1): moved_by(one, second, 2.0),
        (0, 2): moved_by(one, third, 5.0),
        (1, 2): moved_by(there, between, 3.0 * 1.02),
    }
    steps = {(step.first, step.second): step for step in pairwise_narrowings(registrations, set(registrations))}
    assert steps[0, 1].jsn == pytest.approx(2.0) and steps[0, 2].jsn == pytest.approx(5.0)
    assert steps[1, 2].jsn == pytest.approx(3.0, abs=1e-6)
    assert steps[1, 2].sd == pytest.approx(0.1 / 1.02, rel=1e-3)


def test_the_baselines_point_goes_by_trusted_registrations():
    one = next(row.registration for row in progression().narrowings if row.registration is not None)
    right, wrong = turned(0, 1, 3, 0), turned(0, 1, 60, 0)
    registrations = {
        (0, 1): moved_by(one, right, 0.0), (0, 2): moved_by(one, wrong, 0.0), (1, 2): moved_by(one, right, 0.0),
    }  # fmt: skip
    frames = carried_frames(registrations, {(0, 1), (1, 2)})
    np.testing.assert_allclose(frames[2].point - one.point, (6, 0), atol=1e-9)
    np.testing.assert_allclose(carried_frames(registrations, {(0, 1)})[2].point - one.point, (60, 0), atol=1e-9)


def test_scales_are_drawn_to_the_hands_and_bones_stay_in_place():
    one = next(row.registration for row in progression().narrowings if row.registration is not None)
    still = Similarity(1.01, 0.0, 0.0, 0.0, one.upper.centre)
    plain = replace(one, upper=still, lower=still, reasons=())
    odd = replace(plain, upper=replace(still, dz=1.02))
    drawn = with_hand_scale([plain, plain, plain, odd], hand_scale([plain, plain, plain, odd]))
    assert drawn[0].upper.dz == pytest.approx(1.01)
    assert drawn[3].upper.dz == pytest.approx(np.sqrt(1.01 * 1.02))
    rows, cols = np.nonzero(one.fixed_masks.upper)
    middle = np.array([cols.mean(), rows.mean()])
    np.testing.assert_allclose(drawn[3].upper(middle), odd.upper(middle), atol=1e-9)
    assert drawn[3].jsn_px - odd.jsn_px == pytest.approx(
        joint_space_narrowing(drawn[3].upper.matrix, drawn[3].lower.matrix, one.point, one.axis)
        - joint_space_narrowing(odd.upper.matrix, odd.lower.matrix, one.point, one.axis)
    )
    assert (
        hand_scale([plain, odd]) is None and with_hand_scale([plain, odd], None)[1] is odd
    )  # two joints tell no scale of a hand


def test_a_hand_that_is_larger_as_a_whole_has_a_wrong_pixel_size():
    made_up = progression()
    films = [Hand(film.visit, film.day, film.radiograph) for film in made_up.hands]
    assert not any("larger" in note for note in progression_notes(films, made_up.narrowings))
    second = films[1].radiograph
    films[1] = replace(films[1], radiograph=replace(second, spacing_mm=1.06 * np.min(second.spacing_mm)))
    notes = [note for note in progression_notes(films, made_up.narrowings) if "larger" in note]
    assert len(notes) == 1 and notes[0].startswith("Visit 2, left: both bones of") and "pixel size" in notes[0]


def test_thumbs_are_kinds_of_their_own():
    assert [joint_kind(joint) for joint in ("MCP1", "IP1", "MCP4", "PIP2", "DIP5")] == [
        "MCP1", "IP1", "MCP", "PIP", "DIP",
    ]  # fmt: skip
    assert 0 <= narrowing_uncertainty().repositioning_mm["MCP"] < 0.1
