"""The method refined: numbers of one precision or the other, working size, batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import napari_jsn as jsn
from napari_jsn.common.progress import Silent
from napari_jsn.registration.gauss_newton import refined, roll_field
from napari_jsn.registration.gauss_newton.refined import enlarge, refine, shrink, working_factor
from napari_jsn.registration.gauss_newton.solve import solve
from napari_jsn.registration.prepare import prepare_many
from napari_jsn.simulation.exposure.detector import Detector
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import joint_pair
from napari_jsn.simulation.visit import Disease

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def pair(simulated):
    masks = simulated.fixed_masks, simulated.moving_masks
    return prepare_many([(simulated.fixed, simulated.moving, *masks, 0.175, None)])[0][2]


@pytest.fixture(scope="module")
def solved(pair):
    return solve([pair], CPU)[0]


def test_what_cannot_match_is_not_solved_to_the_end(pair, solved):
    similar = float(solved.ncc_inside.mean())
    (same,) = solve([pair], CPU, least_ncc=[similar])
    assert np.array_equal(same.maps, solved.maps) and np.array_equal(same.variance_px2, solved.variance_px2)
    mirrored = refined._with_mirrored_followup(pair)
    assert solve([mirrored], CPU, least_ncc=[similar + 0.08]) == []
    assert len(solve([mirrored, pair], CPU, least_ncc=[similar + 0.08] * 2)) == 2  # one of them can


def test_float32_and_float64_agree(pair, solved):
    (double,) = solve([pair], CPU, torch.float64)
    np.testing.assert_allclose(solved.narrowings(pair), double.narrowings(pair), atol=2e-3)
    np.testing.assert_allclose(solved.variance_px2, double.variance_px2, rtol=0.02)
    np.testing.assert_allclose(solved.ncc, double.ncc, atol=1e-3)


@pytest.mark.parametrize("bones", [[0], [1, 2], [0, 1, 2, 3]])
def test_equations_that_rounding_made_indefinite_leave_finite_maps(pair, solved, monkeypatch, bones):
    logdet = torch.logdet

    def indefinite(matrices):
        found = logdet(matrices).clone()
        found[bones] = torch.nan  # as of a negative determinant
        return found

    monkeypatch.setattr(roll_field.torch, "logdet", indefinite)
    (found,) = solve([pair], CPU)
    assert np.isfinite(found.maps).all() and np.isfinite(found.variance_px2).all()
    np.testing.assert_array_equal(found.maps[0], solved.maps[0])  # of the model without roll


def test_every_model_and_direction_finds_the_narrowing(pair, solved, simulated):
    truth = simulated.jsn_projected_mm_at(pair.point, pair.axis) / 0.175
    narrowings = solved.narrowings(pair)
    assert narrowings.shape == (2, 2)
    np.testing.assert_allclose(narrowings, truth, atol=0.25)
    assert solved.maps.shape == (2, 2, 2, 3, 3)
    assert (solved.ncc > 0.5).all() and (solved.in_view > 0.8).all() and (solved.overlap > 0.9).all()


def test_maps_go_from_fixed_to_moving_in_both_directions(pair, solved, simulated):
    for bone, truth in enumerate((simulated.upper, simulated.lower)):
        moved = solved.maps[:, :, bone] @ np.append(pair.point, 1.0)
        np.testing.assert_allclose(moved[..., :2], np.broadcast_to(truth(pair.point), (2, 2, 2)), atol=0.4)


def test_a_pair_turned_round_is_solved_the_same_way(pair, solved):
    rotated = replace(
        pair, fixed=pair.moving, moving=pair.fixed, fixed_masks=pair.moving_masks, moving_masks=pair.fixed_masks
    )
    (back,) = solve([rotated], CPU)
    forward = np.linalg.inv(back.maps[:, ::-1])
    np.testing.assert_allclose(forward, solved.maps, atol=0.02)


def test_batches_do_not_matter(pair, monkeypatch):
    pairs = [pair, replace(pair, fixed=pair.fixed[:120], fixed_masks=crop(pair.fixed_masks, 120)), pair]
    together = refine(pairs, CPU, Silent())
    monkeypatch.setattr(refined, "BATCH", 1)
    for a, b in zip(together, refine(pairs, CPU, Silent()), strict=True):
        assert a.jsn_px == pytest.approx(b.jsn_px, abs=1e-3)
        assert a.reasons == b.reasons


def crop(masks, rows):
    return replace(masks, upper=masks.upper[:rows], lower=masks.lower[:rows])


def test_the_working_pixel_is_about_the_size_the_method_is_made_for(pair):
    assert working_factor(pair) == 1
    assert working_factor(replace(pair, spacing_mm=0.0875)) == 2
    assert working_factor(replace(pair, spacing_mm=0.4)) == 1
    assert working_factor(replace(pair, spacing_mm=None)) == 1
    assert working_factor(replace(pair, spacing_mm=0.01)) == 4  # never so few pixels that nothing is left


def doubled(pair):
    """The same pair with every pixel in four."""

    def double(image):
        return np.kron(image, np.ones((2, 2), image.dtype))

    def both(masks):
        return replace(masks, upper=double(masks.upper), lower=double(masks.lower))

    return replace(
        pair,
        fixed=double(pair.fixed),
        moving=double(pair.moving),
        fixed_masks=both(pair.fixed_masks),
        moving_masks=both(pair.moving_masks),
        point=2 * pair.point + 0.5,
        spacing_mm=0.0875,
    )


def test_shrinking_averages_blocks(pair):
    small = shrink(doubled(pair), 2)
    np.testing.assert_allclose(small.fixed, pair.fixed, atol=1e-6)
    np.testing.assert_array_equal(small.moving_masks.labels, pair.moving_masks.labels)
    np.testing.assert_allclose(small.point, pair.point)
    assert small.spacing_mm == 0.175


def test_pixels_left_over_are_cut_off(pair):
    assert shrink(pair, 3).fixed.shape == (42, 42)
    assert shrink(pair, 1) is pair


def test_enlarging_undoes_shrinking(pair, solved):
    large, here = doubled(pair), enlarge(solved, 2)
    np.testing.assert_allclose(here.narrowings(large), 2 * solved.narrowings(pair))
    moved = here.maps @ np.append(large.point, 1.0)
    small = solved.maps @ np.append(pair.point, 1.0)
    np.testing.assert_allclose(moved[..., :2], 2 * small[..., :2] + 0.5)
    np.testing.assert_allclose(np.sqrt(here.variance_px2), 2 * np.sqrt(solved.variance_px2))
    np.testing.assert_allclose(here.margin_px, 2 * solved.margin_px)
    assert here.unit_px == 2


def test_an_image_of_smaller_pixels_gives_the_same_figures(pair):
    (plain,), (fine,) = refine([pair], CPU, Silent()), refine([doubled(pair)], CPU, Silent())
    assert fine.jsn_px == pytest.approx(2 * plain.jsn_px, abs=1e-3)
    assert fine.jsn_sd_px == pytest.approx(2 * plain.jsn_sd_px, rel=1e-3)
    assert fine.reasons == plain.reasons


def test_nothing_to_do():
    assert refine([], CPU, Silent()) == []


@pytest.mark.parametrize("seed", [2, 4, 5])
def test_joints_whose_bones_overlap_are_measured(seed):
    """Each bone's region must not follow the other's edge."""
    pair = joint_pair("MCP3", 0.5, seed, motion=Motion(), detector=Detector.ideal(), disease=Disease())
    assert (pair.fixed_masks.upper & pair.fixed_masks.lower).any()
    (found,) = jsn.register_many(
        [pair.fixed], [pair.moving], [pair.fixed_masks], [pair.moving_masks], spacing_mm=pair.spacing_mm
    )
    assert found.jsn_mm == pytest.approx(pair.jsn_projected_mm, abs=0.02)


@pytest.mark.parametrize(
    "mask", [(slice(80, 81), slice(90, 160)), (slice(40, 110), slice(100, 101)), (slice(60, 62), slice(3, 40))]
)
def test_a_mask_thinner_than_a_working_pixel_is_not_lost(mask):
    image = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    thin, lower = np.zeros((2, 256, 256), dtype=bool)
    thin[mask], lower[140:220, 90:170] = True, True
    masks = jsn.BoneMasks(thin, lower)
    pair = prepare_many([(image, image, masks, masks, 0.05, None)])[0][2]
    small = shrink(pair, 6)
    assert small.fixed_masks.upper.any() and small.moving_masks.upper.any()
    refine([pair], CPU, Silent())
