"""Small made-up films: two rectangles for bones, with truth that says so."""

from datetime import date, timedelta

import numpy as np
import pytest

from napari_jsn.simulation.film import BoneMask, Film, JointTruth
from napari_jsn.transform import Similarity


def make_film(patient="SIM0001", visit=1, sides=("L",), bits=12, monochrome1=False, shape=(64, 48)):
    rng = np.random.default_rng(visit + 10 * bits)
    ramp = np.linspace(0.1, 0.9, shape[0])[:, None] * np.linspace(0.4, 1, shape[1])
    stored = np.round((2**bits - 1) * np.clip(ramp + 0.02 * rng.standard_normal(shape), 0, 1)).astype(np.uint16)
    truths = tuple(
        JointTruth(
            "MCP2", side, 1.7 - 0.1 * visit, 0.1 * (visit - 1), 0.1 * (visit - 1) + 0.01,
            np.array([20.5, 30.25]), np.array([0.0, 1.0]), Similarity(1.001, 0.02, 1.5, -0.5, (23.5, 31.5)),
            Similarity(), svdh_narrowing=1, roll_upper_deg=2.5,
        )
        for side in sides
    )  # fmt: skip
    phalanx, metacarpal = BoneMask(10, 15, np.ones((22, 12), bool)), BoneMask(30, 15, np.ones((25, 12), bool))
    bones = {(side, bone): box for side in sides for bone, box in (("PP2", phalanx), ("MC2", metacarpal))}
    day = date(2020, 1, 6) + timedelta(364 * (visit - 1))
    return Film(patient, visit, day, tuple(sides), stored, bits, monochrome1, 0.15, 1.05, truths, bones)


@pytest.fixture
def film():
    """Make a film: ``film(patient="SIM0001", visit=1, sides=("L",), bits=12, monochrome1=False, shape=(64, 48))``."""
    return make_film
