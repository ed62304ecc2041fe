"""Joint images of two bright boxes, and a model with random weights."""

import numpy as np
import pytest
import torch

from napari_jsn.joint import BoneMasks
from napari_jsn.networks import weights
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.segmentation.unetpp import build_bone_net

TINY = {"features": (4, 4, 4, 4, 4, 4), "fold": 2}


def boxes(size=64, seed=0, group=""):
    """Two bones with a gap between them, on a darker ground."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0.2, 0.02, (size, size))
    upper, lower = np.zeros((2, size, size), bool)
    left, gap = size // 4 + int(rng.integers(0, size // 8)), size // 2
    upper[: gap - size // 32, left : left + size // 3] = True
    lower[gap + size // 32 :, left : left + size // 3] = True
    image[upper | lower] += 0.5
    return LabelledJoint(np.clip(image, 0, 1).astype(np.float32), BoneMasks(upper, lower), group or f"joint {seed}")


@pytest.fixture
def joint():
    """Make a labelled joint: ``joint(size=64, seed=0, group="")``."""
    return boxes


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The folder of the user's own models, with ``tiny`` in it."""
    folder = tmp_path / "models"
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(folder))
    torch.manual_seed(3)
    about = dict.fromkeys(weights.FIELDS, "")
    about |= {"task": "segmentation", "name": "tiny", "architecture": {"class": "", **TINY}, "input_size_px": [64, 64]}
    weights.save(folder, build_bone_net(TINY).state_dict(), about)
    return folder
