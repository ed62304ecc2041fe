import pytest

from tests.fuzz.training import hands_problems, joints_problems


@pytest.mark.parametrize("first", [0, 5, 10])
def test_every_image_of_a_spoilt_folder_is_used_or_named(first):
    assert not [problem for number in range(first, first + 5) for problem in joints_problems(number)]


@pytest.mark.parametrize("first", [0, 5, 10])
def test_every_wrong_table_of_joints_is_refused_by_name_and_row(first):
    assert not [problem for number in range(first, first + 5) for problem in hands_problems(number)]
