import re

import numpy as np
import pytest

from napari_jsn import InputError
from napari_jsn.joint import BoneMasks, JointImage


@pytest.fixture
def masks():
    upper, lower = np.zeros((6, 4), bool), np.zeros((6, 4), bool)
    upper[:3], lower[2:] = True, True  # row 2 belongs to both
    return BoneMasks(upper, lower)


def test_labels_mark_upper_lower_and_both(masks):
    assert masks.labels[:, 0].tolist() == [1, 1, 3, 2, 2, 2]
    assert masks.labels.dtype == np.uint8
    assert masks.shape == (6, 4)


def test_labels_round_trip(masks):
    again = BoneMasks.from_labels(masks.labels)
    np.testing.assert_array_equal(again.upper, masks.upper)
    np.testing.assert_array_equal(again.lower, masks.lower)


@pytest.mark.parametrize("dtype", [bool, np.uint8, float])
def test_one_binary_mask_means_the_upper_side_and_its_complement(masks, dtype):
    read = BoneMasks.from_labels(masks.upper.astype(dtype))
    np.testing.assert_array_equal(read.upper, masks.upper)
    np.testing.assert_array_equal(read.lower, ~masks.upper)


@pytest.mark.parametrize(("white", "dtype"), [(255, np.uint8), (255, int), (65535, np.uint16), (255.0, np.float32)])
def test_a_picture_mask_of_black_and_white_is_binary(masks, white, dtype):
    read = BoneMasks.from_labels(np.where(masks.upper, white, 0).astype(dtype))
    np.testing.assert_array_equal(read.upper, masks.upper)
    np.testing.assert_array_equal(read.lower, ~masks.upper)


def test_ones_and_white_are_one_side(masks):
    labels = masks.upper.astype(np.uint8)
    labels[1] = 255
    read = BoneMasks.from_labels(labels)
    np.testing.assert_array_equal(read.upper, masks.upper)
    np.testing.assert_array_equal(read.lower, ~masks.upper)


def test_a_mask_of_nothing_has_no_upper_bone():
    assert not BoneMasks.from_labels(np.zeros((3, 3))).upper.any()


def test_a_label_2_alone_is_the_lower_bone(masks):
    read = BoneMasks.from_labels(2 * masks.lower.astype(np.uint8))
    assert not read.upper.any()
    np.testing.assert_array_equal(read.lower, masks.lower)


@pytest.mark.parametrize(
    "values",
    [(0, 1, 7), (0, 4), (0, 5), (0, 4, 5), (0, 1, 2, 255), (0, 128, 255), (-1, 0), (0.0, 0.5), (0.0, 1.0, np.nan)],
)
def test_unknown_labels_are_refused_with_their_values(values):
    with pytest.raises(InputError, match=re.escape(str(list(values)))):
        BoneMasks.from_labels([values, values[::-1]])


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(3, 3\).*\(4, 4\)"):
        BoneMasks(np.ones((3, 3)), np.ones((4, 4)))


def test_masks_must_be_images():
    with pytest.raises(InputError):
        BoneMasks(np.ones(3), np.ones(3))


def test_masks_are_bool_whatever_they_came_as():
    read = BoneMasks(np.array([[0, 255]]), np.array([[1.0, 0.0]]))
    assert read.upper.dtype == read.lower.dtype == bool
    assert read.upper.tolist() == [[False, True]]


def test_a_joint_image_without_more_has_no_spacing_and_stands_alone():
    image = JointImage(np.zeros((3, 3), np.float32))
    assert image.spacing_mm is None
    np.testing.assert_array_equal(image.to_radiograph, np.eye(3))


@pytest.mark.parametrize(
    "values",
    [[0.0, 0.2, 0.9], [-4.2, 0.3, 6.1], [0, 100, 255], [0, 1, 255], [0.0, 0.5, 0.5], [-1.0, 0.0, 0.0], [0, 1, 2]],
)
@pytest.mark.parametrize("bone", ["upper", "lower"])
def test_probabilities_and_logits_are_no_masks(values, bone):
    soft, mask = np.array([values]), np.array([[False, True, True]])
    masks = {"upper": mask, "lower": mask} | {bone: soft}
    with pytest.raises(InputError, match=f"The {bone} bone mask has the values .* mask >= 0.5"):
        BoneMasks(**masks)


@pytest.mark.parametrize("values", [[0, 1, 1], [0, 255, 255], [0, 65535, 0], [0, 2, 2], [0.0, 1.0, 1.0], [0, 0, 0]])
def test_one_value_inside_is_a_mask(values):
    read = BoneMasks(np.array([values]), np.array([values]))
    np.testing.assert_array_equal(read.upper, np.array([values]) != 0)
