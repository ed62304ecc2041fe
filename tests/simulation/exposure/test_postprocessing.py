import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.simulation.exposure.postprocessing import (
    compress_latitude,
    enhance,
    enlarge,
    jpeg,
    tone_curve,
    wide_blur,
)


@pytest.fixture
def texture():
    noise = np.random.default_rng(0).standard_normal((151, 203))
    return (0.6 + ndimage.gaussian_filter(noise, 1.5)).astype(np.float32)


@pytest.mark.parametrize("sd_px", [2.0, 7.0, 25.0])
def test_wide_blur_is_gaussian(texture, sd_px):
    picture = 0.1 * texture  # at the border a coarse grid continues another value than the last pixel's
    picture[:, 90:] += 1
    expected = ndimage.gaussian_filter(picture, sd_px, mode="nearest")
    np.testing.assert_allclose(wide_blur(picture, sd_px), expected, atol=0.03)


def test_wide_blur_keeps_a_flat_image():
    np.testing.assert_allclose(wide_blur(np.full((50, 70), 0.7, np.float32), 12), 0.7, rtol=1e-5)


def test_latitude_brings_levels_together_and_keeps_detail(texture):
    picture = np.concatenate([texture, texture + 1], axis=1)
    narrow = compress_latitude(picture, sd_px=15, share=0.4, middle=0.75)
    left, right = narrow[:, :120], narrow[:, -120:]
    assert right.mean() - left.mean() == pytest.approx(0.6, abs=0.03)
    assert left.std() == pytest.approx(picture[:, :120].std(), rel=0.1)


def test_latitude_casts_no_halo_around_lead(texture):
    picture = texture.copy()
    picture[:, 150:] = 4.5
    as_if_2 = np.minimum(picture, 2)
    inside = (slice(None), slice(0, 150))
    np.testing.assert_array_equal(
        compress_latitude(picture, 15, 0.4, 0.75)[inside], compress_latitude(as_if_2, 15, 0.4, 0.75)[inside]
    )


@pytest.mark.parametrize("sd_px", [2.0, 10.0])
def test_enhancement_lifts_faint_detail_more_than_strong_edges(texture, sd_px):
    faint = 0.6 + 0.05 * (texture - 0.6)
    assert enhance(faint, sd_px, 1.0, 0.2).std() > 1.2 * faint.std()
    edge = np.zeros((40, 80), np.float32)
    edge[:, 40:] = 1
    overshoot = enhance(edge, sd_px, 1.0, 0.2).max() - 1
    assert 0 < overshoot < 0.2


def test_no_gain_and_no_share_leave_the_image_alone(texture):
    np.testing.assert_array_equal(enhance(texture, 3.0, 0.0, 0.2), texture)
    np.testing.assert_array_equal(compress_latitude(texture, 15, 0.0, 0.75), texture)


def test_curve_rises_between_black_and_white_and_is_straight_between():
    nepers = np.linspace(-3, 6, 400, dtype=np.float32)
    intensity = tone_curve(nepers, low=0.0, high=1.6, toe=0.05, shoulder=0.2, gamma=1.0, black=0.05, white=0.95)
    assert np.all(np.diff(intensity) >= 0)
    assert intensity[0] == pytest.approx(0.05, abs=1e-3)
    assert intensity[-1] == pytest.approx(0.95, abs=1e-3)
    within = (nepers > 0.2) & (nepers < 0.9)
    np.testing.assert_allclose(intensity[within], 0.05 + 0.9 * nepers[within] / 1.6, atol=0.006)


def test_jpeg_loses_more_at_low_quality(texture):
    loss = [np.abs(jpeg(texture / 2, quality) - texture / 2).mean() for quality in (98, 75)]
    assert 0 < loss[0] < loss[1] < 0.02


def test_enlarge_undoes_block_mean_on_smooth_images():
    rows, cols = np.mgrid[:64, :96].astype(np.float32)
    smooth = np.sin(rows / 12) + np.cos(cols / 15)
    back = enlarge(block_mean(smooth, 2), (64, 96))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back[4:-4, 4:-4], smooth[4:-4, 4:-4], atol=0.005)
