"""Joint space widths and the grades of damage."""

import numpy as np
import pytest

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.shapes.joint_space import draw_sex, draw_widths, erosion_grade, mean_widths, narrowing_grade


def test_mean_widths_are_the_published_ones():
    women, men = mean_widths("F"), mean_widths("M")
    assert tuple(women) == JOINTS
    for kind, mean in (("MCP", 1.7), ("PIP", 1.0), ("DIP", 0.75)):
        both = [(women[f"{kind}{finger}"] + men[f"{kind}{finger}"]) / 2 for finger in (2, 3, 4, 5)]
        assert np.mean(both) == pytest.approx(mean, abs=0.01)
    assert men["MCP2"] / women["MCP2"] == pytest.approx(1.111)
    assert men["PIP2"] / women["PIP2"] == pytest.approx(1.154)


def test_drawn_widths_spread_as_people_do_and_share_a_factor():
    rng = np.random.default_rng(0)
    drawn = [draw_widths(rng, "F") for _ in range(1500)]
    mean = mean_widths("F")
    mcp2, pip4 = (np.array([widths[joint] for widths in drawn]) for joint in ("MCP2", "PIP4"))
    assert mcp2.mean() == pytest.approx(mean["MCP2"], rel=0.02)
    assert 0.2 < mcp2.std() < 0.3
    assert 0.4 < np.corrcoef(mcp2, pip4)[0, 1] < 0.8
    assert all(0.5 * mean[joint] < width < 1.6 * mean[joint] for widths in drawn for joint, width in widths.items())


def test_the_same_generator_draws_the_same_widths():
    assert draw_widths(np.random.default_rng(3)) == draw_widths(np.random.default_rng(3))


def test_more_women_than_men_are_drawn():
    rng = np.random.default_rng(1)
    assert 0.6 < np.mean([draw_sex(rng) == "F" for _ in range(1000)]) < 0.8


def test_another_sex_is_refused():
    with pytest.raises(InputError) as refused:
        draw_widths(np.random.default_rng(0), "x")
    assert refused.value.argument == "sex"


@pytest.mark.parametrize(
    ("left", "grade"),
    [(1.1, 0), (0.9, 0), (0.89, 1), (0.75, 1), (0.74, 2), (0.51, 2), (0.5, 3), (0.01, 3), (0.0, 4), (-0.2, 4)],
)
def test_narrowing_is_graded_by_what_is_left(left, grade):
    assert narrowing_grade(2.0 * left, 2.0) == grade


def test_displaced_bones_are_subluxed_or_luxated():
    assert narrowing_grade(2.0, 2.0, displacement=0.24) == 0
    assert narrowing_grade(2.0, 2.0, displacement=-0.25) == 3
    assert narrowing_grade(2.0, 2.0, displacement=1.0) == 4


@pytest.mark.parametrize(("jsw", "healthy"), [(1.0, 0.0), (1.0, -1.0), (1.0, np.nan), (np.nan, 1.0)])
def test_figures_that_cannot_be_graded_are_refused(jsw, healthy):
    with pytest.raises(InputError):
        narrowing_grade(jsw, healthy)


@pytest.mark.parametrize(
    ("share", "count", "grade"),
    [(0, 0, 0), (0, 2, 0), (0.05, 1, 1), (0.2, 2, 2), (0.2, 1, 2), (0.5, 1, 3), (0.5, 2, 4), (0.6, 9, 5), (0.95, 1, 5)],
)
def test_erosions_are_graded_by_number_and_size(share, count, grade):
    assert erosion_grade(share, count) == grade


@pytest.mark.parametrize(("share", "count"), [(-0.1, 1), (1.1, 1), (np.nan, 1), (0.1, 0), (0.0, -1)])
def test_impossible_erosions_are_refused(share, count):
    with pytest.raises(InputError):
        erosion_grade(share, count)
