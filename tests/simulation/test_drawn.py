"""The drawn pair is the ground that other tests stand on: its truth must hold in its pixels."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.errors import InputError
from napari_jsn.registration.frame import facing_margins, joint_frame
from napari_jsn.simulation.drawn import drawn_pair


@pytest.fixture(scope="module")
def pair():
    return drawn_pair(jsn_mm=0.3, seed=0)


def pulled_back(pair, bone):
    """The follow-up sampled where the truth says the baseline's points lie."""
    rows, cols = np.indices(pair.fixed.shape, dtype=float)
    moved = getattr(pair, bone)(np.stack([cols, rows], axis=-1))
    return ndimage.map_coordinates(pair.moving.astype(float), [moved[..., 1], moved[..., 0]], order=3, mode="nearest")


def test_images_look_as_the_contract_says(pair):
    for image, masks in ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)):
        assert image.shape == masks.shape == (127, 127)
        assert image.dtype == np.float32
        assert image.min() >= 0 and image.max() <= 1
        assert not (masks.upper & masks.lower).any()
        bone = masks.upper | masks.lower
        assert image[bone].mean() > 1.5 * image[~bone].mean()
    assert pair.spacing_mm == 0.175


@pytest.mark.parametrize("jsn_mm", [-0.4, 0.0, 0.15, 0.5])
def test_truth_is_the_narrowing_asked_for(jsn_mm):
    assert drawn_pair(jsn_mm, seed=5).jsn_mm == pytest.approx(jsn_mm, abs=1e-9)


@pytest.mark.parametrize("bone", ["upper", "lower"])
def test_true_motion_brings_each_bone_back_onto_itself(pair, bone):
    inside = ndimage.binary_erosion(getattr(pair.fixed_masks, bone), iterations=4)
    inside[:8] = inside[-8:] = False  # may lie outside the follow-up

    def likeness(image):
        return np.corrcoef(pair.fixed[inside], image[inside])[0, 1]

    assert likeness(pulled_back(pair, bone)) > 0.93 > likeness(pair.moving) + 0.1


@pytest.mark.parametrize("jsn_mm", [-0.5, 0.5])
def test_the_gap_in_the_masks_changes_as_much_as_was_drawn(jsn_mm):
    def gap_px(masks):
        bottom, top = facing_margins(masks)
        return np.median((top - bottom)[58:69])

    pair = drawn_pair(jsn_mm)
    assert gap_px(pair.fixed_masks) - gap_px(pair.moving_masks) == pytest.approx(jsn_mm / pair.spacing_mm, abs=1.0)


def test_the_frame_found_from_the_masks_is_the_one_drawn(pair):
    point, axis = joint_frame(pair.fixed_masks)
    assert point == pytest.approx(pair.point, abs=1)
    assert axis == pytest.approx(pair.axis, abs=0.03)
    assert pair.jsn_mm_at(point, axis) == pytest.approx(pair.jsn_mm, abs=0.01)


def test_a_seed_draws_the_same_pair_and_another_seed_another(pair):
    again, other = drawn_pair(0.3, seed=0), drawn_pair(0.3, seed=1)
    assert np.array_equal(pair.fixed, again.fixed) and np.array_equal(pair.moving, again.moving)
    assert not np.array_equal(pair.fixed, other.fixed)
    assert pair.upper != other.upper


@pytest.mark.parametrize("jsn_mm", [float("nan"), float("inf"), 2.0, -9.0])
def test_what_cannot_be_drawn_is_told(jsn_mm):
    with pytest.raises(InputError, match="cannot be drawn") as caught:
        drawn_pair(jsn_mm)
    assert caught.value.argument == "jsn_mm"
