import itertools

import numpy as np
import pytest
from scipy.ndimage import shift

import napari_jsn as jsn
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.evaluation.registration.known_errors import half_planes
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves
from napari_jsn.registration.halves import agree, bones_of_pair, label_by_halves, move_halves, without_border
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.segmentation.segment import segment
from napari_jsn.simulation.joint_pair import joint_pair

FORMS = ("none", "bones", "halves", "binary")


def given(form, bones):
    """Masks of one image in one of the forms that register accepts."""
    halves = half_planes(bones)
    return {"none": None, "bones": bones, "halves": (halves.upper, halves.lower), "binary": halves.upper}[form]


def halves_below(shape, row, slope=0.0):
    rows, cols = np.indices(shape)
    upper = rows < row + slope * cols
    return BoneMasks(upper, ~upper)


@pytest.mark.parametrize(("joint", "seed"), [("MCP2", 3), ("PIP3", 4), ("IP1", 5), ("DIP3", 74)])
def test_every_combination_of_masks_agrees_with_the_truth(joint, seed):
    pair = joint_pair(joint, 0.3, seed=seed, shape=(160, 160), spacing_mm=0.14)
    forms = [(a, b) for a, b in itertools.product(FORMS, FORMS) if "none" in (a, b) or a == b]
    found = jsn.register_many(
        [pair.fixed] * len(forms), [pair.moving] * len(forms),
        [given(a, pair.fixed_masks) for a, _ in forms], [given(b, pair.moving_masks) for _, b in forms],
        [pair.spacing_mm] * len(forms),
    )  # fmt: skip
    for form, result in zip(forms, found, strict=True):
        truth = pair.jsn_projected_mm_at(result.point, result.axis)
        assert abs(result.jsn_mm - truth) < min(0.08, 2.5 * result.jsn_sd_mm), (form, result.jsn_mm, truth)
        assert result.reliable, (form, result.reasons)


def test_halves_keep_their_labels_where_their_border_is_drawn_and_the_network_states_where_bone_is():
    pair = joint_pair("MCP2", 0.2, seed=1, shape=(128, 128), spacing_mm=0.175)
    found = segment(pair.fixed)
    upper = half_planes(pair.fixed_masks).upper
    upper = (
        np.logical_or(upper, np.roll(upper, 4, 0)) & (np.indices(upper.shape)[1] > 64) | upper
    )  # a step in the middle
    halves = BoneMasks(upper, ~upper)
    bones, _ = bones_of_pair([pair.fixed] * 2, [halves, None], [found, found], 60)
    np.testing.assert_array_equal(bones.upper | bones.lower, found.upper | found.lower)
    assert not (bones.upper & ~halves.upper).any() and not (bones.lower & ~halves.lower).any()


@pytest.mark.parametrize("slope", [0.0, 0.13, -0.5, 1.0])
def test_half_planes_that_agree_with_the_network_do_not_cut_its_bones(slope):
    """The bone's round end reaches over the line between the halves, to which it is inclined."""
    rows, cols = np.indices((100, 100))
    distance = rows - 50 - slope * (cols - 50)  # from the line, along the columns
    curve = 3 - ((cols - 50) / 18) ** 2  # the lower end of the upper bone
    inside = (cols > 20) & (cols < 80) & (abs(distance) < 45)
    found = FoundBones(inside & (distance < curve), inside & (distance > curve + 4), ())
    halves = halves_below((100, 100), 50 - slope * 50, slope)
    assert (found.upper & halves.lower).sum() > 50
    image = np.full((100, 100), 0.5, np.float32)
    for chosen in bones_of_pair([image] * 2, [halves, halves], [found, found], 60):
        np.testing.assert_array_equal(chosen.upper, found.upper)
        np.testing.assert_array_equal(chosen.lower, found.lower)


