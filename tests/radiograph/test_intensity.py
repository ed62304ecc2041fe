"""Grey levels and pixel spacings from whatever users hold."""

from __future__ import annotations

import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.spacing import check_spacing

RAMP = np.arange(12).reshape(3, 4)


@pytest.mark.parametrize(
    ("pixels", "low", "high"),
    [
        (RAMP.astype(np.uint8), 0, 11 / 255),
        ((RAMP * 300).astype(np.uint16), 0, 3300 / 4095),
        ((RAMP * 5000).astype(">u2"), 0, 55000 / 65535),
        (RAMP * 90, 0, 990 / 1023),
        (RAMP - 3, 125 / 255, 136 / 255),
        (RAMP * 250 - 1024, 1024 / 4095, 3774 / 4095),
        (RAMP * 10**6, 0, 1),
        (RAMP / 22 + 0.25, 0.25, 0.75),
        ((RAMP / 22).astype(np.float16), 0, 0.5),
        (RAMP * 20.0 + 7, 0, 1),
        (RAMP > 5, 0, 1),
    ],
)
def test_every_type_is_scaled_linearly_to_0_and_1(pixels, low, high):
    intensities = to_intensities(pixels)
    assert intensities.dtype == np.float32 and intensities.shape == (3, 4)
    assert (intensities.min(), intensities.max()) == pytest.approx((low, high), abs=1e-3)
    if pixels.dtype != bool:
        np.testing.assert_allclose(intensities, low + RAMP / 11 * (high - low), atol=1e-3)


def test_the_answer_is_a_copy():
    pixels = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    to_intensities(pixels)[:] = 0
    assert pixels.max() == 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_equal_channels_are_grey_and_opacity_is_ignored(channels):
    image = np.stack([RAMP.astype(np.uint8)] * channels, axis=-1)
    if channels in (2, 4):
        image[..., -1] = 200
    np.testing.assert_array_equal(to_intensities(image), to_intensities(RAMP.astype(np.uint8)))


def test_colours_become_luminance():
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0], image[0, 1], image[1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    np.testing.assert_allclose(to_intensities(image), [[0.2126, 0.7152], [0.0722, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((4, 4)), "no contrast"),
        (np.full((4, 4), 0.3) + np.eye(4) * 1e-12, "no contrast"),
        (np.full((4, 4, 3), (10, 20, 30), np.uint8), "no contrast"),
        (np.array([[0, np.nan]]), "NaN"),
        (np.array([[0, np.inf]]), "infinite"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros((5, 6, 7)), "single 2-D image"),
        (np.zeros(5), "single 2-D image"),
        (np.array([["a", "b"]]), "numbers"),
        (np.array([[1j, 2]]), "numbers"),
        ([[1, 2], [3]], "array"),
        ("hand.png", "numbers"),
    ],
)
def test_refusals_are_sentences_that_name_the_argument(pixels, words):
    with pytest.raises(InputError, match=words) as refusal:
        to_intensities(pixels, "moving")
    assert refusal.value.argument == "moving"
    assert "moving" in str(refusal.value) and str(refusal.value).endswith(".")


def test_a_refusal_can_call_the_image_by_name():
    with pytest.raises(InputError, match="^hand.png has no contrast: .* It is blank: export it again"):
        to_intensities(np.ones((3, 3)), name="hand.png")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        (0.175, 0.175),
        (1, 1.0),
        (np.float32(0.5), 0.5),
        (np.array(0.2), 0.2),
        ((0.2, 0.2), 0.2),
        ([0.2, 0.1], (0.2, 0.1)),
        (np.array([0.2, 0.1]), (0.2, 0.1)),
    ],
)
def test_spacings_that_pass(given, kept):
    assert check_spacing(given) == kept


@pytest.mark.parametrize(
    "given", [0, -0.1, float("nan"), float("inf"), "0.175", True, np.True_, (), (0.1, 0), (0.1, 0.1, 0.1), {}, [[0.1]]]
)
def test_spacings_that_do_not(given):
    with pytest.raises(InputError, match="moving_spacing_mm") as refusal:
        check_spacing(given, "moving_spacing_mm")
    assert refusal.value.argument == "moving_spacing_mm"
