import itertools
import os

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, shift

import napari_jsn as jsn
from napari_jsn.common.reasons import Reason, ReasonCode
from napari_jsn.evaluation import public_images
from napari_jsn.evaluation.registration.known_errors import half_planes
from napari_jsn.joint import BoneMasks
from napari_jsn.joint.geometry import are_halves, joint_frame
from napari_jsn.registration.halves import are_confused, bones_of_pair, label_by_halves, move_halves, without_border
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.segmentation.segment import segment
from napari_jsn.simulation.joint_pair import joint_pair

FORMS = ("none", "bones", "halves", "binary")


def given(form, bones):
    """Masks of one image in one of the forms that register accepts."""
    halves = half_planes(bones)
    binary = line_at_joint(bones).upper
    return {"none": None, "bones": bones, "halves": (halves.upper, halves.lower), "binary": binary}[form]


def halves_below(shape, row, slope=0.0):
    rows, cols = np.indices(shape)
    upper = rows < row + slope * cols
    return BoneMasks(upper, ~upper)


def line_at_joint(bones, below=0.0, slope=0.0):
    """Halves on either side of a line so many rows below the middle of the joint."""
    (col, row), _ = joint_frame(bones)
    return halves_below(bones.shape, row + below - slope * col, slope)


def drawn(bones, below=0):
    """Halves whose border is drawn along the joint space, so many rows below its middle."""
    upper, lower = (distance_transform_edt(~m) - distance_transform_edt(m) for m in (bones.upper, bones.lower))
    inside = shift((upper < lower).astype(float), (below, 0), order=0, mode="nearest") > 0.5
    return BoneMasks(inside, ~inside)


@pytest.mark.parametrize(("joint", "seed"), [("MCP2", 3), ("PIP3", 4), ("IP1", 5), ("DIP3", 74)])
def test_every_combination_of_masks_agrees_with_the_truth(joint, seed):
    pair = joint_pair(joint, 0.3, seed=seed, shape=(160, 160), spacing_mm=0.14)
    forms = [(a, b) for a, b in itertools.product(FORMS, FORMS) if "none" in (a, b) or a == b or b == "bones"]
    found = jsn.register_many(
        [pair.fixed] * len(forms), [pair.moving] * len(forms),
        [given(a, pair.fixed_masks) for a, _ in forms], [given(b, pair.moving_masks) for _, b in forms],
        [pair.spacing_mm] * len(forms),
    )  # fmt: skip
    for form, result in zip(forms, found, strict=True):
        truth = pair.jsn_projected_mm_at(result.point, result.axis)
        assert abs(result.jsn_mm - truth) < min(0.08, 2.5 * result.jsn_sd_mm), (form, result.jsn_mm, truth)
        assert result.reliable, (form, result.reasons)


@pytest.mark.skipif(not os.environ.get("NAPARI_JSN_DATA"), reason="NAPARI_JSN_DATA is unset")
def test_every_combination_of_masks_agrees_with_the_truth_of_the_phantom():
    """The masks of the phantom are halves; in two of its four images the network confuses the bones."""
    phantoms = public_images.phantom()
    given = {"none": lambda halves: None, "halves": lambda halves: halves, "binary": lambda halves: halves.upper}
    for a, b in itertools.product(given, given):
        results = jsn.register_many(
            [each.fixed for each in phantoms], [each.moving for each in phantoms],
            [given[a](each.fixed_masks) for each in phantoms], [given[b](each.moving_masks) for each in phantoms],
            [each.spacing_mm for each in phantoms],
        )  # fmt: skip
        for each, result in zip(phantoms, results, strict=True):
            low, high = result.ci95_mm
            assert result.reliable and low <= each.jsn_mm <= high, (a, b, result.jsn_mm, result.reasons)
        if a != "none":
            assert np.mean([abs(r.jsn_mm - p.jsn_mm) for r, p in zip(results, phantoms, strict=True)]) <= 0.010


