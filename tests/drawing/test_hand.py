import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from napari_jsn.common.statistics import Estimate
from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.drawing.hand import LabelledBox, hand_svg

PIXELS = np.random.default_rng(0).random((200, 120))
CORNERS = np.array([[40, 40], [40, 70], [70, 70], [70, 40]], dtype=float)


def viewbox(svg):
    return [float(each) for each in re.search(r'viewBox="([^"]+)"', svg)[1].split()]


def test_a_box_has_label_narrowing_and_interval_in_its_colour():
    svg = hand_svg(PIXELS, [LabelledBox(CORNERS, "MCP2", Estimate(0.30, 0.05))], colour_end=0.5)
    assert all(word in svg for word in (">MCP2<", ">+0.30<", ">0.20 to 0.40<", jsn_colour(0.30, 0.5)))
    assert "stroke-dasharray" not in svg


def test_a_failed_box_is_grey_and_dashed():
    svg = hand_svg(PIXELS, [LabelledBox(CORNERS, "MCP2", Estimate(0.30, 0.05), failed=True)])
    assert "stroke-dasharray" in svg and UNRELIABLE in svg and ">+0.30<" in svg


def test_without_a_value_it_is_not_measured_and_without_an_estimate_only_named():
    assert "not measured" in hand_svg(PIXELS, [LabelledBox(CORNERS, "MCP2", Estimate(), failed=True)])
    plain = hand_svg(PIXELS, [LabelledBox(CORNERS.tolist(), "MCP2")])
    assert ">MCP2<" in plain and "not measured" not in plain


def test_it_is_cropped_to_the_boxes_and_whole_without_any():
    x, y, width, height = viewbox(hand_svg(PIXELS, [LabelledBox(CORNERS, "MCP2")]))
    assert (x, y, width, height) == pytest.approx((23.5, 23.5, 63, 63))
    assert viewbox(hand_svg(PIXELS)) == [0, 0, 120, 200]


def test_pixels_that_are_not_square_are_drawn_to_scale():
    assert viewbox(hand_svg(PIXELS, spacing_mm=(0.1, 0.2))) == [0, 0, 240, 200]


def test_the_embedded_image_has_a_limited_size():
    uri = re.search(r"base64,([^\"]+)", hand_svg(PIXELS, longest_side=50))[1]
    assert Image.open(io.BytesIO(base64.b64decode(uri))).size == (30, 50)


@pytest.mark.parametrize(("spacing_mm", "size"), [(0.2, [120, 200]), ((0.2, 0.1), [60, 200]), ((0.1, 0.3), [360, 200])])
def test_the_pixel_size_gives_the_shape(spacing_mm, size):
    assert viewbox(hand_svg(PIXELS, spacing_mm=spacing_mm))[2:] == size
