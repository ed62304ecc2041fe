import re
from xml.etree import ElementTree

import pytest

from napari_jsn.common.statistics import Estimate
from napari_jsn.drawing.colours import UNRELIABLE
from napari_jsn.drawing.forest_plot import Axis, ForestRow, axis_svg, forest_plot, interval_svg

AXIS = Axis.over([Estimate(0.3, 0.1), Estimate(), Estimate(-0.1, 0.02)])


def test_an_axis_contains_all_intervals_and_zero():
    assert AXIS.low <= -0.139 and AXIS.high >= 0.496
    assert min(abs(tick) for tick in AXIS.ticks) < 1e-9 and len(AXIS.ticks) <= 7
    assert AXIS.place(AXIS.low, 200) == 0 and AXIS.place(99, 200) == 200
    assert all(f"{tick:+.{AXIS.decimals}f}".strip("+-0.") for tick in AXIS.ticks if abs(tick) > 1e-9)


def test_an_interval_has_a_bar_and_a_dot():
    svg = interval_svg(ForestRow("MCP2", Estimate(0.3, 0.1)), AXIS)
    assert svg.count("<circle") == 1 and "stroke-dasharray" not in svg
    assert interval_svg(ForestRow("MCP2", Estimate()), AXIS).count("<circle") == 0


def test_a_failed_interval_is_hollow_and_dashed():
    svg = interval_svg(ForestRow("MCP2", Estimate(0.3, 0.1), failed=True), AXIS)
    assert "stroke-dasharray" in svg and UNRELIABLE in svg and 'fill="#ffffff"' in svg


def test_a_check_is_drawn_below_and_a_value_beyond_the_axis_as_arrowhead():
    row = ForestRow("MCP2", Estimate(5.0, 0.1), check=Estimate(0.2, 0.1))
    svg = interval_svg(row, AXIS)
    assert svg.count("<circle") == 1 and svg.count("<polygon") == 1


def test_the_axis_is_as_wide_as_its_intervals():
    width = [
        re.search(r'viewBox="(\S+) \S+ (\S+)', svg).groups() for svg in (axis_svg(AXIS), interval_svg(ROWS[0], AXIS))
    ]
    assert width[0] == width[1]


ROWS = [
    ForestRow("L MCP2", Estimate(0.3, 0.05)),
    ForestRow("L <PIP2>", Estimate(0.9, 0.05), failed=True),
    ForestRow("L PIP5", Estimate(), failed=True),
]


def test_a_forest_plot_has_every_label_and_figure():
    plot = forest_plot(ROWS)
    texts = [each.text for each in ElementTree.fromstring(plot).iter("text")]
    assert {"L MCP2", "L <PIP2>", "L PIP5", "+0.30 (+0.20 to +0.40)", "not measured"} <= set(texts)
    assert "mm (95 % interval)" in texts


@pytest.mark.parametrize("rows", [[], ROWS[1:]])
def test_a_forest_plot_without_valid_rows(rows):
    assert forest_plot(rows).startswith("<svg")
