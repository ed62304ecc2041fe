"""Grades from figures of a joint."""

import pytest

from napari_jsn.simulation.shapes.joint_grades import displacement_mark, erosion_from, erosion_points, narrowing_from


@pytest.mark.parametrize(
    ("left", "narrowest", "mark", "grade"),
    [
        (1.0, 1.0, "", 0), (0.91, 0.8, "", 0), (0.97, 0.7, "", 1), (0.8, 1.0, "", 1), (0.6, 0.4, "", 2),
        (0.5, 1.0, "", 3), (0.0, 1.0, "", 3), (-0.2, 1.0, "", 3), (0.9, 1.0, "subluxation", 3),
        (0.9, 1.0, "luxation", 4), (0.05, 1.0, "ankylosis", 4),
    ],
)  # fmt: skip
def test_narrowing(left, narrowest, mark, grade):
    assert narrowing_from(left, narrowest, mark) == grade


@pytest.mark.parametrize(
    ("displacement", "overlap_mm", "fused", "mark"),
    [
        (0.1, -1.0, False, ""), (0.3, 0.0, False, "subluxation"), (-0.3, 0.0, False, "subluxation"),
        (0.0, 1.5, False, "subluxation"), (-0.9, 0.0, False, "luxation"), (0.0, 5.0, False, "luxation"),
        (0.3, 0.0, True, "ankylosis"),
    ],
)  # fmt: skip
def test_marks(displacement, overlap_mm, fused, mark):
    assert displacement_mark(displacement, overlap_mm, fused) == mark


@pytest.mark.parametrize(
    ("shares", "collapsed", "grade"),
    [
        ((), False, 0), ((0.02,), False, 0), ((0.1,), False, 1), ((0.3,), False, 2), ((0.6,), False, 3),
        ((0.1, 0.1, 0.1), False, 3), ((0.6, 0.6), False, 5), ((0.6, 0.3, 0.3, 0.3), False, 5), ((0.95,), False, 5),
        ((0.1,), True, 5),
    ],
)  # fmt: skip
def test_erosions_of_a_site_add_up_to_five(shares, collapsed, grade):
    assert erosion_from(shares, collapsed) == grade
    assert [erosion_points(share) for share in (0.03, 0.05, 0.25, 0.5, 1.0)] == [0, 1, 2, 3, 3]
