import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.errors import InputError
from napari_jsn.simulation.exposure.radiograph_artefacts import (
    CollimatedField,
    add_markers,
    add_ring,
    collimate,
    draw_collimated_field,
    shutter,
)

SPACING_MM = 0.4
SHAPE = (700, 520)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def hand():
    """A palm, a finger and a forearm that leaves the radiograph below."""
    attenuation = np.zeros(SHAPE, np.float32)
    attenuation[300:520, 150:360] = 0.8
    attenuation[80:300, 230:280] = 0.5
    attenuation[520:, 200:310] = 1.0
    return attenuation


def test_a_field_is_open_inside_and_closed_outside():
    field = CollimatedField(centre_mm=(100.0, 140.0), size_mm=(120.0, 200.0), rotation_deg=0.0, penumbra_mm=2.0)
    closed = collimate(np.zeros(SHAPE, np.float32), SPACING_MM, field)
    assert closed.dtype == np.float32
    assert closed[350, 250] == 0
    assert closed[350, 20] > 4
    assert closed[20, 250] > 4
    half = np.exp(-closed[350, 100])  # x = 40 mm is the edge
    assert half == pytest.approx(0.5, abs=0.01)


def test_a_field_rotates_clockwise():
    field = CollimatedField(centre_mm=(100.0, 140.0), size_mm=(20.0, 200.0), rotation_deg=10.0)
    inside = field.inside_mm(SHAPE, SPACING_MM) > 0
    upper, lower = ndimage.center_of_mass(inside[:350]), ndimage.center_of_mass(inside[350:])
    assert upper[1] > lower[1]


@pytest.mark.parametrize("seed", range(20))
def test_the_collimator_never_cuts_the_hand(hand, seed):
    field = draw_collimated_field(hand, SPACING_MM, rng(seed), closeness=1.0)
    cut = (collimate(hand, SPACING_MM, field) > hand + 1e-3) & (hand > 0)
    assert not cut[: 700 - int(25 / SPACING_MM)].any()  # but for the end of the forearm


def test_collimators_differ_and_repeat(hand):
    fields = [draw_collimated_field(hand, SPACING_MM, rng(seed)) for seed in range(5)]
    assert len(set(fields)) == 5
    assert draw_collimated_field(hand, SPACING_MM, rng(3)) == fields[3]


def test_an_empty_image_can_be_collimated():
    field = draw_collimated_field(np.zeros((50, 60), np.float32), 1.0, rng())
    assert (field.inside_mm((50, 60), 1.0) > 0).mean() > 0.8


def test_the_shutter_paints_outside_only(hand):
    field = CollimatedField(centre_mm=(100.0, 140.0), size_mm=(120.0, 200.0))
    intensity = np.full(SHAPE, 0.5, np.float32)
    for level in (0.0, 1.0):
        painted = shutter(intensity, SPACING_MM, field, level)
        assert painted.dtype == np.float32
        assert painted[350, 250] == 0.5
        assert painted[350, 20] == level


@pytest.mark.parametrize("seed", range(20))
def test_markers_lie_beside_the_hand_inside_the_field(hand, seed):
    closed = collimate(hand, SPACING_MM, draw_collimated_field(hand, SPACING_MM, rng(seed)))
    added = add_markers(closed, SPACING_MM, ("L",), rng(seed)) - closed
    assert not added[closed > 0.05].any()
    if added.any():
        assert added.max() > 4  # lead
        assert not any(edge.any() for edge in (added[0], added[-1], added[:, 0], added[:, -1]))


def test_each_hand_gets_its_marker(hand):
    both = np.concatenate([hand[:, ::-1], hand], axis=1)
    added = add_markers(both, SPACING_MM, ("R", "L"), rng(1)) - both
    _, count = ndimage.label(ndimage.binary_dilation(added[:, : SHAPE[1]] > 0, iterations=3))
    assert count >= 1
    assert added[:, SHAPE[1] :].any()


def test_a_mirrored_marker_is_the_other_way_round():
    empty = np.zeros(SHAPE, np.float32)
    boxes = []
    for mirrored in (False, True):
        added = add_markers(empty, SPACING_MM, ("R",), rng(2), mirrored)
        boxes.append(added[ndimage.find_objects((added > 0).astype(int))[0]])
    assert boxes[0].shape == boxes[1].shape
    np.testing.assert_array_equal(boxes[0], boxes[1][:, ::-1])


def test_where_nothing_is_free_there_is_no_marker():
    full = np.full(SHAPE, 0.5, np.float32)
    np.testing.assert_array_equal(add_markers(full, SPACING_MM, ("L",), rng()), full)


def test_the_input_stays_as_it_was(hand):
    before = hand.copy()
    add_markers(hand, SPACING_MM, ("L",), rng())
    add_ring(hand, SPACING_MM, (100.0, 60.0), (0.0, 1.0))
    np.testing.assert_array_equal(hand, before)


def test_refuses_a_side_that_is_none(hand):
    with pytest.raises(InputError, match="L or R"):
        add_markers(hand, SPACING_MM, ("X",), rng())


@pytest.mark.parametrize(("along", "axis"), [((0.0, 1.0), 0), ((1.0, 0.0), 1)])
def test_a_ring_lies_across_its_finger(along, axis):
    empty = np.zeros((200, 200), np.float32)
    rows, cols = np.nonzero(add_ring(empty, SPACING_MM, (40.0, 40.0), along) > 2)
    extent = np.array([np.ptp(rows), np.ptp(cols)]) * SPACING_MM
    assert extent[axis] == pytest.approx(4.0, abs=0.9)
    assert extent[1 - axis] == pytest.approx(21.0, abs=0.9)


def test_a_ring_outside_the_image_does_not_change_it():
    empty = np.zeros((50, 50), np.float32)
    np.testing.assert_array_equal(add_ring(empty, SPACING_MM, (-90.0, 500.0), (0.0, 1.0)), empty)
