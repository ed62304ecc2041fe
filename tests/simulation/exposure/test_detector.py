from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.simulation.exposure.detector import Detector, expose, expose_joint, store

SPACING_MM = 0.15


def rng(seed=0):
    return np.random.default_rng(seed)


def steps(*levels):
    """Wide stripes of attenuation, 20 mm each."""
    return np.tile(np.repeat(np.array(levels, np.float32), 133), (160, 1))


def middles(intensity, n):
    """Median intensity level in the middle of each stripe."""
    return [float(np.median(stripe[:, 40:-40])) for stripe in np.split(intensity, n, axis=1)]


def test_ideal_grey_depends_on_attenuation_alone():
    attenuation = rng().uniform(0, 2, (40, 50)).astype(np.float32)
    intensity = expose(attenuation, SPACING_MM, Detector.ideal(), rng())
    order = np.argsort(attenuation.ravel())
    assert np.all(np.diff(intensity.ravel()[order]) >= 0)
    np.testing.assert_array_equal(intensity[:20], expose(attenuation[:20], SPACING_MM, Detector.ideal(), rng(9)))


@pytest.mark.parametrize("seed", range(25))
def test_every_device_shows_air_tissue_bone_and_lead_apart_and_clips_nothing(seed):
    device = Detector.draw(rng(seed))
    intensity = expose(steps(0.0, 0.45, 0.9, 1.4, 4.5), SPACING_MM, device, rng(seed))
    assert intensity.dtype == np.float32
    assert intensity.min() >= 0
    assert intensity.max() <= 1
    air, tissue, bone, dense, lead = middles(intensity, 5)
    assert air < 0.35
    assert tissue - air > 0.05
    assert bone - tissue > 0.12
    assert dense - bone > 0.05
    assert lead > dense
    hand = intensity[:, 133:532]
    assert np.mean((hand <= 0) | (hand >= 1)) < 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_levels_do_not_depend_on_what_else_the_image_shows(seed):
    device = replace(Detector.draw(rng(seed)), scatter=0.0, latitude=0.0)
    alone = middles(expose(steps(0.0, 0.45, 0.9, 0.9), SPACING_MM, device, rng(1)), 4)
    beside = middles(expose(steps(0.0, 0.45, 0.9, 5.0), SPACING_MM, device, rng(2)), 4)
    np.testing.assert_allclose(alone[:3], beside[:3], atol=0.01)


def test_blur_has_the_stated_width():
    device = replace(Detector.ideal(), blur_mm=0.3, beam_hardening=0.0)
    edge = np.zeros((20, 201), np.float32)
    edge[:, 100:] = 0.02  # so little that the logarithm and the curve are straight
    profile = np.diff(expose(edge, 0.1, device, rng())[10].astype(float))
    x = np.arange(profile.size) * 0.1
    mean = np.average(x, weights=profile)
    assert np.sqrt(np.average((x - mean) ** 2, weights=profile)) == pytest.approx(0.3, rel=0.05)


def test_focus_blurs_more_the_further_the_hand_is_from_the_detector():
    near, far = (replace(Detector.ideal(), focal_spot_mm=1.2, magnification=m) for m in (1.0, 1.3))
    assert near.unsharpness_mm == 0
    assert far.unsharpness_mm == pytest.approx(1.2 / np.sqrt(12) * 0.3 / 1.3)


def test_noise_falls_with_dose_and_is_correlated_by_the_blur():
    flat = np.full((300, 300), 0.4, np.float32)
    plain = replace(Detector.ideal(), quanta_per_mm2=20_000.0, blur_mm=0.2)

    def noise(device):
        intensity = expose(flat, SPACING_MM, device, rng())
        return intensity - intensity.mean()

    low, high = noise(plain), noise(replace(plain, quanta_per_mm2=80_000.0))
    assert low.std() / high.std() == pytest.approx(2, rel=0.05)
    neighbours = np.mean(low[:, 1:] * low[:, :-1]) / low.var()
    assert neighbours == pytest.approx(np.exp(-((SPACING_MM / 0.2) ** 2) / 4), abs=0.03)


def test_scatter_lowers_contrast_and_reaches_no_open_air():
    scattering = replace(Detector.ideal(), scatter=0.3, scatter_mm=5.0)
    picture = steps(0.0, 0.0, 0.0, 0.45, 0.9)
    without = middles(expose(picture, SPACING_MM, Detector.ideal(), rng()), 5)
    with_it = middles(expose(picture, SPACING_MM, scattering, rng()), 5)
    assert with_it[0] == pytest.approx(without[0], abs=1e-4)
    assert with_it[4] - with_it[3] < without[4] - without[3]


def test_fixed_pattern_stays_with_the_device_on_another_day():
    device = replace(Detector.ideal(), fixed_pattern=0.01, pattern_seed=5)
    flat = np.full((64, 64), 0.4, np.float32)
    one, other = (expose(flat, SPACING_MM, device.vary(rng(day)), rng(day)) for day in (1, 2))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.99


