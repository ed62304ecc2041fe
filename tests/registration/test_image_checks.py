"""One image that cannot give a right figure: pixel size, orientation, polarity, saturation."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.common.reasons import ReasonCode
from napari_jsn.registration.image_checks import clipped_shares, joint_line_curvature, looks_inverted, middle_is_dark
from napari_jsn.registration.register import register

JOINTS = ["MCP2", "PIP3", "DIP4"]


def codes(result):
    return {reason.code for reason in result.reasons}


def upside_down(masks):
    return masks.lower[::-1].copy(), masks.upper[::-1].copy()


@pytest.mark.parametrize("spacing_mm", [0.0175, 175.0, 1.75, 1.4, (0.02, 0.02), (0.175, 0.02)])
def test_a_pixel_size_at_which_no_joint_fits_the_image_is_refused(simulated, spacing_mm):
    """As after a slip of unit: cm, micrometres, ten times."""
    with pytest.raises(InputError, match="an image of a finger joint has 4 to 130 mm") as caught:
        register(simulated.fixed, simulated.moving, spacing_mm=spacing_mm)
    assert caught.value.argument == "spacing_mm"


@pytest.mark.parametrize("moving_spacing_mm", [0.0175, 17.5, 175.0])
def test_the_pixel_size_of_the_follow_up_is_checked_too(simulated, moving_spacing_mm):
    with pytest.raises(InputError, match="moving image") as caught:
        register(simulated.fixed, simulated.moving, spacing_mm=0.175, moving_spacing_mm=moving_spacing_mm)
    assert caught.value.argument == "moving_spacing_mm"


@pytest.mark.parametrize("spacing_mm", [0.05, 0.175, 0.4, None])
def test_pixel_sizes_of_small_and_large_crops_are_taken(simulated, spacing_mm):
    assert register(simulated.fixed, simulated.moving, simulated.fixed_masks, spacing_mm=spacing_mm).jsn_px


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("masks", ["given", "found"])
def test_images_that_are_upside_down_have_failed(plain_pair, joint, masks):
    pair = plain_pair(0.3, 1, joint)
    given = [upside_down(each) for each in (pair.fixed_masks, pair.moving_masks)] if masks == "given" else [None, None]
    result = register(pair.fixed[::-1].copy(), pair.moving[::-1].copy(), *given, spacing_mm=pair.spacing_mm)
    assert [reason.code for reason in result.reasons].count(ReasonCode.UPSIDE_DOWN) == 2


@pytest.mark.parametrize("joint", JOINTS)
def test_an_upright_joint_line_is_curved_upwards(plain_pair, joint):
    masks = plain_pair(0.3, 1, joint).fixed_masks
    turned = type(masks)(*upside_down(masks))
    assert joint_line_curvature(masks) > 0 > joint_line_curvature(turned)


@pytest.mark.parametrize("beside", ["white", "black", "noise"])
@pytest.mark.parametrize("masks", ["given", "found"])
def test_what_lies_beside_the_finger_does_not_matter(plain_pair, beside, masks):
    pair = plain_pair(0.3, 1, "PIP3")
    given = [pair.fixed_masks, pair.moving_masks] if masks == "given" else [None, None]
    plain = register(pair.fixed, pair.moving, *given, spacing_mm=pair.spacing_mm)
    moving, rng = pair.moving.copy(), np.random.default_rng(0)
    for part in (moving[:, :16], moving[:, -16:]):
        part[:] = rng.random(part.shape) if beside == "noise" else beside == "white"
    result = register(pair.fixed, moving, *given, spacing_mm=pair.spacing_mm)
    assert plain.reliable and result.reliable, result.reason
    assert result.jsn_mm == pytest.approx(plain.jsn_mm, abs=0.03)


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("beside", [None, 0.0, 1.0])
def test_polarity_is_read_at_the_outlines_of_the_bones(plain_pair, joint, beside):
    pair = plain_pair(0.3, 1, joint)
    for image, dark in ((pair.fixed, False), (1 - pair.fixed, True)):
        image = image.copy()
        if beside is not None:
            image[:, :10] = image[:, -10:] = beside
        assert looks_inverted(image, pair.fixed_masks) is dark


def test_the_middle_columns_are_compared_with_the_others():
    columns = np.broadcast_to(np.abs(np.linspace(-1, 1, 90)), (60, 90)).astype(np.float32)
    assert middle_is_dark(columns) and not middle_is_dark(1 - columns)


@pytest.mark.parametrize("share", [0.2, 0.275, 0.35])
@pytest.mark.parametrize("which", ["fixed", "moving"])
def test_a_saturated_image_makes_a_figure_fail(simulated, share, which):
    images = {"fixed": simulated.fixed, "moving": simulated.moving}
    images[which] = np.clip(images[which] / np.quantile(images[which], 1 - share), 0, 1)
    result = register(*images.values(), simulated.fixed_masks, simulated.moving_masks, simulated.spacing_mm)
    assert ReasonCode.CLIPPED in codes(result) and f"In the {which} image" in result.reason


@pytest.mark.parametrize("share", [0.0, 0.01, 0.03])
def test_a_few_white_pixels_do_not(simulated, share):
    moving = np.clip(simulated.moving / np.quantile(simulated.moving, 1 - share), 0, 1)
    result = register(simulated.fixed, moving, simulated.fixed_masks, simulated.moving_masks, simulated.spacing_mm)
    assert result.reliable, result.reason


@pytest.mark.parametrize("rows", [(48, 60), (58, 68), (66, 80)])
def test_metal_across_the_joint_makes_a_figure_fail(simulated, rows):
    moving = simulated.moving.copy()
    moving[slice(*rows)] = 1.0
    result = register(simulated.fixed, moving, simulated.fixed_masks, simulated.moving_masks, simulated.spacing_mm)
    assert not result.reliable


def test_noise_and_smooth_bright_bone_are_not_saturated(simulated):
    rng = np.random.default_rng(0)
    for image in (simulated.fixed, rng.random((128, 128)), ndimage.gaussian_filter(rng.random((128, 128)), 4)):
        assert clipped_shares(image.astype(np.float32), simulated.fixed_masks) == (0.0, 0.0)