@pytest.mark.parametrize(("joint", "seed"), [("MCP4", 2), ("MCP2", 104), ("PIP4", 12), ("DIP2", 31)])
def test_lines_beside_or_across_the_joint_space_change_no_figure(joint, seed):
    """The bones that are found decide; a line far beside the joint, or exchanged halves, are a reason of their own."""
    pair = joint_pair(joint, 0.2, seed=seed, shape=(128, 128), spacing_mm=0.2)
    bones = pair.fixed_masks
    near = [line_at_joint(bones, below, slope) for below, slope in ((0, 0), (-6, 0), (5, 0), (0, 0.4), (3, -0.2))]
    far = [line_at_joint(bones, below) for below in (-32, -22, 24, 34)]
    exchanged = [BoneMasks(each.lower, each.upper) for each in (near[0], near[3])]
    halves = [None, *near, *far, *exchanged]
    results = jsn.register_many(
        [pair.fixed] * len(halves), [pair.moving] * len(halves), halves, None, [pair.spacing_mm] * len(halves)
    )
    found = results[0]
    low, high = found.ci95_mm
    assert found.reliable and low <= pair.jsn_projected_mm_at(found.point, found.axis) <= high
    expected = [()] * (1 + len(near)) + [("MASKS_CONTRADICT_BONES",)] * len(far) + [("MASKS_EXCHANGED",)] * 2
    for result, codes in zip(results, expected, strict=True):
        assert result.jsn_mm == found.jsn_mm
        assert tuple(reason.code.name for reason in result.reasons) == codes
        assert "moving" not in result.reason
    assert "% of the upper bone lies in the lower half" in results[len(near) + 1].reason


@pytest.mark.parametrize("moved", [-14, -9, 9, 14])
def test_borders_that_are_drawn_beside_the_joint_space_change_no_figure(simulated, moved):
    halves = drawn(simulated.fixed_masks, moved)
    found, result = (
        jsn.register(simulated.fixed, simulated.moving, masks, spacing_mm=simulated.spacing_mm)
        for masks in (None, halves)
    )
    assert result.jsn_mm == found.jsn_mm


def test_halves_keep_their_labels_where_their_border_is_drawn_and_the_network_states_where_bone_is():
    pair = joint_pair("MCP2", 0.2, seed=1, shape=(128, 128), spacing_mm=0.175)
    found = segment(pair.fixed)
    halves = drawn(pair.fixed_masks)
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


@pytest.mark.parametrize(("row", "slope"), [(50, 0.0), (47, 0.06), (50.5, -0.01)])
@pytest.mark.parametrize("space", [50, 60, 42])
def test_the_image_decides_whether_halves_or_the_network_confuse_the_bones(row, slope, space):
    """The network takes a part of one bone for the other; the halves are right only if the joint space is there."""
    upper, lower = np.zeros((2, 100, 60), bool)
    upper[10:60, 15:45], lower[60:90, 15:45] = True, True  # the network sees the joint space at row 60
    image = np.full((100, 60), 0.2, np.float32)
    image[10:90, 15:45] = 0.7
    image[space - 2 : space + 3] = 0.2
    found = FoundBones(upper, lower, ())
    halves = halves_below((100, 60), row, slope)
    confused = space == 50
    assert are_confused(image, halves, found) is confused
    for given in ([halves, None], [None, halves], [halves, halves]):
        for each in bones_of_pair([image] * 2, given, [found, found], 60):
            np.testing.assert_array_equal(each.upper, (upper | lower) & halves.upper if confused else upper)


@pytest.mark.parametrize("count", [1, 2])
def test_of_images_without_bones_only_the_given_halves_are_named_as_exchanged(count):
    empty = np.zeros((96, 96), bool)
    nothing = FoundBones(empty, empty, (Reason(ReasonCode.BONE_NOT_FOUND),))
    flat, right = np.full((96, 96), 0.5, np.float32), halves_below((96, 96), 50)
    halves = BoneMasks(right.lower, right.upper)
    fixed, moving = bones_of_pair([flat, flat], [halves, halves if count == 2 else None], [nothing, nothing], 60)
    assert fixed is halves
    below = np.argwhere(moving.upper)[:, 0].mean() > np.argwhere(moving.lower)[:, 0].mean()
    assert below is np.bool_(count == 2)


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
