"""A simulated joint that many tests start from, and small made-up films with two rectangles for bones."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pytest

from napari_jsn.joint.similarity import Similarity
from napari_jsn.simulation.joint_motion import Motion
from napari_jsn.simulation.joint_pair import joint_pair
from napari_jsn.simulation.simulated_radiograph import BoneMask, JointTruth, SimulatedRadiograph
from napari_jsn.simulation.visit import Disease


@pytest.fixture(scope="session", autouse=True)
def key_of_pseudonyms(tmp_path_factory):
    """Keep the key of pseudonyms in a folder of the tests, not beside the settings of the user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_JSN_KEY", str(tmp_path_factory.mktemp("key") / "pseudonyms.key"))
        yield


@cache
def make_pair(jsn_mm=0.3, seed=1, joint="MCP2"):
    drawn = Motion.draw(np.random.default_rng(seed), spread=0.5)
    motion = replace(drawn, flexion_deg=0.0, roll_upper_deg=0.0, roll_lower_deg=0.0)
    return joint_pair(joint, jsn_mm, seed, motion=motion, disease=Disease(), shape=(128, 128), spacing_mm=0.175)


@pytest.fixture(scope="session")
def plain_pair():
    """Simulate a joint that moves in the plane: ``plain_pair(jsn_mm=0.3, seed=1, joint="MCP2")``."""
    return make_pair


@pytest.fixture(scope="session")
def simulated(plain_pair):
    """One such joint, whose bones do not overlap: 128 x 128 pixels of 0.175 mm."""
    return plain_pair()


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
    return SimulatedRadiograph(patient, visit, day, tuple(sides), stored, bits, monochrome1, 0.15, 1.05, truths, bones)


@pytest.fixture
def film():
    """Make a film: ``film(patient="SIM0001", visit=1, sides=("L",), bits=12, monochrome1=False, shape=(64, 48))``."""
    return make_film
