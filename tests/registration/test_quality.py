"""Pairs that must not be believed, and why; and uncertainty that grows where it should."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.evaluation.registration.known_motion import make_pair
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.registration.gauss_newton.solve import solve
from napari_jsn.registration.methods import CHECKS
from napari_jsn.registration.prepare import prepare_many
from napari_jsn.registration.quality import TERMS, assess_quality, combined, variance_terms
from napari_jsn.registration.register import register, register_many


def measure(simulated, **changed):
    given = {
        "fixed": simulated.fixed, "moving": simulated.moving, "fixed_masks": simulated.fixed_masks,
        "moving_masks": simulated.moving_masks, "spacing_mm": simulated.spacing_mm,
    }  # fmt: skip
    return register(**(given | changed))


def doubted(result):
    """Not reliable, with whole sentences why, and the figure kept."""
    assert not result.reliable
    assert result.reason[0].isupper() and result.reason.endswith(".")
    assert np.isfinite([result.jsn_px, result.jsn_mm, result.jsn_sd_mm]).all()
    return result.reason


def shifted(masks, rows, cols):
    return BoneMasks(*(ndimage.shift(m.astype(float), (rows, cols), order=0) > 0 for m in (masks.upper, masks.lower)))


def test_a_good_pair_is_believed(measured):
    assert measured.reliable and measured.reason == ""


@pytest.mark.parametrize("name", ["fixed", "moving"])
def test_swapped_masks(simulated, name):
    masks = getattr(simulated, f"{name}_masks")
    message = doubted(measure(simulated, **{f"{name}_masks": BoneMasks(masks.lower, masks.upper)}))
    assert "lies below" in message and name in message


def test_swapped_masks_in_both(simulated):
    fixed, moving = simulated.fixed_masks, simulated.moving_masks
    changed = {"fixed_masks": (fixed.lower, fixed.upper), "moving_masks": (moving.lower, moving.upper)}
    assert "lies below" in doubted(measure(simulated, **changed))


@pytest.mark.parametrize("name", ["fixed", "moving"])
def test_the_same_mask_twice(simulated, name):
    upper = getattr(simulated, f"{name}_masks").upper
    message = doubted(measure(simulated, **{f"{name}_masks": BoneMasks(upper, upper)}))
    assert "same region" in message and name in message


def test_a_follow_up_of_noise(simulated):
    noise = np.random.default_rng(0).random((128, 128))
    assert "not similar" in doubted(measure(simulated, moving=noise))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_follow_up_of_smooth_noise(simulated, seed):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((128, 128)), 2)
    doubted(measure(simulated, moving=noise))
    doubted(measure(simulated, moving=noise, moving_masks=None))


def test_noise_in_both(simulated):
    rng = np.random.default_rng(2)
    doubted(measure(simulated, fixed=rng.random((128, 128)), moving=rng.random((128, 128))))


def test_the_joint_of_another_patient_as_the_follow_up(plain_pair):
    """Most are flagged, not all: two joints of one outline can be brought to look alike both ways."""
    pairs = [plain_pair(0.3, seed) for seed in range(20)]
    others = pairs[1:] + pairs[:1]
    results = register_many(
        [pair.fixed for pair in pairs],
        [pair.moving for pair in others],
        [pair.fixed_masks for pair in pairs],
        [pair.moving_masks for pair in others],
        spacing_mm=0.175,
    )
    flagged = [result for result in results if not result.reliable]
    assert len(flagged) >= 17
    for result in flagged:
        doubted(result)


def test_another_joint_of_another_outline_as_the_follow_up(simulated, other):
    def broader(image):  # a third broader, and of the other hand
        return ndimage.zoom(image[:, ::-1].astype(float), (1, 4 / 3), order=1)

    masks = broader(other.moving_masks.upper) > 0.5, broader(other.moving_masks.lower) > 0.5
    doubted(measure(simulated, moving=broader(other.moving), moving_masks=masks))


@pytest.mark.parametrize("away", [(0, 20), (20, 0), (-20, 0)])
def test_masks_that_lie_20_pixels_off(simulated, away):
    doubted(measure(simulated, moving_masks=shifted(simulated.moving_masks, *away)))
    doubted(measure(simulated, fixed_masks=shifted(simulated.fixed_masks, *away)))


def test_a_bone_that_is_not_there(simulated):
    moving = simulated.moving.copy()
    where = ndimage.binary_dilation(simulated.moving_masks.lower, iterations=4)
    rng = np.random.default_rng(0)
    moving[where] = 0.3 + 0.02 * rng.standard_normal(where.sum())
    doubted(measure(simulated, moving=moving))


def test_a_bone_mostly_out_of_view(simulated):
    rows = slice(40, None)
    masks = BoneMasks(simulated.moving_masks.upper[rows], simulated.moving_masks.lower[rows])
    doubted(measure(simulated, moving=simulated.moving[rows], moving_masks=masks))


def test_a_turn_beyond_what_the_method_looks_for(simulated):
    turned = [
        ndimage.rotate(each.astype(float), 50, reshape=False, order=1, mode="nearest")
        for each in (simulated.moving, simulated.moving_masks.upper, simulated.moving_masks.lower)
    ]
    doubted(measure(simulated, moving=turned[0], moving_masks=(turned[1] > 0.5, turned[2] > 0.5)))


def test_large_but_plain_motion_is_believed(simulated):
    moved = ndimage.shift(simulated.moving, (6, -7), order=3, mode="nearest")
    result = measure(simulated, moving=np.clip(moved, 0, 1), moving_masks=shifted(simulated.moving_masks, 6, -7))
    assert result.reliable, result.reason
    assert result.jsn_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.03)


def test_roll_and_noise_make_it_less_sure(simulated):
    known = [
        make_pair(simulated.fixed, simulated.fixed_masks, 0.175, np.random.default_rng(k), preset)
        for preset in ("easy", "roll-double")
        for k in range(4)
    ]
    columns = zip(*((each.fixed, each.moving, each.fixed_masks, each.moving_masks) for each in known), strict=True)
    sds = [result.jsn_sd_mm for result in register_many(*columns, spacing_mm=0.175)]
    assert np.mean(sds[4:]) > 1.5 * np.mean(sds[:4])


@pytest.fixture(scope="module")
def pair(simulated):
    masks = simulated.fixed_masks, simulated.moving_masks
    return prepare_many([(simulated.fixed, simulated.moving, *masks, 0.175, None)])[0][2]


@pytest.fixture(scope="module")
def solved(pair):
    return solve([pair], torch.device("cpu"))[0]


def test_the_estimate_is_read_from_the_combined_maps(pair, solved):
    estimate = assess_quality(pair, solved)
    upper, lower = combined(solved)
    np.testing.assert_array_equal(estimate.upper, upper)
    np.testing.assert_array_equal(estimate.lower, lower)
    assert estimate.jsn_px == joint_space_narrowing(upper, lower, pair.point, pair.axis)
    lowest, highest = solved.narrowings(pair).min(), solved.narrowings(pair).max()
    assert lowest - 0.01 <= estimate.jsn_px <= highest + 0.01
    assert estimate.reasons == ()


@pytest.mark.parametrize("unit_px", [1, 2])
@pytest.mark.parametrize(("roll_sd", "shares"), [(0.1, (0.1, 0.135)), (1.7, (0.05, 0.07)), (8.0, (0.0, 0.0))])
def test_models_without_a_roll_field_lose_their_weight_under_a_strong_one(solved, roll_sd, shares, unit_px):
    """Shares of the network and of the similarity model in the estimate of a bone, by its own roll field."""
    ones = np.ones_like(solved.network)
    roll = np.full_like(solved.roll_prior_sd_px, 0.1 * unit_px)
    roll[:, 1] = roll_sd * unit_px
    changed = replace(solved, roll_prior_sd_px=roll, unit_px=unit_px, network=0 * ones, maps=np.stack([ones, 0 * ones]))
    of_similarity = combined(changed)
    of_network = combined(replace(changed, network=ones, maps=0 * changed.maps))
    for bone, (network, similarity) in enumerate([(0.1, 0.135), shares]):
        np.testing.assert_allclose(of_network[bone], network, atol=2e-3)
        np.testing.assert_allclose(of_similarity[bone], similarity, atol=2e-3)


def test_variance_terms_have_names_and_are_variances(pair, solved):
    terms = variance_terms(pair, solved)
    assert terms.shape == (len(TERMS),)
    assert (terms >= 0).all()
    in_smaller_pixels = variance_terms(
        replace(pair, point=2 * pair.point + 0.5),
        replace(
            solved,
            maps=_up() @ solved.maps @ np.linalg.inv(_up()),
            variance_px2=4 * solved.variance_px2,
            roll_prior_sd_px=2 * solved.roll_prior_sd_px,
            unit_px=2,
        ),
    )
    np.testing.assert_allclose(in_smaller_pixels, 4 * terms)


def _up():
    return np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1.0]])


def apart(solved, px, model, direction):
    """The solutions with the upper bone of one model and direction moved along the columns."""
    maps = solved.maps.copy()
    maps[model, direction, 0, 1, 2] += px
    return replace(solved, maps=maps)


def test_directions_that_disagree_have_a_reason_and_a_larger_sd(pair, solved):
    plain, torn = assess_quality(pair, solved), assess_quality(pair, apart(solved, 1.5, 1, 0))
    assert torn.reasons and not plain.reasons
    assert torn.jsn_sd_px > plain.jsn_sd_px


SPOILT = {
    ReasonCode.REGION_TOO_SMALL: {"region_px2": 100.0},
    ReasonCode.OUT_OF_VIEW: {"in_view": 0.3},
    ReasonCode.MASKS_DIFFER: {"overlap": 0.5},
    ReasonCode.NOT_SIMILAR: {"ncc": 0.1},
    ReasonCode.NO_IMPROVEMENT: {"ncc_identity": 1.0},
    ReasonCode.TOO_LITTLE_DETAIL: {"variance_px2": 1.0},
    ReasonCode.MARGIN_DISPLACED: {"margin_px": -2.0},
}


@pytest.mark.parametrize("code", SPOILT)
def test_each_sign_of_failure_has_its_reason(pair, solved, code):
    spoilt = replace(solved, **{name: np.full_like(getattr(solved, name), v) for name, v in SPOILT[code].items()})
    reasons = assess_quality(pair, spoilt).reasons
    assert [reason.code for reason in reasons] == [code]


def sized(pair, solved, sizes, similar):
    """The solutions with both bones of another size (upper, lower) about the point, and another correlation inside."""
    about = np.stack([
        np.array([[size, 0, (1 - size) * pair.point[0]], [0, size, (1 - size) * pair.point[1]], [0, 0, 1]])
        for size in sizes
    ])  # fmt: skip
    return replace(
        solved,
        maps=solved.maps @ about,
        network=solved.network @ about,
        ncc_inside=np.full_like(solved.ncc_inside, similar),
        variance_px2=np.full_like(solved.variance_px2, (0.1 * solved.unit_px) ** 2),
    )


@pytest.mark.parametrize(
    ("sizes", "similar", "fails"),
    [
        ((1.09, 1.09), 0.5, True),
        ((0.9, 0.92), 0.6, True),
        ((1.04, 0.96), 0.5, True),
        ((1.09, 1.09), 0.7, False),
        ((1.03, 1.02), 0.5, False),
        ((1.0, 1.0), 0.5, False),
    ],
)
def test_bones_of_another_size_must_be_more_similar(pair, solved, sizes, similar, fails):
    codes = [reason.code for reason in assess_quality(pair, sized(pair, solved, sizes, similar)).reasons]
    assert (ReasonCode.NOT_SIMILAR in codes) == fails


def test_the_quantities_that_decide_are_in_the_result(simulated, measured):
    assert set(measured.checks) == set(CHECKS)
    assert all(np.isfinite(value) for value in measured.checks.values())
    without = register(simulated.fixed, simulated.moving, simulated.fixed_masks, simulated.moving_masks)
    assert np.isnan(without.checks["directions_mm"]) and without.checks["overlap"] > 0.9
    assert register(simulated.fixed, simulated.moving, method="pipoc").checks == {}
