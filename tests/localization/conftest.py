"""Maps of the mean hand, a simulated radiograph, and a model with random weights."""

from functools import cache

import numpy as np
import pytest
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.mean_hand import mean_hand, mirrored
from napari_jsn.localization.network import CELL, CELLS, build_joint_net
from napari_jsn.networks import weights

TINY = {"features": (4, 4, 8, 8, 8)}


def make_maps(points, probability=0.9):
    """(14, cells, cells) probabilities with a small peak at each point (x, y) of the square; none where it is NaN."""
    cells = np.arange(CELLS)
    maps = np.zeros((len(JOINTS), CELLS, CELLS), np.float32)
    for k, (x, y) in enumerate(points):
        if np.isfinite((x, y)).all():
            across, down = (np.exp(-0.5 * (cells - ((at + 0.5) / CELL - 0.5)) ** 2) for at in (x, y))
            peak = np.outer(down, across)
            maps[k] = probability * peak / peak.sum()
    return torch.from_numpy(maps)


@pytest.fixture
def maps():
    """Make maps: ``maps(points, probability=0.9)``."""
    return make_maps


def make_hand(scale=1.0, rotation_deg=0.0, middle=(128.0, 110.0), right=False):
    angle = np.deg2rad(rotation_deg)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    model = mirrored(mean_hand()) if right else mean_hand()
    return model @ linear.T + np.asarray(middle)


@pytest.fixture
def hand():
    """Joints of the mean hand on the square: ``hand(scale=1.0, rotation_deg=0.0, middle=..., right=False)``."""
    return make_hand


@cache
def simulated_film():
    from napari_jsn.simulation.hand import simulate

    return next(iter(simulate(1, 1, 77, "left", (600, 400), spacing_mm=0.42)))


@pytest.fixture(scope="session")
def film():
    """A simulated left hand with large pixels."""
    return simulated_film()


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The folder of the user's own models, with ``tiny`` in it."""
    folder = tmp_path / "models"
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(folder))
    torch.manual_seed(3)
    about = dict.fromkeys(weights.FIELDS, "")
    about |= {"task": "localization", "name": "tiny", "architecture": {"class": "", **TINY}}
    about |= {"input_size_px": [256, 256]}
    weights.save(folder, build_joint_net(TINY).state_dict(), about)
    return folder
