"""Blur in one direction, on the joints of the shipped sample: no engine is needed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.progression.notes import progression_notes
from napari_jsn.width.directional_blur import detail_ratios, directional_change
from tests.progression.made_up import progression


def notes(change, joints=10):
    """Notes on a follow-up whose joint images were changed."""
    rows = []
    for row in progression().narrowings[:joints]:
        if row.followup is not None:
            image = replace(row.followup.image, pixels=change(row.followup.image.pixels).astype(np.float32))
            rows.append(replace(row, followup=replace(row.followup, image=image)))
    return [note for note in progression_notes([], rows) if "detail of the bones along" in note]


def motion(length, axis):
    return lambda pixels: ndimage.uniform_filter1d(pixels, length, axis=axis)


def noisy(change, sd):
    return lambda pixels: change(pixels) + sd * np.random.default_rng(3).standard_normal(pixels.shape)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (motion(4, 0), "weaker"),
        (motion(5, 0), "weaker"),
        (noisy(motion(5, 0), 0.002), "weaker"),
        (motion(4, 1), "stronger"),
        (lambda pixels: ndimage.gaussian_filter(pixels, (1.5, 0)), "weaker"),
    ],
)
def test_blur_in_one_direction_is_noted(change, word):
    (note,) = notes(change)
    assert note.startswith("Visit 2, left: detail of the bones along the fingers") and f"% {word} than" in note


@pytest.mark.parametrize(
    "change",
    [
        lambda pixels: pixels,
        lambda pixels: ndimage.gaussian_filter(pixels, 1.0),
        lambda pixels: 2 * pixels - ndimage.gaussian_filter(pixels, 2),
        lambda pixels: pixels**0.7,
        noisy(lambda pixels: pixels, 0.004),
    ],
)
def test_changes_that_are_equal_in_all_directions_are_not(change):
    assert notes(change) == []


def test_few_bones_show_nothing():
    assert notes(motion(5, 0), joints=2) == []
    assert np.isnan(directional_change({}, {}))


def test_bones_that_are_not_in_view_are_left_out():
    view = progression().narrowings[1].baseline
    nothing = np.zeros_like(view.masks.upper)
    assert set(detail_ratios(view.image.pixels, view.masks, view.pixel_mm)) == {"upper", "lower"}
    only = BoneMasks(nothing, view.masks.lower)
    assert set(detail_ratios(view.image.pixels, only, view.pixel_mm)) == {"lower"}
    flat = np.zeros_like(view.image.pixels)
    assert detail_ratios(flat, view.masks, view.pixel_mm) == {}
