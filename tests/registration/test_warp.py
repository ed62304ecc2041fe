"""Eq. 1-7: the pull-back map, the composed image, the spectra and the loss."""

import numpy as np
import pytest

from napari_jsn.joint import BoneMasks
from napari_jsn.joint.similarity import Similarity, joint_space_narrowing
from napari_jsn.registration.warp import compose, loss, loss_spectrum, warp

RNG = np.random.default_rng(0)
IMAGE = RNG.random((30, 20)).astype(np.float32)


@pytest.fixture
def masks():
    upper, lower = np.zeros((30, 20), bool), np.zeros((30, 20), bool)
    upper[:14, 4:16], lower[12:28, 4:16] = True, True  # rows 12 and 13 are both
    return BoneMasks(upper, lower)


def shift(dx, dy):
    return Similarity(dx=dx, dy=dy).matrix


def test_the_identity_changes_nothing_and_sees_everything():
    warped, in_view = warp(IMAGE, np.eye(3), IMAGE.shape)
    np.testing.assert_array_equal(warped, IMAGE)
    assert warped.dtype == np.float32 and in_view.all()


def test_the_map_pulls_back():
    """The pixel at (x, y) of the result is the image's pixel at the map of (x, y)."""
    warped, in_view = warp(IMAGE, shift(3, 5), IMAGE.shape)
    np.testing.assert_allclose(warped[:25, :17], IMAGE[5:, 3:], atol=1e-6)
    assert in_view[:25, :17].all() and not in_view[25:].any() and not in_view[:, 17:].any()
    assert (warped[29, 16] == IMAGE[29, 19]).all()  # beyond the image its border goes on


def test_half_a_pixel_is_interpolated_linearly():
    warped, _ = warp(IMAGE, shift(0.5, 0), IMAGE.shape)
    np.testing.assert_allclose(warped[:, :-1], (IMAGE[:, 1:] + IMAGE[:, :-1]) / 2, atol=1e-6)


def test_scale_and_turn_are_about_the_centre_after_the_shift():
    quarter = Similarity(dz=2.0, dtheta=np.pi / 2, dx=1, dy=2, centre=(10, 20))
    np.testing.assert_allclose(quarter([10, 20]), (6, 22))  # translated (1, 2), rotated (-2, 1), doubled (-4, 2)
    np.testing.assert_allclose(quarter([9, 18]), (10, 20))


def test_the_result_has_the_fixed_image_s_shape():
    warped, in_view = warp(IMAGE, np.eye(3), (40, 10))
    assert warped.shape == in_view.shape == (40, 10)
    assert in_view[:30].all() and not in_view[30:].any()


def test_each_bone_shows_its_own_warp(masks):
    ones, threes = np.ones((30, 20), np.float32), np.full((30, 20), 3, np.float32)
    both = compose((ones, threes), masks)
    assert both.dtype == np.float32
    assert (both[masks.labels == 1] == 1).all()
    assert (both[masks.labels == 2] == 3).all()
    assert (both[masks.labels == 3] == 2).all()
    beside = both[masks.labels == 0]
    assert np.isin(beside, (1, 3)).all()  # that of the bone on this side of the joint space
    assert (both[0] == 1).all() and (both[-1] == 3).all()


def test_the_spectrum_is_the_squared_difference(masks):
    upper, lower = RNG.random((2, 30, 20)).astype(np.float32)
    spectrum = loss_spectrum(IMAGE, (upper, lower), masks)
    for label, part in ((1, upper), (2, lower)):
        where = masks.labels == label
        np.testing.assert_allclose(spectrum[where], np.square(IMAGE - part)[where], rtol=1e-5)
    where = masks.labels == 3
    between = (np.square(IMAGE - upper) + np.square(IMAGE - lower)) / 2
    np.testing.assert_allclose(spectrum[where], between[where], rtol=1e-5)


def test_the_loss_is_half_of_each_bone_s_mean_square(masks):
    upper, lower = IMAGE + 0.2, IMAGE - 0.4
    seen = np.ones((30, 20), bool)
    assert loss(IMAGE, (upper, lower), (seen, seen), masks) == pytest.approx(0.5 * 0.04 + 0.5 * 0.16, rel=1e-4)
    large = BoneMasks(masks.upper, masks.upper | masks.lower)
    assert loss(IMAGE, (upper, lower), (seen, seen), large) == pytest.approx(0.10, rel=1e-4)  # areas do not count


def test_only_what_is_in_view_counts(masks):
    seen = np.ones((30, 20), bool)
    spoilt, left = IMAGE.copy(), seen.copy()
    spoilt[:5], left[:5] = 9, False
    assert loss(IMAGE, (spoilt, IMAGE), (left, seen), masks) == 0
    assert np.isnan(loss(IMAGE, (IMAGE, IMAGE), (~seen, seen), masks))


def test_eq7_is_the_narrowing_of_bones_that_only_shift():
    upper, lower = Similarity(dx=1, dy=2.5), Similarity(dx=-1, dy=1.0)
    for point in ((0, 0), (40, 60)):
        assert joint_space_narrowing(upper.matrix, lower.matrix, point, (0, 1)) == pytest.approx(upper.dy - lower.dy)
