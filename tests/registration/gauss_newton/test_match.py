"""Structure inside bones, sharpness and intensity curve of two registered images."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.gauss_newton.solve import solve
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.registration.quality import similarity, variance_terms
from napari_jsn.registration.register import register, register_many


def solved(pair, moving=None, fixed=None):
    prepared = PreparedPair.from_masks(
        pair.fixed if fixed is None else fixed, pair.moving if moving is None else moving, pair.fixed_masks,
        pair.moving_masks, pair.spacing_mm,
    )  # fmt: skip
    return prepared, solve([prepared], torch.device("cpu"))[0]


def blurred(image, sigma_px):
    return ndimage.gaussian_filter(image, sigma_px).astype(np.float32)


def test_equal_exposures_show_no_difference(simulated):
    one = solved(simulated)[1]
    assert abs(one.sharpness) < 0.1 and abs(one.curve) < 0.05 and one.ncc_inside.min() > 0.6


@pytest.mark.parametrize("sigma_px", [0.6, 1.2, 2.0])
def test_a_less_sharp_image_is_noticed_on_both_sides(simulated, sigma_px):
    later = solved(simulated, moving=blurred(simulated.moving, sigma_px))[1].sharpness
    earlier = solved(simulated, fixed=blurred(simulated.fixed, sigma_px))[1].sharpness
    less = solved(simulated, moving=blurred(simulated.moving, sigma_px / 2))[1].sharpness
    assert later > less and later > 0.03 and earlier < -0.03


@pytest.mark.parametrize("gamma", [0.5, 2.0, 3.0])
def test_another_intensity_curve_is_noticed(simulated, gamma):
    curve = solved(simulated, moving=simulated.moving**gamma)[1].curve
    assert np.sign(curve) == np.sign(gamma - 1) and abs(curve) > 0.04


@pytest.mark.parametrize(
    "change", [lambda a: blurred(a, 1.2), lambda a: blurred(a, 2.2), lambda a: a**2, lambda a: a**0.5]
)
def test_both_make_the_interval_wider_so_that_it_holds_the_truth(simulated, change):
    masks = simulated.fixed_masks, simulated.moving_masks
    plain = register(simulated.fixed, simulated.moving, *masks, simulated.spacing_mm)
    other = register(simulated.fixed, change(simulated.moving).astype(np.float32), *masks, simulated.spacing_mm)
    truth = simulated.jsn_projected_mm_at(other.point, other.axis)
    assert other.jsn_sd_mm > plain.jsn_sd_mm
    assert other.ci95_mm[0] <= truth <= other.ci95_mm[1]


def test_their_terms_grow_with_the_square(simulated):
    prepared, one = solved(simulated, moving=blurred(simulated.moving, 1.5))
    terms = variance_terms(prepared, one)
    assert terms[-2] == pytest.approx(one.sharpness**2) and terms[-1] == pytest.approx(one.curve**2)


@pytest.mark.parametrize(("which", "gamma"), [("moving", 4.0), ("moving", 5.0), ("fixed", 4.0)])
def test_an_extreme_curve_is_a_failure(simulated, which, gamma):
    images = {"fixed": simulated.fixed, "moving": simulated.moving}
    images[which] = images[which] ** gamma
    result = register(*images.values(), simulated.fixed_masks, simulated.moving_masks, simulated.spacing_mm)
    assert ReasonCode.EXPOSURES_DIFFER in {reason.code for reason in result.reasons}


@pytest.mark.parametrize("joint", ["MCP2", "PIP3", "IP1"])
def test_a_mirrored_follow_up_has_failed(plain_pair, joint):
    pair = plain_pair(0.3, 1, joint)
    masks = BoneMasks(pair.moving_masks.upper[:, ::-1].copy(), pair.moving_masks.lower[:, ::-1].copy())
    result = register(pair.fixed, pair.moving[:, ::-1].copy(), pair.fixed_masks, masks, pair.spacing_mm)
    assert ReasonCode.MIRRORED in {reason.code for reason in result.reasons}


@pytest.mark.parametrize("joint", ["MCP2", "PIP3", "DIP4"])
def test_the_structure_inside_bones_tells_joints_of_two_patients_apart(plain_pair, joint):
    pair, other = plain_pair(0.3, 1, joint), plain_pair(0.3, 9, joint)
    wrong = PreparedPair.from_masks(pair.fixed, other.moving, pair.fixed_masks, other.moving_masks, pair.spacing_mm)
    assert similarity(solve([wrong], torch.device("cpu"))[0]) < 0.4 < similarity(solved(pair)[1])


SIZES = [(96, 128), (128, 96), (112, 128), (88, 112)]


@pytest.mark.parametrize("sizes", SIZES)
def test_crops_of_other_sizes_give_the_same_figure(simulated, sizes):
    """What one of two crops does not show counts neither for nor against the pair."""

    def cut(array, size):
        start = (array.shape[0] - size) // 2
        return array[start : start + size, start : start + size].copy()

    images, masks = [], []
    for image, bones, size in zip(
        (simulated.fixed, simulated.moving), (simulated.fixed_masks, simulated.moving_masks), sizes, strict=True
    ):
        images.append(cut(image, size))
        masks.append(BoneMasks(cut(bones.upper, size), cut(bones.lower, size)))
    plain = register(simulated.fixed, simulated.moving, simulated.fixed_masks, simulated.moving_masks, 0.175)
    result = register_many(images[:1], images[1:], masks[:1], masks[1:], 0.175)[0]
    assert result.reliable, result.reason
    assert result.jsn_mm == pytest.approx(plain.jsn_mm, abs=0.05)
