from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.common.reasons import ReasonCode
from napari_jsn.localization.found_joints import ANATOMY
from napari_jsn.patient.patient import Hand
from napari_jsn.patient.side_marker import read_marker
from napari_jsn.patient.split import MARKER, MARKERS_DISAGREE, MIRRORED_MARKER, by_marker, with_side_reason
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
    assert [one.side_source for one in sided] == [MARKERS_DISAGREE] * 2 and "same side for both hands" in doubt


@cache
def on_plate(side, seed, mirrored=False, tilt_deg=0):
    """A dark letter on a light plate."""
    letter = marked(side, seed, mirrored)[:330] > 0.3
    rows, cols = np.nonzero(letter)
    pixels = np.full((400, letter.shape[1]), 0.05, np.float32)
    pixels[max(rows.min() - 12, 1) : rows.max() + 12, max(cols.min() - 12, 1) : cols.max() + 12] = 0.9
    pixels[:330][letter] = 0.15
    pixels = ndimage.rotate(pixels, tilt_deg, reshape=False, order=1, mode="nearest")
    return np.clip(pixels + 0.01 * np.random.default_rng(seed).standard_normal(pixels.shape), 0, 1).astype(np.float32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize(("seed", "tilt_deg"), [(0, 0), (1, 0), (2, 8)])
def test_dark_letters_on_a_light_plate_are_read(side, mirrored, seed, tilt_deg):
    letter = read_marker(on_plate(side, seed, mirrored, tilt_deg), SPACING_MM)
    assert letter is not None and (letter.side, letter.mirrored) == (side, mirrored)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(30, 20), (40, 30), (24, 24)])
def test_a_plain_plate_is_no_letter(shape):
    pixels = np.zeros((300, 300), np.float32)
    pixels[100 : 100 + shape[0], 100 : 100 + shape[1]] = 1
    assert read_marker(pixels, SPACING_MM) is None


UNREADABLE = np.full((400, 260), 0.02, np.float32)


@pytest.mark.parametrize(
    ("right_letter", "left_letter", "mirrored", "sides", "source", "note"),
    [
        ("R", None, False, "RL", MARKER, ""),
        (None, "L", False, "RL", MARKER, ""),
        ("L", None, False, "LR", MARKER, "states left, but the hand looks like a right one: the palm faces up"),
        ("L", None, True, "LR", MIRRORED_MARKER, "the letter is mirrored, so the image is mirrored"),
        (None, "R", True, "LR", MIRRORED_MARKER, "the letter is mirrored, so the image is mirrored"),
        ("R", None, True, "RL", MIRRORED_MARKER, "the letter of the right hand is mirrored"),
    ],
)
def test_one_letter_suffices_for_both_hands(right_letter, left_letter, mirrored, sides, source, note):
    both = found("L", "R", spacing_mm=150 / 157 * SPACING_MM)
    hands = [
        hand(letter, side, mirrored=mirrored) if letter else Radiograph(UNREADABLE + 0.5 * np.eye(400, 260), side=side)
        for letter, side in ((right_letter, "R"), (left_letter, "L"))
    ]
    sided, doubts = by_marker(hands, both)
    assert [one.side for one in sided] == list(sides) and {one.side_source for one in sided} == {source}
    assert (len(doubts) == 1 and note in doubts[0]) if note else doubts == []


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_mirrored_letter_is_noted_though_it_names_the_side_that_is_seen(side):
    (sided,), (note,) = by_marker([hand(side, side, mirrored=True)], found(side, spacing_mm=150 / 157 * SPACING_MM))
    assert (sided.side, sided.side_source) == (side, MIRRORED_MARKER)
    assert "is mirrored, although the hand looks like" in note


@pytest.mark.parametrize(
    ("source", "contradicts", "view", "reported"),
    [
        (MARKER, True, "", True),
        (MARKER, True, "PA", True),
        (MARKERS_DISAGREE, False, "", True),
        (MARKER, True, "AP", False),
        (MIRRORED_MARKER, True, "", False),
        (MARKER, False, "", False),
        (ANATOMY, False, "", False),
        ("ImageLaterality", True, "", False),
    ],
)
def test_a_letter_that_contradicts_anatomy_is_a_reason(source, contradicts, view, reported):
    radiograph = replace(hand("L", "L"), side_source=source, view=view)
    one = with_side_reason(Hand(1, None, radiograph, replace(found("L"), contradicts=contradicts)))
    assert [reason.code for reason in one.reasons] == ([ReasonCode.SIDE_CONTRADICTED] if reported else [])
    assert with_side_reason(Hand(1, None, radiograph)).found is None
