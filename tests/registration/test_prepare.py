"""Images and masks in every form they come in: one joint, one narrowing."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.prepare import native_map, prepare_many
from napari_jsn.registration.register import register
from napari_jsn.segmentation.found_bones import FoundBones


def resampled(image, spacing, row_mm, col_mm):
    """An image or masks on pixels of another size, averaged over what a larger pixel covers."""
    if isinstance(image, BoneMasks):
        return BoneMasks(*(resampled(mask, spacing, row_mm, col_mm) > 0.5 for mask in (image.upper, image.lower)))
    steps = row_mm / spacing, col_mm / spacing
    blur = [0.5 * np.sqrt(max(step**2 - 1, 0)) for step in steps]
    smooth = ndimage.gaussian_filter(image.astype(float), blur)
    centres = [
        (np.arange(int(length / step)) + 0.5) * step - 0.5 for length, step in zip(image.shape, steps, strict=True)
    ]
    sampled = ndimage.map_coordinates(smooth, np.meshgrid(*centres, indexing="ij"), order=3, mode="nearest")
    return np.clip(sampled, 0, 1).astype(np.float32)


def side_of(masks):
    """The upper half of the image, parted midway along the gap."""
    rows = np.indices(masks.shape)[0]
    to_upper, to_lower = (ndimage.distance_transform_edt(~mask) for mask in (masks.upper, masks.lower))
    return (to_upper < to_lower) & (rows < masks.shape[0] - 1)


def measure(simulated, **changed):
    given = {
        "fixed": simulated.fixed, "moving": simulated.moving, "fixed_masks": simulated.fixed_masks,
        "moving_masks": simulated.moving_masks, "spacing_mm": simulated.spacing_mm,
    }  # fmt: skip
    return register(**(given | changed))


def right(result, simulated, within_mm=0.03):
    assert result.reliable, result.reason
    assert result.jsn_mm == pytest.approx(simulated.jsn_projected_mm, abs=within_mm)
    return True


FORMS = {
    "pair": lambda masks: (masks.upper, masks.lower),
    "list of 0 and 255": lambda masks: [255 * masks.upper.astype(np.uint8), 255 * masks.lower.astype(np.uint8)],
    "labels": lambda masks: masks.labels,
    "float labels": lambda masks: masks.labels.astype(np.float32),
}


@pytest.mark.parametrize("form", FORMS)
def test_masks_in_other_forms_change_nothing(simulated, measured, form):
    result = measure(
        simulated, fixed_masks=FORMS[form](simulated.fixed_masks), moving_masks=FORMS[form](simulated.moving_masks)
    )
    assert result.jsn_px == pytest.approx(measured.jsn_px, abs=1e-4)
    np.testing.assert_array_equal(result.fixed_masks.labels, simulated.fixed_masks.labels)


@pytest.mark.parametrize("white", [True, 1, 255])
def test_one_binary_mask_is_the_upper_half(simulated, white):
    fixed, moving = (
        np.where(side_of(masks), white, 0).astype(bool if white is True else np.uint8)
        for masks in (simulated.fixed_masks, simulated.moving_masks)
    )
    assert right(measure(simulated, fixed_masks=fixed, moving_masks=moving), simulated)


def test_halves_lead_to_the_bones_within(simulated):
    fixed, moving = (BoneMasks(side_of(m), ~side_of(m)) for m in (simulated.fixed_masks, simulated.moving_masks))
    result = measure(simulated, fixed_masks=fixed, moving_masks=moving)
    assert right(result, simulated)
    assert not (result.fixed_masks.upper[:, 0].any() and result.fixed_masks.upper[:, -1].any())
    assert not (result.fixed_masks.upper & ~fixed.upper).any()


def test_halves_keep_losses_and_pictures_over_the_whole_image(simulated):
    half = side_of(simulated.fixed_masks)
    result = measure(simulated, fixed_masks=half, moving_masks=side_of(simulated.moving_masks))
    squared = np.square(simulated.fixed - result.transformed)
    np.testing.assert_allclose(result.transformed_spectrum, squared, atol=1e-6)


def test_without_masks_the_bones_are_found(simulated):
    assert right(measure(simulated, fixed_masks=None, moving_masks=None), simulated)
    assert right(measure(simulated, moving_masks=None), simulated)


def test_overlapping_masks_are_taken(simulated):
    fixed, moving = (
        BoneMasks(ndimage.binary_dilation(m.upper, iterations=5), ndimage.binary_dilation(m.lower, iterations=5))
        for m in (simulated.fixed_masks, simulated.moving_masks)
    )
    assert (fixed.upper & fixed.lower).any()
    assert measure(simulated, fixed_masks=fixed, moving_masks=moving).jsn_mm == pytest.approx(
        simulated.jsn_projected_mm, abs=0.06
    )


@pytest.mark.parametrize("spacing_mm", [0.1, 0.15, 0.25])
def test_a_follow_up_of_another_pixel_size(simulated, spacing_mm):
    moving, masks = (
        resampled(each, 0.175, spacing_mm, spacing_mm) for each in (simulated.moving, simulated.moving_masks)
    )
    result = measure(simulated, moving=moving, moving_masks=masks, moving_spacing_mm=spacing_mm)
    assert right(result, simulated)
    assert result.transformed.shape == simulated.fixed.shape and result.spacing_mm == 0.175
    assert result.upper.dz == pytest.approx(simulated.upper.dz * 0.175 / spacing_mm, rel=0.01)
    assert result.transformed_loss < result.original_loss / 2


@pytest.mark.parametrize("spacing_mm", [0.15, 0.25])
def test_a_baseline_of_another_pixel_size(simulated, spacing_mm):
    fixed, masks = (resampled(each, 0.175, spacing_mm, spacing_mm) for each in (simulated.fixed, simulated.fixed_masks))
    result = measure(simulated, fixed=fixed, fixed_masks=masks, spacing_mm=spacing_mm, moving_spacing_mm=0.175)
    assert right(result, simulated)
    assert result.jsn_mm == pytest.approx(result.jsn_px * spacing_mm)
    assert result.transformed.shape == fixed.shape
    assert result.upper.dz == pytest.approx(simulated.upper.dz * spacing_mm / 0.175, rel=0.01)


def test_pixel_sizes_that_hardly_differ_still_count(simulated):
    result = measure(simulated, moving_spacing_mm=0.1754)
    plain = measure(simulated)
    # the maps are between pixels as given, which are the same as without the second spacing
    for bone in ("upper", "lower"):
        assert getattr(result, bone).dz == pytest.approx(getattr(plain, bone).dz, abs=1e-3)


def test_rows_and_columns_of_different_size(simulated):
    fixed, masks = (resampled(each, 0.175, 0.175, 0.23) for each in (simulated.fixed, simulated.fixed_masks))
    result = measure(simulated, fixed=fixed, fixed_masks=masks, spacing_mm=(0.175, 0.23), moving_spacing_mm=0.175)
    assert right(result, simulated)
    assert result.spacing_mm == 0.175
    assert abs(result.transformed.shape[1] - 128) <= 1


def test_rows_and_columns_of_different_size_in_both(simulated):
    fixed, masks = (resampled(each, 0.175, 0.22, 0.175) for each in (simulated.fixed, simulated.fixed_masks))
    moving, moving_masks = (resampled(each, 0.175, 0.22, 0.175) for each in (simulated.moving, simulated.moving_masks))
    both = Radiograph(fixed, (0.22, 0.175)), Radiograph(moving, (0.22, 0.175))
    result = measure(
        simulated, fixed=both[0], moving=both[1], fixed_masks=masks, moving_masks=moving_masks, spacing_mm=None
    )
    assert right(result, simulated)


def test_shapes_may_differ(simulated, measured):
    rows, cols = slice(6, 121), slice(10, 124)
    moved = BoneMasks(simulated.moving_masks.upper[rows, cols], simulated.moving_masks.lower[rows, cols])
    result = measure(simulated, moving=simulated.moving[rows, cols], moving_masks=moved)
    assert right(result, simulated)
    shifted = result.upper(result.point) + (10, 6)
    np.testing.assert_allclose(shifted, measured.upper(measured.point), atol=0.15)


TYPES = {
    "8 bit": lambda image: np.round(255 * image).astype(np.uint8),
    "12 in 16 bit": lambda image: np.round(4095 * image).astype(np.uint16),
    "16 bit": lambda image: np.round(65535 * image).astype(np.uint16),
    "signed": lambda image: np.round(2000 * image - 1000).astype(np.int16),
    "float64": lambda image: image.astype(float),
    "RGB": lambda image: np.repeat(np.round(255 * image).astype(np.uint8)[..., None], 3, axis=2),
    "bone dark": lambda image: 1 - image,
    "bone dark, 16 bit": lambda image: np.round(65535 * (1 - image)).astype(np.uint16),
}


@pytest.mark.parametrize("kind", TYPES)
def test_images_of_any_type_and_polarity(simulated, measured, kind):
    other = TYPES[kind]
    for changed in (
        {"moving": other(simulated.moving)},
        {"fixed": other(simulated.fixed), "moving": other(simulated.moving)},
    ):
        result = measure(simulated, **changed)
        assert right(result, simulated)
        assert result.jsn_mm == pytest.approx(measured.jsn_mm, abs=0.005)


@pytest.mark.parametrize("names", [("fixed",), ("moving",), ("fixed", "moving")])
def test_dark_bones_are_found_without_masks(simulated, names):
    changed = {name: 1 - getattr(simulated, name) for name in names}
    assert right(measure(simulated, fixed_masks=None, moving_masks=None, **changed), simulated, within_mm=0.04)


def test_a_turn_and_magnification_of_the_whole_hand_drop_out(simulated):
    angle, scale = np.deg2rad(7), 1.06
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    back, middle = np.linalg.inv(linear), np.array([63.5, 63.5])

    def moved(image, order):
        return ndimage.affine_transform(image, back, middle - back @ middle, order=order, mode="nearest")

    masks = BoneMasks(
        *(moved(each.astype(float), 1) > 0.5 for each in (simulated.moving_masks.upper, simulated.moving_masks.lower))
    )
    result = measure(simulated, moving=np.clip(moved(simulated.moving, 3), 0, 1), moving_masks=masks)
    assert right(result, simulated)
    assert result.upper.dz == pytest.approx(scale * simulated.upper.dz, rel=0.01)
    assert result.upper.dtheta == pytest.approx(simulated.upper.dtheta - angle, abs=0.01)  # rows rotate against columns


def test_one_spacing_serves_both_images_unless_one_brings_its_own(simulated):
    image = JointImage(simulated.moving, 0.175)
    assert right(measure(simulated, moving=image), simulated)


def test_both_images_meet_at_the_finer_pixel_size(simulated):
    fixed, moving, pair, steps = prepare_many([(simulated.fixed, simulated.moving, None, None, 0.3, 0.2)])[0]
    assert (fixed.spacing_mm, moving.spacing_mm, pair.spacing_mm) == (0.3, 0.2, 0.2)
    assert steps == pytest.approx((1.5, 1.0))
    assert pair.fixed.shape == (192, 192) and pair.moving.shape == (128, 128)
    assert pair.fixed_masks.shape == pair.fixed.shape
    # pixel centres: the point keeps its place in millimetres
    point, _ = joint_frame(fixed.masks)
    np.testing.assert_allclose((pair.point + 0.5) * 0.2, (point + 0.5) * 0.3)


def test_maps_between_finer_grids_become_maps_between_the_images():
    shift = np.array([[1, 0, 3.0], [0, 1, -1.5], [0, 0, 1]])
    np.testing.assert_allclose(native_map(shift, 1.0, 1.0), shift)
    np.testing.assert_allclose(native_map(shift, 1.5, 1.5)[:2, 2], (2.0, -1.0))
    identity = native_map(np.eye(3), 1.5, 3.0)
    # the corner of both images is (-0.5, -0.5), and stays one
    np.testing.assert_allclose(identity @ (-0.5, -0.5, 1), (-0.5, -0.5, 1))
    assert identity[0, 0] == pytest.approx(0.5)


def test_doubts_about_bones_that_the_network_found_make_the_result_unreliable(simulated):
    doubted = FoundBones(
        simulated.fixed_masks.upper,
        simulated.fixed_masks.lower,
        (Reason(ReasonCode.OUTLINE_UNCERTAIN, "The outline of the upper bone is uncertain."),),
    )
    result = measure(simulated, fixed_masks=doubted)
    assert not result.reliable
    assert result.reason == "In the fixed image: the outline of the upper bone is uncertain."