@pytest.mark.parametrize(("row", "slope", "agreeing"), [(40, 0.0, True), (38, 0.05, True), (44, 0.0, False)])
def test_half_planes_label_the_bones_of_both_images_only_where_they_contradict_the_network(row, slope, agreeing):
    upper, lower = np.zeros((2, 80, 60), bool)
    upper[10:40, 15:45], lower[38:70, 15:45] = True, True  # they overlap in two rows
    found = FoundBones(upper, lower, ())
    halves = halves_below((80, 60), row, slope)
    assert agree(halves, found) is agreeing
    image = np.full((80, 60), 0.5, np.float32)
    for given in ([halves, None], [None, halves]):
        chosen = bones_of_pair([image] * 2, given, [found, found], 60)
        for each in chosen:
            np.testing.assert_array_equal(each.upper, upper if agreeing else (upper | lower) & halves.upper)


def test_halves_across_inclined_bones_do_not_cut_the_bones_of_the_followup():
    """Bones that face each other along an inclined joint space in the follow-up are taken as the network finds them."""
    near = np.zeros((90, 90), bool)
    near[10:80, 10:80] = True
    regions = [halves_below((90, 90), row, slope) for row, slope in ((45, 0.0), (18, 0.6))]
    fixed, moving = (FoundBones(each.upper & near, each.lower & near, ()) for each in regions)
    image = np.full((90, 90), 0.5, np.float32)
    _, chosen = bones_of_pair([image] * 2, [halves_below((90, 90), 46), None], [fixed, moving], 60)
    np.testing.assert_array_equal(chosen.upper, moving.upper)
    np.testing.assert_array_equal(chosen.lower, moving.lower)


@pytest.mark.parametrize(("rows", "cols"), [(0, 0), (6, -4), (-5, 9)])
def test_halves_move_with_the_joint(rows, cols):
    pair = joint_pair("PIP3", 0.2, seed=2, shape=(128, 128), spacing_mm=0.175)
    bones, halves = pair.fixed_masks, half_planes(pair.fixed_masks)
    moved_bones = BoneMasks(*(shift(mask, (rows, cols), order=0) for mask in (bones.upper, bones.lower)))
    moved = move_halves(halves, bones, moved_bones)
    inner = (slice(20, -20),) * 2
    expected = np.roll(halves.upper, (rows, cols), (0, 1))
    assert (moved.upper ^ expected)[inner].mean() < 0.02
    assert (moved.upper ^ moved.lower).all()


def test_without_any_bone_the_halves_are_used_on_both_images_without_their_border_on_the_other():
    image, empty = np.full((96, 96), 0.5, np.float32), np.zeros((96, 96), bool)
    nothing = FoundBones(empty, empty, (Reason(ReasonCode.BONE_NOT_FOUND),))
    halves = halves_below((96, 96), 50)
    fixed, moving = bones_of_pair([image, image], [halves, None], [nothing, nothing], 60)
    np.testing.assert_array_equal(fixed.upper, halves.upper)
    np.testing.assert_array_equal(moving.upper, without_border(halves, 3).upper)
    assert moving.upper[3:47, 3:-3].all() and not moving.upper[:3].any() and not moving.upper[47:].any()


def test_labels_of_overlapping_bones_are_those_of_the_halves():
    both = np.zeros((40, 30), bool)
    both[5:35, 8:22] = True
    halves = halves_below((40, 30), 12, 0.5)
    bones = label_by_halves(BoneMasks(both, both), halves)
    np.testing.assert_array_equal(bones.upper, both & halves.upper)
    np.testing.assert_array_equal(bones.lower, both & halves.lower)


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ((slice(0, 30), slice(None)), (slice(30, None), slice(None)), True),
        ((slice(0, 27), slice(None)), (slice(33, None), slice(None)), True),  # a gap between the halves
        ((slice(0, 27), slice(12, 28)), (slice(33, None), slice(10, 30)), False),
        ((slice(0, 27), slice(12, 28)), (slice(33, 40), slice(None)), False),  # a broad base that touches both sides
    ],
)
def test_halves_are_masks_along_the_border(upper, lower, expected):
    masks = np.zeros((2, 60, 40), bool)
    masks[0][upper], masks[1][lower] = True, True
    assert are_halves(BoneMasks(*masks)) is expected
