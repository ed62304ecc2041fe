from functools import cache

import numpy as np
import pytest

from napari_jsn.localization.found_joints import ANATOMY
from napari_jsn.patient.side_marker import read_marker
from napari_jsn.patient.split import MARKER, by_marker
from napari_jsn.radiograph import Radiograph
from napari_jsn.simulation.exposure.radiograph_artefacts import add_markers
from tests.patient.hands import found

SPACING_MM = 0.4


@cache
def marked(sides, seed, mirrored=False):
    """A film of open air with lead letters, and a bright bar where a forearm would be."""
    rng = np.random.default_rng(seed)
    attenuation = np.full((400, 260 * len(sides)), 0.02, np.float32)
    attenuation[330:, 40:-40] = 1.5
    attenuation = add_markers(attenuation, SPACING_MM, tuple(sides), rng, mirrored)
    pixels = 1 - np.exp(-attenuation) + 0.01 * rng.standard_normal(attenuation.shape, dtype=np.float32)
    return np.clip(pixels, 0, 1).astype(np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", ["L", "R"])
def test_letters_are_read_forwards_and_backwards(side, mirrored):
    for seed in range(4):
        letter = read_marker(marked(side, seed, mirrored), SPACING_MM)
        assert letter is not None and (letter.side, letter.mirrored) == (side, mirrored)


def test_what_is_no_side_is_not_read():
    bar = np.zeros((400, 300), np.float32)
    bar[100:140, 100:112] = 1
    assert read_marker(bar, SPACING_MM) is None
    assert read_marker(marked("LR", 0), SPACING_MM) is None  # letters of both sides
    assert read_marker(np.random.default_rng(0).random((300, 300), dtype=np.float32), SPACING_MM) is None


def hand(letter, side, seed=0, mirrored=False):
    return Radiograph(marked(letter, seed, mirrored), side=side, side_source=ANATOMY)


def test_marker_and_anatomy():
    one = found("L", spacing_mm=150 / 157 * SPACING_MM)
    (sided,), doubts = by_marker([hand("L", "L")], one)
    assert (sided.side, sided.side_source, doubts) == ("L", MARKER, [])
    (sided,), (doubt,) = by_marker([hand("L", "R", mirrored=True)], one)
    assert sided.side == "L" and "states left, but the hand looks like a right one" in doubt and "is mirrored" in doubt
    (sided,), (doubt,) = by_marker([hand("L", "R")], one)
    assert sided.side == "L" and "palm faces up" in doubt
    unmarked = Radiograph(marked("L", 0)[300:], side="R", side_source=ANATOMY)
    assert by_marker([unmarked], one) == ((unmarked,), [])


def test_markers_of_both_hands():
    both = found("L", "R", spacing_mm=150 / 157 * SPACING_MM)
    sided, doubts = by_marker([hand("R", "R"), hand("L", "L")], both)
    assert [(one.side, one.side_source) for one in sided] == [("R", MARKER), ("L", MARKER)] and doubts == []
    sided, doubts = by_marker([hand("L", "R", mirrored=True), hand("R", "L", mirrored=True)], both)
    assert [one.side for one in sided] == ["L", "R"] and len(doubts) == 2
    sided, (doubt,) = by_marker([hand("L", "R"), hand("L", "L", seed=1)], both)
    assert [one.side_source for one in sided] == [ANATOMY] * 2 and "same side for both hands" in doubt
