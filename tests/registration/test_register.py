"""What register measures, what its result holds, and how many pairs, devices and aborts behave."""

import math
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
import torch

from napari_jsn.evaluation.registration.known_motion import make_pair
from napari_jsn.joint import BoneMasks, JointImage
from napari_jsn.joint.similarity import image_centre, joint_space_narrowing
from napari_jsn.registration.gauss_newton import refined
from napari_jsn.registration.method_names import METHODS
from napari_jsn.registration.register import register, register_many

NARROWINGS_MM = (-0.5, -0.2, -0.06, 0.06, 0.15, 0.6)


def cut(image, rows, cols):
    """A crop of an image or of masks."""
    if isinstance(image, BoneMasks):
        return BoneMasks(image.upper[rows, cols], image.lower[rows, cols])
    return image[rows, cols]


@pytest.fixture(scope="module")
def many(plain_pair):
    pairs = [plain_pair(jsn_mm, seed) for seed, jsn_mm in enumerate(NARROWINGS_MM)]
    results = register_many(
        [pair.fixed for pair in pairs],
        [pair.moving for pair in pairs],
        [pair.fixed_masks for pair in pairs],
        [pair.moving_masks for pair in pairs],
        spacing_mm=0.175,
    )
    return list(zip(pairs, results, strict=True))


def test_simulated_pairs_are_measured(many):
    for pair, result in many:
        assert result.jsn_mm == pytest.approx(
            pair.jsn_projected_mm_at(result.point, result.axis), abs=0.02 + 0.04 * abs(pair.jsn_projected_mm)
        )
        assert result.reliable and result.reason == ""
        assert 0 < result.jsn_sd_mm < 0.04


def test_narrower_is_positive_and_wider_negative(many):
    for pair, result in many:
        assert np.sign(result.jsn_mm) == np.sign(pair.jsn_projected_mm)


def test_each_bone_is_found_where_it_went(many):
    for pair, result in many:
        for bone in ("upper", "lower"):
            np.testing.assert_allclose(getattr(result, bone)(result.point), getattr(pair, bone)(result.point), atol=0.3)


@pytest.mark.parametrize(("preset", "within_mm"), [("easy", 0.03), ("roll", 0.09)])
def test_known_motion_of_one_image(simulated, preset, within_mm):
    rng = np.random.default_rng(5)
    known = [make_pair(simulated.fixed, simulated.fixed_masks, simulated.spacing_mm, rng, preset) for _ in range(3)]
    results = register_many(
        [each.fixed for each in known],
        [each.moving for each in known],
        [each.fixed_masks for each in known],
        [each.moving_masks for each in known],
        spacing_mm=simulated.spacing_mm,
    )
    for each, result in zip(known, results, strict=True):
        assert result.jsn_px == pytest.approx(each.jsn_px_at(result.point, result.axis), abs=within_mm / 0.175)
        assert result.reliable, result.reason


def test_figures_agree_with_the_maps_of_the_bones(measured, simulated):
    upper, lower = measured.upper, measured.lower
    assert upper.centre == lower.centre == image_centre(simulated.fixed.shape)
    narrowing = joint_space_narrowing(upper.matrix, lower.matrix, measured.point, measured.axis)
    assert measured.jsn_px == pytest.approx(narrowing)
    assert measured.jsn_mm == pytest.approx(0.175 * measured.jsn_px)
    assert measured.jsn_sd_mm == pytest.approx(0.175 * measured.jsn_sd_px)
    assert measured.jsn_eq7_mm == pytest.approx(0.175 * (upper.dy - lower.dy))  # Eq. 7
    assert measured.spacing_mm == 0.175 and measured.method == "refined"
    assert np.hypot(*measured.axis) == pytest.approx(1) and measured.axis[1] > 0.9


def test_the_interval_is_the_normal_one(measured):
    low, high = measured.ci95_mm
    assert (low + high) / 2 == pytest.approx(measured.jsn_mm)
    assert high - low == pytest.approx(2 * 1.96 * measured.jsn_sd_mm, rel=1e-3)
    assert measured.ci95_px == pytest.approx((low / 0.175, high / 0.175))


def test_pictures_and_losses_belong_together(measured, simulated):
    masks = simulated.fixed_masks
    assert measured.fixed_masks is masks
    for image in (measured.transformed, measured.original_spectrum, measured.transformed_spectrum):
        assert image.shape == simulated.fixed.shape and image.dtype == np.float32
    bone = masks.upper | masks.lower
    squared = np.square(simulated.fixed - measured.transformed)
    np.testing.assert_allclose(measured.transformed_spectrum[bone], squared[bone], atol=1e-6)
    assert measured.original_loss > 3 * measured.transformed_loss
    halves = [measured.transformed_spectrum[mask].mean() for mask in (masks.upper, masks.lower)]
    assert measured.transformed_loss == pytest.approx(np.mean(halves), rel=0.1)  # but for what left the view


def test_the_result_of_register_states_how_long_it_took(measured, many):
    assert measured.seconds > 0 and [result.seconds for _, result in many] == [None] * len(many)


def test_a_result_is_frozen(measured):
    for field in fields(measured):
        with pytest.raises(FrozenInstanceError):
            setattr(measured, field.name, None)


def test_the_inputs_are_left_as_they_were(simulated):
    given = [
        simulated.fixed.copy(),
        simulated.moving.copy(),
        simulated.fixed_masks.labels.copy(),
        simulated.moving_masks.labels.copy(),
    ]
    kept = [each.copy() for each in given]
    register(*given, spacing_mm=0.175)
    for before, after in zip(kept, given, strict=True):
        np.testing.assert_array_equal(before, after)


