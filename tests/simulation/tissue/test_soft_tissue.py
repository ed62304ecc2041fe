"""Soft tissue of a hand: form, attenuation, and motion independent of the bones."""

from __future__ import annotations

import numpy as np
import pytest

from napari_jsn.simulation.shapes.skeleton import draw_skeleton
from napari_jsn.simulation.tissue.hand_form import size_of, thumb_side
from napari_jsn.simulation.tissue.skin import SkinCreases
from napari_jsn.simulation.tissue.soft_tissue import SoftTissue

SPACING_MM = 0.5
SHAPE = (560, 420)
MIDDLE = np.array([100.0, 180.0])


@pytest.fixture(scope="module")
def hand():
    """A hand on a attenuation: the rays and the forearm in mm."""
    skeleton = draw_skeleton(np.random.default_rng(3), "F", variation=0.5)
    forearm = {name: skeleton.points[name] + MIDDLE for name in ("radius", "ulna", "radius_shaft", "ulna_shaft")}
    return {ray: points + MIDDLE for ray, points in skeleton.rays().items()}, forearm


@pytest.fixture(scope="module")
def tissue():
    return SoftTissue.draw(np.random.default_rng(7))


@pytest.fixture(scope="module")
def attenuation(hand, tissue):
    rays, forearm = hand
    return tissue.attenuation(rays, SHAPE, SPACING_MM, wrist=forearm)


def at(attenuation, xy):
    col, row = np.round(np.asarray(xy) / SPACING_MM).astype(int)
    return float(attenuation[row, col])


def middle(rays, ray, bone, share=0.5):
    points = rays[ray]
    return points[bone] + share * (points[bone + 1] - points[bone])


def test_open_air_takes_nothing_and_tissue_something(attenuation):
    assert attenuation.dtype == np.float32 and attenuation.shape == SHAPE and np.isfinite(attenuation).all()
    assert attenuation.min() == 0
    assert (attenuation[:20] == 0).all() and (attenuation[:, :10] == 0).all()


def test_fingers_palm_and_wrist_are_as_thick_as_a_hand(hand, attenuation):
    rays, forearm = hand
    water_mm = attenuation / 0.0245
    assert 14 < at(water_mm, middle(rays, 3, 1)) < 22
    assert 9 < at(water_mm, middle(rays, 3, 3)) < 16
    assert 22 < at(water_mm, (middle(rays, 3, 0) + middle(rays, 2, 0)) / 2) < 34
    assert 30 < at(water_mm, (forearm["radius"] + forearm["ulna"]) / 2) < 50


def test_the_skin_lies_where_fingers_end(hand, attenuation):
    """Beside a finger by 8 to 11 mm, beyond the end of the bone by 3 to 6 mm."""
    rays, _ = hand
    tip, before = rays[3][-1], rays[3][-2]
    out = (tip - before) / np.hypot(*(tip - before))
    assert at(attenuation, tip + 2 * out) > 0.05
    assert at(attenuation, tip + 7 * out) == 0
    beside = np.array([-out[1], out[0]])
    for side in (-1, 1):
        assert at(attenuation, middle(rays, 3, 2) + side * 5 * beside) > 0.2
        assert at(attenuation, middle(rays, 3, 2) + side * 12 * beside) == 0


def test_the_edge_is_that_of_a_rounded_section(hand):
    """It rises as the root of the depth, within a pixel or two, and flattens towards the middle."""
    rays, _ = hand
    plain = SoftTissue(texture_share=0.0)
    spacing = 0.1
    at = middle(rays, 3, 2)
    shifted = {ray: points - at + [12.0, 1.0] for ray, points in rays.items()}
    row = plain.attenuation(shifted, (20, 240), spacing)[10]
    edge = int(np.argmax(row > 0))
    assert row[edge + 3] > 0.2 * row.max()
    assert row[edge + 20] > 0.5 * row.max()
    assert row[115:125].std() < 0.02 * row.max()


def test_webs_join_the_fingers_near_the_knuckles_only(hand, attenuation):
    rays, _ = hand
    between = [(middle(rays, 2, 1, s) + middle(rays, 3, 1, s)) / 2 for s in (0.05, 0.9)]
    assert at(attenuation, between[0]) > 0.15
    assert at(attenuation, between[1]) == 0


