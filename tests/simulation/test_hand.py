"""Whole simulated radiographs."""

import numpy as np
import pytest

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.hand import simulate

#: Coarse, so that films are fast.
SMALL = {"shape": (720, 540), "spacing_mm": 0.4}
WIDE = {"shape": (720, 1080), "spacing_mm": 0.4}


@pytest.fixture(scope="module")
def films():
    return list(simulate(1, 2, seed=2, **SMALL))


def test_one_film_a_visit(films):
    assert [(f.patient_id, f.visit, f.sides) for f in films] == [("SIM0001", 1, ("L",)), ("SIM0001", 2, ("L",))]
    assert (films[1].acquired - films[0].acquired).days == 364


def test_pixels_fill_the_device_s_range(films):
    for film in films:
        assert film.stored.shape == SMALL["shape"]
        assert film.stored.max() < 2**film.bits
        assert np.ptp(film.stored) > 0.3 * 2**film.bits
        radiograph = film.radiograph()
        assert radiograph.spacing_mm == pytest.approx(0.4 / film.magnification)
        assert radiograph.side == "L"


def test_bones_are_bright_on_every_film(films):
    for film in films:
        pixels = film.radiograph().pixels
        for bone in ("PP3", "MC2", "radius"):
            assert pixels[film.bone_mask("L", bone)].mean() > 1.3 * np.median(pixels)


def test_every_joint_is_on_the_film_with_its_truth(films):
    for film in films:
        assert tuple(truth.joint for truth in film.truths) == anatomy.JOINTS
        for truth in film.truths:
            assert (truth.centre > 0).all()
            assert (truth.centre < np.array(film.stored.shape)[::-1]).all()
            assert truth.jsw_mm > 0
            assert np.hypot(*truth.axis) == pytest.approx(1)
            upper, lower = (film.bone_mask("L", bone) for bone in anatomy.bones_of(truth.joint))
            col, row = np.round(truth.centre - 6 * truth.axis).astype(int)
            assert upper[row, col]
            col, row = np.round(truth.centre + 6 * truth.axis).astype(int)
            assert lower[row, col]


def test_narrowing_counts_from_the_first_visit(films):
    first, second = films
    for before, after in zip(first.truths, second.truths, strict=True):
        assert before.jsn_mm == before.jsn_projected_mm == 0
        assert after.jsn_mm == pytest.approx(before.jsw_mm - after.jsw_mm, abs=1e-9)
        assert after.jsn_projected_mm == pytest.approx(after.jsn_mm, abs=0.25)


def test_both_hands_on_one_film_have_their_thumbs_inside():
    (film,) = simulate(1, 1, seed=5, hands="together", **WIDE)

    assert film.sides == ("L", "R")
    at = {(t.side, t.joint): t.centre[0] for t in film.truths}
    assert at["L", "MCP5"] < at["L", "MCP1"] < at["R", "MCP1"] < at["R", "MCP5"]
    assert film.radiograph().side is None


def test_each_hand_on_its_own_film():
    films = list(simulate(1, 1, seed=5, hands="each", **SMALL))

    assert [film.sides for film in films] == [("L",), ("R",)]
    left, right = (np.array([t.jsw_mm for t in film.truths]) for film in films)
    np.testing.assert_allclose(left, right)  # a patient's hands are alike in health


def test_the_same_seed_gives_the_same_patient_whatever_their_number(films):
    again = list(simulate(1, 2, seed=2, **SMALL))
    np.testing.assert_array_equal(again[1].stored, films[1].stored)

    among_more = next(simulate(3, 2, seed=2, **SMALL))
    np.testing.assert_array_equal(among_more.stored, films[0].stored)


def test_a_stated_narrowing_is_reached_at_the_last_visit():
    *_, last = simulate(1, 2, seed=7, jsn_mm=0.3, **SMALL)

    for truth in last.truths:
        if truth.joint in anatomy.MEASURED_JOINTS:
            assert truth.jsn_mm == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"visits": -1}, "number of visits is -1"),
        ({"patients": 0}, "number of patients is 0"),
        ({"interval_days": 0}, "interval days"),
        ({"hands": "feet"}, "left, right, each, together"),
        ({"seed": -1}, "seed"),
        ({"spacing_mm": 0.0}, "0.05 to 0.5"),
        ({"shape": (100, 100)}, "too small for a hand"),
        ({"shape": (2010, 1490), "hands": "together"}, "both hands"),
        ({"jsn_mm": 1.9}, "beyond contact"),
        ({"jsn_mm": float("nan")}, "cannot be simulated"),
        ({"jsn_mm": -9.0}, "cannot be simulated"),
        ({"interval_days": 10**6}, "30 years at most"),
        ({"shape": (20000, 1490)}, "rows and columns"),
    ],
)
def test_impossible_requests_are_refused_before_anything_is_drawn(arguments, words):
    with pytest.raises(InputError, match=words):
        simulate(**arguments)
