import numpy as np

from napari_jsn.drawing.colours import LOWER_COLOUR, UPPER_COLOUR
from napari_jsn.drawing.joint import joint_svg, spectrum_svg

PIXELS = np.random.default_rng(0).random((128, 100))


def test_bones_are_outlined_in_their_colours():
    rows = np.indices(PIXELS.shape)[0]
    upper, lower = (rows > 10) & (rows < 60), (rows > 70) & (rows < 120)
    svg = joint_svg(PIXELS, (upper, lower))
    assert svg.index(UPPER_COLOUR) < svg.index(LOWER_COLOUR)
    assert UPPER_COLOUR not in joint_svg(PIXELS)


def test_a_scale_bar_needs_a_pixel_size():
    assert "5 mm" in joint_svg(PIXELS, spacing_mm=0.175)
    assert "1 mm" in joint_svg(PIXELS, spacing_mm=0.05)
    assert " mm" not in joint_svg(PIXELS)


def test_a_spectrum_has_the_extent_of_the_image():
    assert 'viewBox="0 0 100 128"' in spectrum_svg(PIXELS, 1.0)
