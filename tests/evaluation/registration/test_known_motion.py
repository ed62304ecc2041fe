"""Follow-ups of known motion: their pixels must agree with the true motion."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.evaluation.registration.known_motion import (
    PRESETS,
    KnownMotion,
    expose,
    make_pair,
    render_followup,
    smooth_field,
)
from napari_jsn.joint.geometry import joint_frame
from napari_jsn.joint.similarity import Similarity, image_centre

IDENTITY = KnownMotion(rotation_deg=0, scale=0, translation_px=0, relative_px=0, noise=0)


def make(simulated, preset, seed=0, **words):
    return make_pair(
        simulated.fixed, simulated.fixed_masks, simulated.spacing_mm, np.random.default_rng(seed), preset, **words
    )


def warped_back(image, matrix, shape):
    rows, cols = np.indices(shape, dtype=float)
    moved = np.stack([cols, rows, np.ones(shape)], axis=-1) @ matrix[:2].T
    return ndimage.map_coordinates(np.asarray(image, float), [moved[..., 1], moved[..., 0]], order=3, mode="nearest")


def inside(mask, depth=4):
    """Pixels well inside a bone, and away from the image border."""
    mask = ndimage.binary_erosion(mask, iterations=depth)
    mask[:12] = mask[-12:] = mask[:, :12] = mask[:, -12:] = False
    return mask


def test_a_pair_has_the_fields_of_the_contract(simulated):
    known = make(simulated, "easy", name="one")
    assert known.name == "one" and known.spacing_mm == simulated.spacing_mm
    assert known.moving.dtype == np.float32 and known.moving.shape == simulated.fixed.shape
    assert known.moving.min() >= 0 and known.moving.max() <= 1
    assert known.moving_masks.shape == simulated.fixed.shape
    np.testing.assert_array_equal(known.fixed, simulated.fixed)
    point, axis = joint_frame(simulated.fixed_masks)
    np.testing.assert_array_equal(known.point, point)
    assert known.jsn_px == known.jsn_px_at(point, axis)
    assert known.pair.fixed is known.fixed and known.pair.moving_masks is known.moving_masks
    assert known.pair.spacing_mm == known.spacing_mm and not hasattr(known.pair, "upper")


@pytest.mark.parametrize("bone", ["upper", "lower"])
def test_the_true_map_brings_each_bone_back(simulated, bone):
    motion = replace(PRESETS["hard"], noise=0.0)
    known = make(simulated, motion)
    where = inside(getattr(simulated.fixed_masks, bone))
    back = warped_back(known.moving, getattr(known, bone), simulated.fixed.shape)
    assert np.corrcoef(back[where], simulated.fixed[where])[0, 1] > 0.95
    other = warped_back(known.moving, getattr(known, "lower" if bone == "upper" else "upper"), simulated.fixed.shape)
    assert np.corrcoef(other[where], simulated.fixed[where])[0, 1] < 0.9


def test_masks_move_with_their_bones(simulated):
    known = make(simulated, "easy", seed=1)
    for bone in ("upper", "lower"):
        before, after = getattr(simulated.fixed_masks, bone), getattr(known.moving_masks, bone)
        back = warped_back(after, getattr(known, bone), before.shape) > 0.5
        where = np.zeros_like(before)
        where[8:-8, 8:-8] = True
        assert (back ^ before)[where].mean() < 0.01


def test_a_shift_of_one_bone_along_the_axis_is_the_narrowing(simulated):
    centre = image_centre(simulated.fixed.shape)
    upper, lower = Similarity(dy=1.5, centre=centre).matrix, Similarity(centre=centre).matrix
    known = replace(make(simulated, IDENTITY), upper=upper, lower=lower)
    assert known.jsn_px_at(known.point, np.array([0.0, 1.0])) == pytest.approx(1.5)


def test_no_motion_leaves_the_image(simulated):
    rng = np.random.default_rng(0)
    image, masks = render_followup(simulated.fixed, simulated.fixed_masks, np.eye(3), np.eye(3), rng, IDENTITY)
    np.testing.assert_allclose(image, simulated.fixed, atol=1e-4)
    np.testing.assert_array_equal(masks.labels, simulated.fixed_masks.labels)
    assert make(simulated, IDENTITY).jsn_px == pytest.approx(0, abs=1e-9)


def test_roll_moves_the_inside_of_a_bone_across_the_finger_only(simulated):
    image = simulated.fixed
    columns = np.broadcast_to(np.linspace(0, 1, 128), (128, 128)).astype(np.float32)
    rows = np.ascontiguousarray(columns.T)
    motion = replace(IDENTITY, roll_px=1.0)
    where = inside(simulated.fixed_masks.upper)
    moved = [
        render_followup(each, simulated.fixed_masks, np.eye(3), np.eye(3), np.random.default_rng(0), motion)[0]
        for each in (columns, rows, image)
    ]
    across, along = (127 * (now - was)[where] for now, was in zip(moved[:2], (columns, rows), strict=True))
    assert 0.4 < across.std() < 2.0
    assert np.abs(along).max() < 0.05
    assert np.abs(moved[2] - image)[where].max() > 0.02


def test_presets_are_what_they_are_called():
    assert PRESETS["easy"].roll_px == PRESETS["hard"].roll_px == 0
    assert [PRESETS[name].roll_px for name in ("roll-half", "roll", "roll-double")] == [0.5, 1.0, 2.0]
    assert PRESETS["hard"].noise > PRESETS["easy"].noise
    with pytest.raises(KeyError):
        PRESETS["no such"]


def test_motion_is_as_large_as_its_preset_says(simulated):
    small = 16
    cut = (
        simulated.fixed[::small, ::small],
        replace(
            simulated.fixed_masks,
            upper=simulated.fixed_masks.upper[::small, ::small],
            lower=simulated.fixed_masks.lower[::small, ::small],
        ),
    )
    rng = np.random.default_rng(0)
    bones = [
        matrix
        for _ in range(200)
        for pair in [
            make_pair(*cut, 1.0, rng, KnownMotion(rotation_deg=2, scale=0.01, translation_px=3, relative_px=1))
        ]
        for matrix in (pair.upper, pair.lower)
    ]
    angles = np.rad2deg([np.arctan2(matrix[1, 0], matrix[0, 0]) for matrix in bones])
    scales = [np.hypot(matrix[1, 0], matrix[0, 0]) for matrix in bones]
    assert angles.std() == pytest.approx(2, rel=0.15)
    assert np.std(scales) == pytest.approx(0.01, rel=0.15)


def test_exposure_changes_intensities_but_not_positions(simulated):
    exposed = expose(simulated.fixed, np.random.default_rng(0), 0.015)
    assert exposed.dtype == np.float32 and exposed.min() >= 0 and exposed.max() <= 1
    assert np.abs(exposed - simulated.fixed).mean() > 0.01
    assert np.corrcoef(exposed.ravel(), simulated.fixed.ravel())[0, 1] > 0.97


@pytest.mark.parametrize(("sd", "length"), [(1.0, 8.0), (0.5, 2.0)])
def test_a_smooth_field_has_the_spread_and_length_asked_for(sd, length):
    field = smooth_field((400, 300), np.random.default_rng(0), sd, length)
    assert field.shape == (400, 300)
    assert field.std() == pytest.approx(sd, rel=0.1)
    near = np.corrcoef(field[:, :-1].ravel(), field[:, 1:].ravel())[0, 1]
    assert near == pytest.approx(np.exp(-1 / (4 * length**2)), abs=0.01)  # white noise through a Gaussian


def test_a_seed_makes_the_same_pair_and_another_seed_another(simulated):
    one, again, other = make(simulated, "roll", 1), make(simulated, "roll", 1), make(simulated, "roll", 2)
    np.testing.assert_array_equal(one.moving, again.moving)
    np.testing.assert_array_equal(one.upper, again.upper)
    assert not np.allclose(one.upper, other.upper)
