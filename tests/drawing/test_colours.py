import pytest

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour, scale_end


def channels(colour):
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def test_narrowing_is_warm_widening_is_cold_and_zero_is_neutral():
    red, _, blue = channels(jsn_colour(0.8))
    assert red > blue + 50
    red, _, blue = channels(jsn_colour(-0.8))
    assert blue > red + 50
    assert max(channels(jsn_colour(0))) - min(channels(jsn_colour(0))) < 10


def test_beyond_its_ends_the_scale_stays():
    assert jsn_colour(7, end=2) == jsn_colour(2, end=2) and jsn_colour(-7, end=2) == jsn_colour(-2, end=2)
    assert jsn_colour(float("nan")) == UNRELIABLE


@pytest.mark.parametrize(("values", "end"), [([], 0.5), ([0.02, -0.1], 0.5), ([0.7, float("nan")], 1), ([-1.3], 2)])
def test_the_scale_ends_at_a_round_number(values, end):
    assert scale_end(values) == end
