import pytest
import torch

from napari_jsn.scoring.one_stage.targets import IGNORED, circle_targets, of_pixels, smoothed


@pytest.fixture(scope="module")
def joints():
    centres = torch.tensor([[[10.0, 8.0], [30.0, 8.0], [torch.nan, torch.nan]]])
    return circle_targets(centres, torch.tensor([3.0]), torch.tensor([6.0]), (20, 40))


@pytest.mark.parametrize(
    ("x", "y", "target"),
    [(10, 8, 1), (13, 8, 1), (14, 8, IGNORED), (16, 8, IGNORED), (17, 8, 0), (20, 8, 0), (30, 11, 2), (0, 19, 0)],
)
def test_circles_rings_and_background(joints, x, y, target):
    assert joints[0, y, x] == target


def test_a_joint_that_is_not_on_the_image_has_no_circle(joints):
    assert not (joints == 3).any()


def test_where_circles_overlap_the_nearest_joint_counts():
    centres = torch.tensor([[[10.0, 5.0], [13.0, 5.0]]])
    found = circle_targets(centres, torch.tensor([4.0]), torch.tensor([6.0]), (11, 25))
    assert found[0, 5, 11] == 1
    assert found[0, 5, 12] == 2


@pytest.mark.parametrize(
    ("grade", "expected"),
    [(0, [0.8, 0.2, 0, 0, 0]), (2, [0, 0.1, 0.8, 0.1, 0]), (4, [0, 0, 0, 0.2, 0.8]), (-1, [0, 0, 0, 0, 0])],
)
def test_probability_moves_to_the_neighbouring_grades(grade, expected):
    assert smoothed(torch.tensor(grade), 4, 0.2).tolist() == pytest.approx(expected)


def test_the_pixels_of_a_circle_have_the_values_of_their_joint(joints):
    values = of_pixels(joints, torch.tensor([[3.0, -1.0, 2.0]]))
    assert values.shape == ((joints > 0).sum(),)
    assert torch.equal(values == 3.0, joints[joints > 0] == 1)
    assert torch.equal(values == -1.0, joints[joints > 0] == 2)
    assert of_pixels(joints, torch.rand(1, 3, 4)).shape == (len(values), 4)