def test_a_window_shows_what_the_film_shows(hand, tissue):
    rays, forearm = hand
    visit = 5
    attenuation = tissue.attenuation(rays, SHAPE, SPACING_MM, np.random.default_rng(visit), forearm)
    corner = np.array([150, 80])  # row, col; a whole number of coarse cells: the grids coincide
    corner = (np.round(corner * SPACING_MM / 0.8) * 0.8 / SPACING_MM).round().astype(int)
    moved = {ray: points - corner[::-1] * SPACING_MM for ray, points in rays.items()}
    window = tissue.attenuation(moved, (90, 90), SPACING_MM, np.random.default_rng(visit))
    there = attenuation[corner[0] : corner[0] + 90, corner[1] : corner[1] + 90]
    assert np.median(np.abs(window - there)) < 0.004


def test_a_right_hand_is_the_mirror_image(hand, tissue):
    rays, forearm = hand
    width = (SHAPE[1] - 1) * SPACING_MM
    mirrored = {ray: np.array([width, 0]) + points * [-1, 1] for ray, points in rays.items()}
    wrist = {name: np.array([width, 0]) + point * [-1, 1] for name, point in forearm.items()}
    assert thumb_side(rays) == 1 and thumb_side(mirrored) == -1
    left = tissue.attenuation(rays, SHAPE, SPACING_MM, wrist=forearm)
    right = tissue.attenuation(mirrored, SHAPE, SPACING_MM, wrist=wrist)[:, ::-1]
    assert np.percentile(np.abs(left - right), 99) < 0.02


def test_tissue_moves_by_itself_between_visits(hand, tissue):
    rays, forearm = hand

    def visit(seed):
        return tissue.attenuation(rays, SHAPE, SPACING_MM, np.random.default_rng(seed), forearm)

    one, again, other = visit(1), visit(1), visit(2)
    np.testing.assert_array_equal(one, again)
    inside = (one > 0.2) & (other > 0.2)
    change = (other - one)[inside]
    assert 0.003 < change.std() < 0.05
    assert np.abs(np.median(change)) < 0.05
    assert np.corrcoef(one[inside], other[inside])[0, 1] > 0.95


def test_people_differ_and_one_person_stays_the_same(hand):
    rays, _ = hand
    attenuations = [
        SoftTissue.draw(np.random.default_rng(seed)).attenuation(rays, SHAPE, SPACING_MM) for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(attenuations[0], attenuations[1])
    assert np.abs(attenuations[0] - attenuations[2]).max() > 0.05


def test_texture_is_a_few_hundredths_of_the_tissue(hand):
    rays, _ = hand
    plain = SoftTissue(texture_share=0.0).attenuation(rays, SHAPE, SPACING_MM)
    attenuation = SoftTissue(texture_share=0.05).attenuation(rays, SHAPE, SPACING_MM)
    inside = plain > 0.2
    share = attenuation[inside] / plain[inside] - 1
    assert abs(share.mean()) < 0.01
    assert 0.012 < share.std() < 0.035


def test_creases_and_nails_are_faint(hand):
    rays, _ = hand
    with_creases = SoftTissue(creases=SkinCreases.draw(np.random.default_rng(0))).attenuation(rays, SHAPE, SPACING_MM)
    change = with_creases - SoftTissue().attenuation(rays, SHAPE, SPACING_MM)
    assert change.min() < -0.003 and change.max() > 0.001
    assert np.abs(change).max() < 0.05


def test_a_window_needs_only_the_rays_near_it(hand, tissue):
    rays, _ = hand
    moved = {ray: points - rays[3][2] + [11.0, 11.0] for ray, points in rays.items()}
    whole = tissue.attenuation(moved, (128, 128), 0.17)
    alone = tissue.attenuation({ray: moved[ray] for ray in (2, 3, 4)}, (128, 128), 0.17)
    assert np.median(np.abs(whole - alone)) < 0.02
    assert size_of(moved) == pytest.approx(size_of(rays))


def test_nothing_of_the_hand_in_view_is_open_air(hand, tissue):
    rays, _ = hand
    away = {ray: points + [900.0, 900.0] for ray, points in rays.items()}
    assert not tissue.attenuation(away, (64, 64), 0.2).any()
