"""PIPOC on textures whose two halves move apart by a known amount."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_jsn.common.progress import Silent
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.joint import BoneMasks
from napari_jsn.registration.methods import PreparedPair
from napari_jsn.registration.pipoc import fit_peak, pipoc

CPU = torch.device("cpu")
PAD = 40


def texture(seed, shape=(127, 127)):
    noise = np.random.default_rng(seed).standard_normal((shape[0] + 2 * PAD, shape[1] + 2 * PAD))
    field = ndimage.gaussian_filter(noise, 1.2) + 2 * ndimage.gaussian_filter(noise, 3)
    return 0.5 + 0.1 * field / field.std()


def moved_pair(upper_shift, lower_shift, seed=0, shape=(127, 127), moving_seed=None):
    """Halves shifted by (x, y): the content at fixed x is found at x + shift in the moving image."""
    source = texture(seed, shape)
    target = source if moving_seed is None else texture(moving_seed, shape)
    crop = slice(PAD, -PAD)
    halves = [ndimage.shift(target, shift[::-1], order=5)[crop, crop] for shift in (upper_shift, lower_shift)]
    upper = np.zeros(shape, bool)
    upper[: shape[0] // 2] = True
    masks = BoneMasks(upper, ~upper)
    moving = np.where(upper, *halves).astype(np.float32)
    middle = np.array([(shape[1] - 1) / 2, shape[0] / 2 - 0.5])
    return PreparedPair(source[crop, crop].astype(np.float32), moving, masks, masks, middle, np.array([0.0, 1.0]))


def run(pairs, progress=None):
    return pipoc(pairs, CPU, progress or Silent())


def test_finds_the_shift_of_each_half_to_a_fraction_of_a_pixel():
    (estimate,) = run([moved_pair((1.3, 2.4), (-0.6, -1.25))])
    np.testing.assert_allclose(estimate.upper[:2, 2], (1.3, 2.4), atol=0.15)
    np.testing.assert_allclose(estimate.lower[:2, 2], (-0.6, -1.25), atol=0.15)
    assert estimate.jsn_px == pytest.approx(3.65, abs=0.15)
    assert abs(estimate.jsn_px - 3.65) < 1.96 * estimate.jsn_sd_px
    assert estimate.reasons == ()


def test_a_batch_of_mixed_sizes_equals_single_calls():
    pairs = [moved_pair((0.5, k), (0, 0), k, shape) for k, shape in enumerate([(127, 127), (100, 140), (127, 127)])]
    together, alone = run(pairs), [run([pair])[0] for pair in pairs]
    for a, b in zip(together, alone, strict=True):
        assert a.jsn_px == pytest.approx(b.jsn_px, abs=1e-3)
        assert a.jsn_sd_px == pytest.approx(b.jsn_sd_px, abs=1e-3)


def test_images_of_different_size_share_the_pixel_grid():
    pair = moved_pair((1.0, 2.0), (0.0, 0.0))
    wider = np.pad(pair.moving, ((0, 0), (0, 13)), mode="edge")
    masks = BoneMasks(*(np.pad(mask, ((0, 0), (0, 13))) for mask in (pair.moving_masks.upper, pair.moving_masks.lower)))
    (estimate,) = run([PreparedPair(pair.fixed, wider, pair.fixed_masks, masks, pair.point, pair.axis)])
    assert estimate.jsn_px == pytest.approx(2.0, abs=0.2)


def test_a_peak_beyond_the_range_is_a_mismatch_with_a_reason():
    (estimate,) = run([moved_pair((0.0, 0.0), (26.0, 0.0))])
    assert len(estimate.reasons) == 1
    assert "lower bone" in str(estimate.reasons[0]) and "26 px" in str(estimate.reasons[0])
    assert estimate.lower[0, 2] == pytest.approx(26, abs=0.5), "the figure is kept"


def test_bones_that_do_not_belong_together_are_reported():
    (estimate,) = run([moved_pair((0.0, 0.0), (0.0, 0.0), moving_seed=7)])
    assert len(estimate.reasons) == 2


def test_an_absent_bone_is_reported():
    pair = moved_pair((0.0, 0.0), (0.0, 0.0))
    masks = BoneMasks(pair.fixed_masks.upper, np.zeros_like(pair.fixed_masks.lower))
    (estimate,) = run([PreparedPair(pair.fixed, pair.moving, masks, masks, pair.point, pair.axis)])
    assert estimate.reasons == (Reason(ReasonCode.OUT_OF_VIEW, "The lower bone is not in view."),)


def test_abort_keeps_what_is_done_in_order():
    class Once(Silent):
        aborted = False

        def update(self, done, total, message=""):
            self.aborted = True

    pairs = [moved_pair((0.0, 1.0), (0.0, 0.0), 0, (64, 64)), moved_pair((0.0, 2.0), (0.0, 0.0), 1, (80, 80))]
    estimates = run(pairs, Once())
    assert len(estimates) == 1
    assert estimates[0].jsn_px == pytest.approx(1.0, abs=0.3)


def test_the_peak_model_recovers_its_own_parameters():
    rows, cols, true = 64, 81, np.array([3.3, -5.2])  # (x, y)
    spectrum = np.zeros((rows, cols), complex)
    waves_y, waves_x = np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(cols)[None]
    kept = (np.abs(waves_y * rows) <= rows // 4) & (np.abs(waves_x * cols) <= cols // 4)
    spectrum[kept] = 0.7 * np.exp(-2j * np.pi * (waves_x * true[0] + waves_y * true[1]))[kept]
    correlation = torch.as_tensor(np.fft.ifft2(spectrum).real[None])
    height, shift = fit_peak(correlation)
    np.testing.assert_allclose(shift[0], true, atol=1e-6)
    assert float(height[0]) == pytest.approx(0.7, abs=1e-6)
