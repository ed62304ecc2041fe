import numpy as np
import pytest

from napari_jsn.segmentation.found_bones import bones_from_probability, facing_gap, largest_piece


def probability(size=64, gap=4, inside=0.98):
    found = np.full((2, size, size), 1 - inside, np.float32)
    found[0, : size // 2 - gap // 2, 16:48] = inside
    found[1, size // 2 + gap // 2 :, 16:48] = inside
    return found


def test_two_clear_bones_are_reliable():
    found = bones_from_probability(probability())
    assert found.reliable and found.reason == "" and found.reasons == ()
    assert found.confidence == pytest.approx(0.98)
    assert found.upper.sum() == found.lower.sum() == 30 * 32


def test_each_bone_is_one_piece_without_holes():
    given = probability()
    given[0, 5:9, 20:24] = 0.1
    given[0, 60:62, 2:5] = 0.9
    found = bones_from_probability(given)
    assert found.upper[5:9, 20:24].all() and not found.upper[60:62, 2:5].any()
    assert found.reliable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[0].fill(0.1), "upper bone was not found"),
        (lambda p: p.fill(0.1), "two bones were not found"),
        (lambda p: p[1].__imul__(0.8), "lower bone is uncertain"),
        (lambda p: p[0].__setitem__((slice(None, 30), slice(48, 56)), 0.3), "outline of the upper bone is uncertain"),
        (lambda p: p[1].__setitem__((slice(0, 30), slice(0, 14)), 0.95), "several pieces"),
        (lambda p: p[0].__setitem__(slice(10, None), 0.02), "too far apart"),
        (lambda p: p[0].__setitem__((slice(None), slice(16, 48)), 0.98), "overlap too much"),
        (lambda p: p[0].__setitem__(slice(None), np.roll(p[0], 32, axis=1)), "do not face each other"),
    ],
)
def test_reasons_are_sentences(change, message):
    given = probability()
    change(given)
    found = bones_from_probability(given)
    assert not found.reliable and message in found.reason


def test_the_gap_is_counted_in_rows():
    found = bones_from_probability(probability(gap=6))
    assert facing_gap(found.upper, found.lower) == 6
    assert np.isnan(facing_gap(np.zeros((4, 4), bool), np.ones((4, 4), bool)))


def test_the_largest_piece_of_nothing_is_nothing():
    assert not largest_piece(np.zeros((5, 5), bool)).any()
