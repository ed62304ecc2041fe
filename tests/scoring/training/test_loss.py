import numpy as np
import pytest
import torch

from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.training.batches import batch_of
from napari_jsn.scoring.training.loss import patient_loss
from napari_jsn.scoring.training.task import ScoringTask
from napari_jsn.scoring.two_stage.network import build_patient_net
from tests.scoring.training.test_task import few_joints

WEIGHTS = {"erosion": torch.ones(HIGHEST["erosion"] + 1)}


@pytest.fixture
def drawn():
    some = few_joints(2, 0)
    return batch_of([(some, 0), (some, 1)], np.random.default_rng(0), torch.Generator().manual_seed(0), twice=True)


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = build_patient_net({"features": (6, 8), "width": 16, "layers": 1}).eval()
    with torch.no_grad():
        made.kinds["erosion"].head[-1].weight *= 30  # so that grades differ
    return made


def test_joints_are_changed_in_two_ways(drawn):
    assert drawn.again.shape == drawn.images.shape
    assert torch.equal(drawn.again[~drawn.there], drawn.images[~drawn.there])
    there = drawn.there
    assert (drawn.again[there] - drawn.images[there]).abs().mean((1, 2)).min() > 0.05


def test_two_images_of_a_joint_shall_have_one_grade(drawn, network):
    with torch.no_grad():
        alike, not_compared, other = (
            float(patient_loss(network, each, WEIGHTS, {"erosion": 0.5}))
            for each in (drawn._replace(again=drawn.images), drawn._replace(again=None), drawn)
        )
    assert alike == pytest.approx(not_compared, abs=1e-5)
    assert other > not_compared


def test_joints_that_are_not_graded_alone_are_not_compared(drawn, network):
    with torch.no_grad():
        given = [patient_loss(network, each, WEIGHTS, {}) for each in (drawn, drawn._replace(again=None))]
    assert given[0] == given[1]


@pytest.mark.parametrize("kind", [None, "jsn", "erosion"])
def test_joints_are_changed_twice_for_erosion_alone(kind, monkeypatch):
    task = ScoringTask(kind=kind)
    monkeypatch.setattr(ScoringTask, "_trained_on", [few_joints(2, 0)])
    batch = next(iter(task.training_batches(0, 0)))
    assert (batch.again is not None) == (kind == "erosion")