def test_another_day_keeps_the_device_and_changes_the_exposure():
    device = Detector.draw(rng(4))
    day = device.vary(rng(5))
    kept = ("kind", "blur_mm", "edge_gain", "latitude", "pattern_seed", "bits", "jpeg_quality", "monochrome1")
    assert all(getattr(day, name) == getattr(device, name) for name in kept)
    assert day.quanta_per_mm2 != device.quanta_per_mm2
    assert day.exposure_offset != 0


def test_seeds_repeat():
    attenuation = steps(0.0, 0.4, 0.9)
    assert Detector.draw(rng(3)) == Detector.draw(rng(3)) != Detector.draw(rng(4))
    device = Detector.draw(rng(3))
    same, again, other = (expose(attenuation, SPACING_MM, device, rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(same, again)
    assert np.abs(same - other).max() > 0


def test_drawn_devices_are_of_both_kinds_and_differ():
    devices = [Detector.draw(rng(seed)) for seed in range(60)]
    assert {d.kind for d in devices} == {"CR", "DX"}
    assert {d.bits for d in devices} == {10, 12}
    assert {d.monochrome1 for d in devices} == {False, True}
    qualities = {d.jpeg_quality for d in devices} - {None}
    assert all(75 <= quality <= 98 for quality in qualities)
    assert min(d.blur_mm for d in devices if d.kind == "CR") > min(d.blur_mm for d in devices if d.kind == "DX")


def test_joint_images_hold_nothing_finer_than_their_detector():
    attenuation = (0.6 + 0.1 * rng().standard_normal((256, 256))).astype(np.float32)
    fine = expose(attenuation, 0.087, Detector.ideal(), rng())
    joint = expose_joint(attenuation, 0.087, Detector.ideal(), rng(), quality=None)
    frequency = np.abs(np.fft.fftfreq(256))

    def above_the_detector(intensity):
        power = np.abs(np.fft.fft2(intensity - intensity.mean())) ** 2
        return power[np.maximum.outer(frequency, frequency) > 0.35].sum() / power.sum()

    assert above_the_detector(fine) > 0.4
    assert above_the_detector(joint) < 0.02


def test_joint_images_stay_in_place():
    attenuation = np.zeros((64, 64), np.float32)
    attenuation[20:30, 41:47] = 0.3
    blurred = ndimage.gaussian_filter(attenuation, 2)
    joint = expose_joint(blurred, 0.087, Detector.ideal(), rng(), quality=None)
    expected = ndimage.center_of_mass(blurred)
    np.testing.assert_allclose(ndimage.center_of_mass(joint - joint[0, 0]), expected, atol=0.03)


def test_joint_images_are_8_bit_jpeg_like_the_crops():
    joint = expose_joint(steps(0.0, 0.4, 0.9, 0.5)[:, :256], 0.087, Detector(), rng())
    np.testing.assert_allclose(joint * 255, np.round(joint * 255), atol=1e-4)


def test_noise_of_joint_images_is_that_of_real_ones():
    """Flat soft tissue of 200 real crops, high-pass of 3 px: sd 0.0049 to 0.0080 (5th and 95th percentile)."""
    row = np.linspace(0.40, 0.44, 256, dtype=np.float32)
    noise = []
    for seed in range(40):
        intensity = expose_joint(np.tile(row, (256, 1)), 0.0867, Detector.draw(rng(seed)), rng(seed)).astype(float)
        noise.append(1.48 * np.median(np.abs(intensity - ndimage.gaussian_filter(intensity, 3))))
    low, middle, high = np.percentile(noise, [10, 50, 90])
    assert low < 0.0055
    assert 0.0050 < middle < 0.0085
    assert high > 0.0080


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_stored_values_use_all_bits(bits):
    intensity = np.array([[-0.1, 0.0, 0.5, 1.0, 1.1]], np.float32)
    top = 2**bits - 1
    stored = store(intensity, bits, monochrome1=False)
    assert stored.dtype == np.uint16
    assert stored[0, [0, 1, 3, 4]].tolist() == [0, 0, top, top]
    np.testing.assert_array_equal(store(intensity, bits, monochrome1=True), top - stored)


@pytest.mark.parametrize("spacing_mm", [0.0, -0.1, np.nan, np.inf])
def test_refuses_a_pixel_size_that_is_none(spacing_mm):
    with pytest.raises(InputError, match="positive") as refusal:
        expose(steps(0.0, 1.0), spacing_mm, Detector(), rng())
    assert refusal.value.argument == "spacing_mm"


def test_refuses_what_is_no_image():
    with pytest.raises(InputError, match="rows and columns"):
        expose(np.zeros((3, 4, 5), np.float32), SPACING_MM, Detector(), rng())


def test_refuses_sides_that_the_detector_pixels_do_not_fill():
    with pytest.raises(InputError, match="multiples"):
        expose_joint(np.zeros((255, 256), np.float32), SPACING_MM, Detector(), rng())


def test_refuses_bits_that_no_device_stores():
    with pytest.raises(InputError, match="8 to 16"):
        store(np.zeros((2, 2), np.float32), 20, False)
