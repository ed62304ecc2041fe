"""Simulated joint images at two visits, and the truth beside them."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.joint.geometry import facing_margins, joint_frame
from napari_jsn.joint.similarity import joint_space_narrowing
from napari_jsn.simulation.damage.difficulty import difficulty
from napari_jsn.simulation.exposure.detector import Detector
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import joint_pair, joint_pairs
from napari_jsn.simulation.tissue.trabecular_texture import STEP_MM, trabecular_textures
from napari_jsn.simulation.visit import SLIDE_MM_PER_DEG

#: Only the given changes.
NO_MOTION = Motion()


@pytest.fixture(scope="module")
def pair():
    return joint_pair("PIP3", 0.2, seed=4)


def test_images_are_radiographs_of_a_joint(pair):
    assert pair.fixed.shape == pair.moving.shape == pair.fixed_masks.shape == (256, 256)
    assert pair.fixed.dtype == np.float32
    assert 0 <= pair.fixed.min() < pair.fixed.max() <= 1
    upper, lower = pair.fixed_masks.upper, pair.fixed_masks.lower
    beside = ~(upper | lower)
    assert pair.fixed[upper].mean() > pair.fixed[beside].mean() + 0.05
    # distal is up
    assert np.argwhere(upper).mean(0)[0] < pair.fixed_truth.centre[1] < np.argwhere(lower).mean(0)[0]


def test_the_joint_is_in_the_middle_and_upright(pair):
    assert np.abs(pair.fixed_truth.centre - 128).max() < 25
    assert pair.fixed_truth.axis[1] > 0.97


def test_narrowing_in_space_is_what_was_asked(pair):
    assert pair.jsn_mm == pytest.approx(0.2, abs=1e-6)
    assert pair.moving_truth.jsw_mm == pytest.approx(pair.fixed_truth.jsw_mm - 0.2, abs=1e-6)
    assert pair.fixed_truth.jsn_mm == pair.fixed_truth.jsn_projected_mm == 0


@pytest.mark.parametrize("joint", ["MCP1", "MCP3", "PIP2", "IP1", "DIP4"])
def test_projected_narrowing_agrees_when_nothing_else_moves(joint):
    pair = joint_pair(joint, 0.3, seed=1, motion=NO_MOTION)

    # a joint that slopes out of the radiograph's plane shows its narrowing a little shortened
    assert pair.jsn_projected_mm == pytest.approx(0.3, abs=0.01)


def test_projected_narrowing_is_read_from_the_true_maps(pair):
    truth, first = pair.moving_truth, pair.fixed_truth
    read = joint_space_narrowing(truth.upper.matrix, truth.lower.matrix, first.centre, first.axis)

    assert pair.spacing_mm * read == pytest.approx(pair.jsn_projected_mm, abs=1e-6)
    assert pair.jsn_projected_mm_at(pair.point, pair.axis) == pytest.approx(pair.jsn_projected_mm, abs=1e-6)


def test_true_maps_carry_the_masks():
    pair = joint_pair(
        "MCP3", 0.4, seed=2, motion=Motion(rotation_deg=6, crop_rotation_deg=-4, crop_translation_mm=(1.0, 0.5))
    )

    for name in ("upper", "lower"):
        mask = getattr(pair.fixed_masks, name)
        rows, cols = np.nonzero(mask)
        moved = np.round(getattr(pair.moving_truth, name)(np.stack([cols, rows], -1))).astype(int)
        inside = ((moved >= 0) & (moved < 256)).all(1)
        hit = getattr(pair.moving_masks, name)[moved[inside, 1], moved[inside, 0]]
        assert hit.mean() > 0.97


@pytest.mark.parametrize("bone", ["upper", "lower"])
def test_true_motion_brings_each_bone_back_onto_itself(simulated, bone):
    rows, cols = np.indices(simulated.fixed.shape, dtype=float)
    moved = getattr(simulated, bone)(np.stack([cols, rows], axis=-1))
    back = ndimage.map_coordinates(simulated.moving, [moved[..., 1], moved[..., 0]], order=3, mode="nearest")
    inside = ndimage.binary_erosion(getattr(simulated.fixed_masks, bone), iterations=4)
    inside[:8] = inside[-8:] = False  # may lie outside the follow-up

    def ncc(image):
        return np.corrcoef(simulated.fixed[inside], image[inside])[0, 1]

    assert ncc(back) > 0.93
    assert ncc(back) > ncc(simulated.moving) + 0.03


@pytest.mark.parametrize("jsn_mm", [-0.5, 0.5])
def test_the_gap_in_the_masks_changes_as_much_as_the_truth_says(plain_pair, jsn_mm):
    def gap_px(masks):
        bottom, top = facing_margins(masks)
        return np.median((top - bottom)[58:69])

    pair = plain_pair(jsn_mm)
    found = gap_px(pair.fixed_masks) - gap_px(pair.moving_masks)
    assert found == pytest.approx(pair.jsn_projected_mm / pair.spacing_mm, abs=1.0)


def test_the_frame_from_the_masks_is_as_good_as_the_true_one(simulated):
    point, axis = joint_frame(simulated.fixed_masks)
    assert point[0] == pytest.approx(simulated.point[0], abs=3)
    # the rim of the phalanx hides the middle of its hollow, so margins meet below the middle of the gap
    assert 0 < (point - simulated.point)[1] * simulated.spacing_mm < 1.5
    assert axis == pytest.approx(simulated.axis, abs=0.03)
    assert simulated.jsn_projected_mm_at(point, axis) == pytest.approx(simulated.jsn_projected_mm, abs=0.01)


def test_roll_changes_the_image_but_hardly_the_narrowing():
    motions = (Motion(), Motion(roll_upper_deg=5.0, roll_lower_deg=5.0))
    without_roll, rolled = (joint_pair("MCP3", 0.0, seed=6, motion=m, detector=Detector.ideal()) for m in motions)
    assert abs(rolled.jsn_projected_mm) < 0.06
    bones = without_roll.fixed_masks.upper | without_roll.fixed_masks.lower
    before, after = (np.abs(p.moving - p.fixed)[bones].mean() for p in (without_roll, rolled))
    assert after > 1.5 * before


def test_widening_is_negative():
    assert joint_pair("MCP2", -0.3, seed=3, motion=NO_MOTION).jsn_projected_mm == pytest.approx(-0.3, abs=0.01)


def test_right_hands_are_mirrored():
    left, right = (joint_pair("MCP1", 0.1, seed=5, side=side, motion=NO_MOTION) for side in "LR")

    assert (left.fixed_truth.side, right.fixed_truth.side) == ("L", "R")
    # jitter of the crop is the same for both, so only the overlap of the mirrored masks is compared
    flipped = right.fixed_masks.upper[:, ::-1]
    assert (flipped & left.fixed_masks.upper).sum() > 0.75 * left.fixed_masks.upper.sum()


def test_the_same_seed_gives_the_same_pair(pair):
    again = joint_pair("PIP3", 0.2, seed=4)

    np.testing.assert_array_equal(again.fixed, pair.fixed)
    np.testing.assert_array_equal(again.moving, pair.moving)
    other = joint_pair("PIP3", 0.2, seed=5)
    assert np.abs(other.fixed - pair.fixed).mean() > 0.01


def test_the_truth_does_not_depend_on_the_device(pair):
    other = joint_pair("PIP3", 0.2, seed=4, detector=replace(Detector.ideal(), blur_mm=0.2))

    assert other.jsn_projected_mm == pair.jsn_projected_mm
    np.testing.assert_array_equal(other.fixed_masks.labels, pair.fixed_masks.labels)


def test_a_stream_goes_from_patient_to_patient():
    pairs = list(islice(joint_pairs(1, ("MCP2", "PIP2"), shape=(64, 64), spacing_mm=0.35), 4))

    assert [p.fixed_truth.joint for p in pairs] == ["MCP2", "PIP2", "MCP2", "PIP2"]
    assert pairs[0].spacing_mm != pairs[2].spacing_mm
    assert pairs[0].fixed.shape == (64, 64)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"joint": "MCP6"}, "MCP6"),
        ({"jsn_mm": 3.0}, "cannot be simulated"),
        ({"jsn_mm": float("nan")}, "cannot be simulated"),
        ({"shape": (255, 255)}, "even number"),
        ({"spacing_mm": 0.0}, "0.02 to 0.5"),
        ({"side": "left"}, "'L' or 'R'"),
    ],
)
def test_impossible_requests_are_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        joint_pair(**arguments)


# versions, and damage


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: joint_pair("MCP2", 0.1, difficulty=9), "no difficulty version 9"),
        (lambda: joint_pairs(0, difficulty=0), "no difficulty version 0"),
        (lambda: joint_pairs(0, grades="all"), "no sampling of grades 'all'"),
        (lambda: joint_pairs(0, difficulty=-1, grades="uniform"), "no difficulty version -1"),
    ],
)
def test_unknown_versions_and_samplings_are_refused_before_anything_is_drawn(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_versions_draw_the_same_patient_with_other_bones():
    small = {"shape": (96, 96), "spacing_mm": 0.23, "motion": NO_MOTION}
    first, newest = (joint_pair("MCP3", 0.2, seed=5, difficulty=version, **small) for version in (1, 4))
    np.testing.assert_array_equal(first.fixed, joint_pair("MCP3", 0.2, seed=5, **small).fixed)
    assert newest.jsn_mm == pytest.approx(first.jsn_mm) and newest.fixed_truth.jsw_mm == first.fixed_truth.jsw_mm
    # the base is narrower at its rim and towards the shaft
    breadths = {}
    for name, pair in (("first", first), ("newest", newest)):
        rows = pair.fixed_masks.upper.sum(axis=1)
        rim = int(np.flatnonzero(rows)[-1])
        breadths[name] = rows[rim - np.array([4, 13, 35])] / rows.max()  # 1, 3 and 8 mm from it
    assert breadths["newest"][1] > 0.95
    assert (breadths["newest"] < breadths["first"] - [0.03, -0.1, 0.05]).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_fine_texture_has_more_than_one_size_of_trabeculae(seed):
    spread = []
    for fine in (False, True):
        slab = trabecular_textures(seed, fine)[0].sum(axis=0)[:224, :224]
        power = np.abs(np.fft.rfft2(slab - slab.mean())) ** 2
        across = power.sum(axis=0)[1:]
        frequency = np.arange(1, len(across) + 1) / (224 * STEP_MM[2])
        middle = (frequency >= 0.3) & (frequency < 1.6)
        spread.append(1 - across[middle].sum() / across.sum())
    assert spread[1] > spread[0] + 0.15


@pytest.mark.parametrize(("version", "px_per_deg"), [(1, 0.28), (2, 0.28), (3, 0.62), (4, 0.62)])
def test_motion_has_the_distribution_of_its_version(version, px_per_deg):
    rng, factors = np.random.default_rng(1), difficulty(version).joint_pose
    drawn = [Motion.draw(rng, factors=factors) for _ in range(4000)]
    rotation = np.abs([one.rotation_deg for one in drawn])
    total_mm = np.array([one.slide_mm + SLIDE_MM_PER_DEG * one.rotation_deg for one in drawn])
    turned = rotation > 1
    assert 2.4 < np.median(rotation) < 3.4 and 8.0 < np.quantile(rotation, 0.95) < 11.0
    slope = np.median(total_mm[turned] / np.array([one.rotation_deg for one in drawn])[turned]) / 0.175
    assert slope == pytest.approx(px_per_deg, abs=0.03)


@pytest.fixture(scope="module")
def damaged_pairs():
    joints = ("MCP2", "PIP3", "DIP4", "IP1")
    pairs = joint_pairs(2, joints, (96, 96), 0.23, difficulty=3, grades="uniform")
    return list(islice(pairs, 24))


def test_damaged_pairs_have_displaced_and_overlapping_bones(damaged_pairs):
    displaced = [one for one in damaged_pairs if any(one.narrowing.displaced_mm)]
    others = [one for one in damaged_pairs if not any(one.narrowing.displaced_mm) and not one.narrowing.fused]
    assert len(displaced) >= 2 and len(others) >= 10

    def overlap(one):
        return (one.fixed_masks.upper & one.fixed_masks.lower).sum()

    assert max(overlap(one) for one in displaced) > 3 * np.median([overlap(one) for one in others])
    assert all(one.fixed_masks.upper.any() and one.moving_masks.lower.any() for one in damaged_pairs)


def test_fused_joints_do_not_narrow_and_others_keep_a_space(damaged_pairs):
    for one in damaged_pairs:
        if one.narrowing.fused:
            assert one.jsn_mm == pytest.approx(0.0, abs=1e-6)
        elif not any(one.narrowing.displaced_mm) and one.fixed_truth.jsw_mm > 0.1:
            assert one.moving_truth.jsw_mm > 0.02
    assert any(one.narrowing.fused for one in damaged_pairs) and np.ptp([one.jsn_mm for one in damaged_pairs]) > 0.1
