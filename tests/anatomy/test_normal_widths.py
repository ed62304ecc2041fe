"""Published joint space widths by joint, age and sex."""

import pytest

from napari_jsn.anatomy import JOINTS
from napari_jsn.anatomy.normal_widths import normal_width, normal_widths
from napari_jsn.common.errors import InputError


@pytest.mark.parametrize(
    ("joint", "sex", "age", "mm"),
    [
        ("PIP2", "F", 23, 1.3), ("PIP3", "M", 38, 1.4), ("PIP4", "F", 53, 1.0), ("PIP5", "M", 68, 0.9),
        ("PIP2", "F", 18, 1.3), ("PIP3", "F", 90, 1.0), ("PIP2", "F", 45.5, 1.15),
    ],
)  # fmt: skip
def test_pip_widths_are_the_published_ones_and_interpolated_between_the_age_groups(joint, sex, age, mm):
    assert normal_width(joint, sex, age) == pytest.approx(mm)


def test_other_joints_have_the_published_mean_at_65_and_the_age_effect_of_pip():
    for kind, mean in (("MCP", 1.40), ("DIP", 0.70)):
        of_kind = [normal_width(f"{kind}{ray}", sex, 65) for ray in (2, 3, 4, 5) for sex in ("F", "M")]
        assert sum(of_kind) / 8 == pytest.approx(mean, abs=0.005)
    assert normal_width("MCP2", "F", 23) > normal_width("MCP2", "F", 53) > normal_width("MCP2", "F", 68)
    assert all(men > normal_widths("F", 50)[joint] for joint, men in normal_widths("M", 50).items())
    assert tuple(normal_widths("F", 50)) == JOINTS


@pytest.mark.parametrize(
    ("joint", "sex", "age", "words"),
    [("MCP9", "F", 50, "no finger joint"), ("MCP2", "x", 50, '"F" or "M"'), ("MCP2", "F", -1, "age"),
     ("MCP2", "F", float("nan"), "age")],
)  # fmt: skip
def test_impossible_people_are_refused(joint, sex, age, words):
    with pytest.raises(InputError, match=words):
        normal_width(joint, sex, age)