def test_without_spacing_the_result_is_in_pixels(simulated, measured):
    result = register(simulated.fixed, simulated.moving, simulated.fixed_masks, simulated.moving_masks)
    for missing in (result.jsn_mm, result.jsn_sd_mm, *result.ci95_mm, result.jsn_eq7_mm):
        assert math.isnan(missing)
    assert result.spacing_mm is None
    assert result.jsn_px == pytest.approx(measured.jsn_px, abs=1e-3)
    assert result.jsn_sd_px == pytest.approx(measured.jsn_sd_px, rel=1e-2)
    assert result.reliable


def test_a_batch_of_mixed_sizes_equals_single_calls(simulated, other):
    windows = [
        (slice(0, 128), slice(0, 128)),
        (slice(8, 120), slice(4, 128)),
        (slice(14, 118), slice(0, 110)),
    ]
    fixed = [cut(simulated.fixed, *windows[0]), cut(simulated.fixed, *windows[1]), cut(other.fixed, *windows[2])]
    moving = [cut(simulated.moving, *windows[1]), cut(simulated.moving, *windows[1]), cut(other.moving, *windows[0])]
    fixed_masks = [None, cut(simulated.fixed_masks, *windows[1]), cut(other.fixed_masks, *windows[2])]
    moving_masks = [cut(simulated.moving_masks, *windows[1]), cut(simulated.moving_masks, *windows[1]), None]
    spacing, moving_spacing = [0.175, None, 0.15], [0.175, None, 0.16]
    together = register_many(fixed, moving, fixed_masks, moving_masks, spacing, moving_spacing)
    assert len(together) == 3
    for k, result in enumerate(together):
        alone = register(fixed[k], moving[k], fixed_masks[k], moving_masks[k], spacing[k], moving_spacing[k])
        assert result.jsn_px == pytest.approx(alone.jsn_px, abs=1e-3)
        assert result.jsn_sd_px == pytest.approx(alone.jsn_sd_px, abs=1e-3)
        assert (result.reliable, result.reason) == (alone.reliable, alone.reason)
        for bone in ("upper", "lower"):
            here, there = getattr(result, bone)(result.point), getattr(alone, bone)(alone.point)
            np.testing.assert_allclose(here, there, atol=1e-3)


def test_no_pairs_give_no_results():
    assert register_many([], []) == []


def test_a_joint_image_brings_its_spacing(simulated, measured):
    result = register(
        JointImage(simulated.fixed, 0.175),
        JointImage(simulated.moving, 0.175),
        simulated.fixed_masks,
        simulated.moving_masks,
    )
    assert result.jsn_mm == pytest.approx(measured.jsn_mm, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_measures_a_simulated_pair(simulated, method):
    result = register(
        simulated.fixed,
        simulated.moving,
        simulated.fixed_masks,
        simulated.moving_masks,
        0.175,
        method=method,
        device="cpu",
    )
    assert result.method == method
    assert result.jsn_mm == pytest.approx(simulated.jsn_projected_mm, abs=0.15)
    used = {"refined": {"registration", "registration-refined"}, "network": {"registration"}, "pipoc": set()}
    assert set(result.models) == used[method]  # the masks are given, so that no bones are segmented
    assert all(len(identity.split(" ")[-1]) == 64 for identity in result.models.values())


def test_the_model_that_finds_the_bones_is_named(simulated):
    result = register(simulated.fixed, simulated.moving, simulated.fixed_masks, None, 0.175, method="pipoc")
    assert list(result.models) == ["segmentation"] and result.models["segmentation"].startswith("default ")


def test_both_images_may_be_one(simulated):
    result = register(simulated.fixed, simulated.fixed, simulated.fixed_masks, simulated.fixed_masks, 0.175)
    assert result.jsn_mm == pytest.approx(0, abs=2e-3)
    assert result.reliable


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_and_cpu_agree(simulated, other):
    pairs = [simulated, other]
    fixed, moving = [pair.fixed for pair in pairs], [pair.moving for pair in pairs]
    masks = [pair.fixed_masks for pair in pairs], [pair.moving_masks for pair in pairs]
    for a, b in zip(*(register_many(fixed, moving, *masks, 0.175, device=name) for name in ("cuda", "cpu"))):
        assert a.jsn_px == pytest.approx(b.jsn_px, abs=5e-3)
        assert a.reliable == b.reliable


class StopsAfter:
    """A progress that asks to stop once this many pairs are done."""

    def __init__(self, enough):
        self.enough, self.seen = enough, []

    @property
    def aborted(self):
        return bool(self.seen) and self.seen[-1][0] >= self.enough

    def update(self, done, total, message=""):
        self.seen.append((done, total))


def test_abort_returns_what_is_done(simulated, measured, monkeypatch):
    monkeypatch.setattr(refined, "BATCH", 1)
    progress = StopsAfter(2)
    four = [[each] * 4 for each in (simulated.fixed, simulated.moving, simulated.fixed_masks, simulated.moving_masks)]
    results = register_many(*four, spacing_mm=0.175, progress=progress)
    assert len(results) == 2
    assert results[1].jsn_px == pytest.approx(measured.jsn_px, abs=1e-3)
    assert progress.seen == [(0, 4), (1, 4), (2, 4)]


def test_a_single_pair_aborted_is_reported(simulated):
    with pytest.raises(ValueError, match="aborted"):
        register(
            simulated.fixed, simulated.moving, simulated.fixed_masks, simulated.moving_masks, progress=StopsAfter(0)
        )
