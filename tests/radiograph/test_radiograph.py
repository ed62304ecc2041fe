"""The domain type: what it takes, keeps and refuses."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

import napari_jsn as jsn

PIXELS = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300


def test_it_keeps_grey_levels_spacing_side_and_date():
    when = datetime(2020, 5, 1, 12)
    radiograph = jsn.Radiograph(pixels=PIXELS, spacing_mm=[0.1, 0.2], side="L", acquired=when)
    assert radiograph.pixels.dtype == np.float32
    np.testing.assert_allclose(radiograph.pixels, PIXELS / 4095, atol=1e-6)
    assert (radiograph.spacing_mm, radiograph.side, radiograph.acquired) == ((0.1, 0.2), "L", when)
    assert radiograph.shape == (3, 4)
    assert {radiograph.spacing_source, radiograph.side_source, radiograph.acquired_source} == {"given"}


def test_without_facts_there_are_no_sources():
    radiograph = jsn.Radiograph(pixels=PIXELS)
    assert (radiograph.spacing_mm, radiograph.side, radiograph.acquired, radiograph.day) == (None,) * 4
    assert radiograph.spacing_source == radiograph.side_source == radiograph.acquired_source == ""


def test_days_can_be_compared_where_only_some_state_the_time():
    with_time = jsn.Radiograph(pixels=PIXELS, acquired=datetime(2020, 5, 1, 12))
    without = jsn.Radiograph(pixels=PIXELS, acquired=date(2020, 5, 2))
    assert with_time.day < without.day


def test_it_can_be_compared_printed_and_hashed():
    radiograph = jsn.Radiograph(pixels=PIXELS)
    assert radiograph == radiograph and radiograph != jsn.Radiograph(pixels=PIXELS)
    assert len({radiograph}) == 1
    assert "array" not in repr(radiograph)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("pixels", np.ones((3, 3))),
        ("pixels", np.full((3, 3), np.nan)),
        ("pixels", np.zeros((3, 4, 5))),
        ("spacing_mm", 0),
        ("spacing_mm", "0.1"),
        ("side", "left"),
        ("acquired", "2020-05-01"),
    ],
)
def test_refusals_name_the_argument(argument, value):
    with pytest.raises(jsn.InputError) as refusal:
        jsn.Radiograph(**{"pixels": PIXELS, argument: value})
    assert refusal.value.argument == argument
