"""Whole simulated radiographs."""

import numpy as np
import pytest

from napari_jsn import anatomy
from napari_jsn.common.errors import InputError
from napari_jsn.simulation.hand import simulate

#: Coarse, so that radiographs are fast.
SMALL = {"shape": (720, 540), "spacing_mm": 0.4}
WIDE = {"shape": (720, 1080), "spacing_mm": 0.4}


@pytest.fixture(scope="module")
def radiographs():
    return list(simulate(1, 2, seed=2, **SMALL))


def test_one_radiograph_per_visit(radiographs):
    assert [(f.patient_id, f.visit, f.sides) for f in radiographs] == [("SIM0001", 1, ("L",)), ("SIM0001", 2, ("L",))]
    assert (radiographs[1].acquired - radiographs[0].acquired).days == 364


def test_pixels_fill_the_device_s_range(radiographs):
    for simulated in radiographs:
        assert simulated.stored.shape == SMALL["shape"]
        assert simulated.stored.max() < 2**simulated.bits
        assert np.ptp(simulated.stored) > 0.3 * 2**simulated.bits
        read = simulated.radiograph()
        assert read.spacing_mm == pytest.approx(0.4 / simulated.magnification)
        assert read.side == "L"


def test_bones_are_bright_on_every_radiograph(radiographs):
    for simulated in radiographs:
        pixels = simulated.radiograph().pixels
        for bone in ("PP3", "MC2", "radius"):
            assert pixels[simulated.bone_mask("L", bone)].mean() > 1.3 * np.median(pixels)


def test_every_joint_is_on_the_radiograph_with_its_truth(radiographs):
    for simulated in radiographs:
        assert tuple(truth.joint for truth in simulated.truths) == anatomy.JOINTS
        for truth in simulated.truths:
            assert (truth.centre > 0).all()
            assert (truth.centre < np.array(simulated.stored.shape)[::-1]).all()
            assert truth.jsw_mm > 0
            assert np.hypot(*truth.axis) == pytest.approx(1)
            upper, lower = (simulated.bone_mask("L", bone) for bone in anatomy.bones_of(truth.joint))
            col, row = np.round(truth.centre - 6 * truth.axis).astype(int)
            assert upper[row, col]
            col, row = np.round(truth.centre + 6 * truth.axis).astype(int)
            assert lower[row, col]


def test_narrowing_is_relative_to_the_first_visit(radiographs):
    first, second = radiographs
    for before, after in zip(first.truths, second.truths, strict=True):
        assert before.jsn_mm == before.jsn_projected_mm == 0
        assert after.jsn_mm == pytest.approx(before.jsw_mm - after.jsw_mm, abs=1e-9)
        assert after.jsn_projected_mm == pytest.approx(after.jsn_mm, abs=0.25)


def test_both_hands_on_one_radiograph_have_their_thumbs_in_the_middle():
    (simulated,) = simulate(1, 1, seed=5, hands="together", **WIDE)

    assert simulated.sides == ("L", "R")
    at = {(t.side, t.joint): t.centre[0] for t in simulated.truths}
    assert at["L", "MCP5"] < at["L", "MCP1"] < at["R", "MCP1"] < at["R", "MCP5"]
    assert simulated.radiograph().side is None


def test_each_hand_on_its_own_radiograph():
    radiographs = list(simulate(1, 1, seed=5, hands="each", **SMALL))

    assert [simulated.sides for simulated in radiographs] == [("L",), ("R",)]
    left, right = (np.array([t.jsw_mm for t in simulated.truths]) for simulated in radiographs)
    np.testing.assert_allclose(left, right)  # the two hands of a patient have the same widths at baseline


def test_the_same_seed_gives_the_same_patient_whatever_their_number(radiographs):
    (again,) = simulate(1, 2, seed=2, skipped_visits=1, **SMALL)
    np.testing.assert_array_equal(again.stored, radiographs[1].stored)
    for truth, skipped in zip(radiographs[1].truths, again.truths, strict=True):
        assert repr(truth) == repr(skipped)
    assert [one.patient_id for one in simulate(2, 1, seed=2, skipped_visits=1, **SMALL)] == ["SIM0002"]

    among_more = next(simulate(3, 2, seed=2, **SMALL))
    np.testing.assert_array_equal(among_more.stored, radiographs[0].stored)


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
        ({"jsn_mm": 1.9}, "is too large"),
        ({"jsn_mm": float("nan")}, "cannot be simulated"),
        ({"jsn_mm": -9.0}, "cannot be simulated"),
        ({"interval_days": 10**6}, "30 years at most"),
        ({"shape": (20000, 1490)}, "rows and columns"),
        ({"ages": (7, 12)}, "without grades"),
        ({"ages": (6, 12), "grades": "natural"}, "from 7 to 90"),
        ({"ages": (20, 12), "grades": "natural"}, "lower one first"),
        ({"ages": (float("nan"), 12), "grades": "natural"}, "cannot be simulated"),
    ],
)
def test_impossible_requests_are_refused_before_anything_is_drawn(arguments, words):
    with pytest.raises(InputError, match=words):
        simulate(**arguments)
