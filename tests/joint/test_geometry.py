"""Reference point, joint axis, normal of the joint line, and facing margins."""

import numpy as np
import pytest

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, facing_margins, joint_frame, joint_normal, theil_line


def blocks(slope=0.0, slide=0, shape=(100, 80), gap=(46, 54)):
    """Two bars that face each other across a gap, the lower one with a slide; the joint line has this ``slope``."""
    rows, cols = np.indices(shape)
    line = slope * (cols - 40)
    upper = (rows < gap[0] + line) & (cols >= 20) & (cols <= 60)
    lower = (rows >= gap[1] + line) & (cols >= 20 + slide) & (cols <= 60 + slide)
    return BoneMasks(upper, lower)


def test_the_point_lies_midway_in_the_gap_and_the_axis_across_it():
    point, axis = joint_frame(blocks())
    np.testing.assert_allclose(point, (40, 49.5), atol=0.01)
    np.testing.assert_allclose(axis, (0, 1), atol=1e-6)


def test_the_axis_lies_between_the_shafts_and_the_normal_of_an_oblique_joint_line():
    point, axis = joint_frame(blocks(slope=0.25))
    assert 1 < np.rad2deg(np.arctan2(-axis[0], axis[1])) < np.rad2deg(np.arctan(0.25)) / 2
    np.testing.assert_allclose(point, (40, 49.5), atol=0.6)


@pytest.mark.parametrize(("joint", "seed"), [("MCP2", 1), ("MCP4", 2), ("PIP3", 3), ("IP1", 4), ("MCP1", 5)])
def test_the_frame_of_simulated_joints_is_near_the_true_one(plain_pair, joint, seed):
    pair = plain_pair(0.3, seed, joint)
    point, axis = joint_frame(pair.fixed_masks)
    assert abs(point - pair.point)[0] * pair.spacing_mm < 0.5
    assert np.rad2deg(np.arccos(axis @ pair.axis)) < 2.5


def test_oblique_shafts_meet_the_joint_space_at_the_same_point():
    rows, cols = np.indices((100, 80))
    middle = 40 + 0.2 * (rows - 50)
    shaft = np.abs(cols - middle) < 15
    point, axis = joint_frame(BoneMasks(shaft & (rows < 46), shaft & (rows >= 54)))
    assert point[0] == pytest.approx(40, abs=0.6)
    assert axis[0] > 0.1


def test_a_slide_moves_the_point_by_half_of_it():
    point, axis = joint_frame(blocks(slide=6))
    assert point[0] == pytest.approx(43, abs=0.1)
    np.testing.assert_allclose(axis, (0, 1), atol=1e-6)


def test_the_frame_moves_with_the_image(simulated):
    point, axis = joint_frame(simulated.fixed_masks)
    around = ((4, 0), (5, 0))
    moved = BoneMasks(
        *(np.pad(mask, around, mode="edge") for mask in (simulated.fixed_masks.upper, simulated.fixed_masks.lower))
    )
    again, same_axis = joint_frame(moved)
    np.testing.assert_allclose(again - point, (5, 4), atol=0.6)  # the fitted part of the shafts grows with the image
    np.testing.assert_allclose(same_axis, axis, atol=0.02)


def test_a_mirrored_joint_has_the_mirrored_frame(simulated):
    point, axis = joint_frame(simulated.fixed_masks)
    mirrored, other = joint_frame(BoneMasks(simulated.fixed_masks.upper[:, ::-1], simulated.fixed_masks.lower[:, ::-1]))
    np.testing.assert_allclose(mirrored, (127 - point[0], point[1]), atol=0.3)
    np.testing.assert_allclose(other, (-axis[0], axis[1]), atol=1e-6)


def test_an_uneven_mask_far_from_the_joint_does_not_matter():
    plain = blocks()
    uneven = plain.upper.copy()
    uneven[:10, 60:75] = True
    for was, now in zip(joint_frame(plain), joint_frame(BoneMasks(uneven, plain.lower)), strict=True):
        np.testing.assert_allclose(now, was, atol=0.4)


def test_halves_have_the_axis_of_the_crop():
    upper = np.indices((60, 40))[0] < 33
    point, axis = joint_frame(BoneMasks(upper, ~upper))
    assert axis.tolist() == [0, 1]
    np.testing.assert_allclose(point, (19.5, 32.5))


def test_halves_are_distinguished_from_bones(simulated):
    upper = np.indices((60, 40))[0] < 33
    assert are_halves(BoneMasks(upper, ~upper))
    assert are_halves(BoneMasks(blocks().upper, ~blocks().upper))
    assert not are_halves(blocks())


def test_bones_that_do_not_face_each_other_have_the_axis_of_their_centroids():
    upper, lower = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    upper[5:15, 5:15], lower[45:55, 45:55] = True, True
    point, axis = joint_frame(BoneMasks(upper, lower))
    np.testing.assert_allclose(point, (29.5, 29.5))
    np.testing.assert_allclose(axis, np.sqrt([0.5, 0.5]))


def test_the_same_region_twice_still_has_a_frame():
    region = np.zeros((60, 60), bool)
    region[20:40, 20:40] = True
    point, axis = joint_frame(BoneMasks(region, region))
    assert np.isfinite(point).all() and np.hypot(*axis) == pytest.approx(1)


def test_the_normal_is_perpendicular_to_the_joint_line():
    np.testing.assert_allclose(joint_normal(blocks()), (0, 1), atol=1e-6)
    expected = np.array([-0.25, 1]) / np.hypot(0.25, 1)
    np.testing.assert_allclose(joint_normal(blocks(slope=0.25)), expected, atol=0.02)


def test_a_joint_line_that_is_too_steep_has_the_joint_axis_as_normal():
    steep = blocks(slope=0.9, gap=(44, 56))
    np.testing.assert_array_equal(joint_normal(steep), joint_frame(steep)[1])


def test_margins_are_the_last_and_first_pixel_of_each_column():
    bottom, top = facing_margins(blocks(slide=6))
    assert (bottom[30], top[30]) == (45, 54)
    assert np.isnan(bottom[10]) and np.isnan(top[10])
    assert np.isnan(bottom[22]) and np.isnan(top[22])  # only the upper bone is there


@pytest.mark.parametrize("count", [2, 3, 8, 31])
def test_the_robust_line_is_that_of_scipy(count):
    from scipy.stats import theilslopes

    rng = np.random.default_rng(count)
    x = rng.integers(-20, 20, count).astype(float)
    x[-1] = x[0] + 1
    y = 0.3 * x + rng.standard_t(1, count)
    slope, intercept, *_ = theilslopes(y, x, method="joint")
    assert theil_line(x, y) == (intercept, slope)
