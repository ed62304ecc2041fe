import numpy as np
import pytest
import torch

from napari_jsn.scoring.training.augment import augment, centred
from napari_jsn.scoring.training.simulated_patients import REASONS, GradedPatients
from napari_jsn.scoring.training.task import LEARNED_ON_GIVEN, ScoringTask
from napari_jsn.scoring.two_stage.network import build_patient_net


def patients(count, seed):
    """Return joints whose mean intensity on the left side grows with their grade."""
    rng = np.random.default_rng(seed)
    shape = (count, 2, 14)
    grades = np.stack([rng.integers(0, 5, shape), rng.integers(0, 6, shape)], -1).astype(np.int8)
    grades[:, 0, 0] = -1
    images = rng.integers(0, 40, (*shape, 120, 120))
    images[..., 40:80, 20:100] += (40 * grades[..., :1, None].clip(0)).astype(int)
    there = np.ones(shape, bool)
    there[0, 1] = False
    zeros = np.zeros(shape, np.int8)
    reasons = zeros.copy()
    reasons[:, 0, 0] = REASONS.index("surgery")
    widths = np.stack([1.5 - 0.3 * grades[..., 0]] * 2 + [np.full(shape, 1.5)], -1).astype(np.float32)
    names = tuple(f"{seed}/{k}" for k in range(count))
    return GradedPatients(images.astype(np.uint8), there, grades, reasons, zeros, widths, names)


@pytest.fixture(scope="module")
def task():
    return ScoringTask(patients=(patients(4, 0), patients(2, 1)))


def test_batches_of_an_epoch_are_always_the_same(task):
    first, again, other = (next(iter(task.training_batches(epoch, 5))) for epoch in (0, 0, 1))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_joints_without_a_grade_are_not_learned(task):
    (batch,) = task.validation_batches()
    assert batch.jsn[:, 0].sum() == batch.erosion[:, 0].sum() == 0
    assert (batch.scored[:, 0] == 0).all()
    assert batch.jsn[:, 1:].sum() == 2 * 27


def test_a_few_steps_lower_the_loss(task):
    torch.manual_seed(0)
    network = build_patient_net({"features": (6, 8), "width": 16, "layers": 1})
    optimizer, _ = task.optimizer(network, 5)
    (batch,) = task.validation_batches()
    losses = []
    for _ in range(8):
        loss = task.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    figures = task.measures(network.eval(), batch)
    assert list(figures)[0] == "exact"
    assert all(((each >= 0) & (each <= 1)).all() for each in figures.values())


def test_the_card_says_what_was_learned(task):
    about = task.card()
    assert about["training_data"] == [
        {"source": "radiographs of the user", "terms": "as the user has them", "patients": 4, "visits": 4}
    ]
    assert about["statement"] == LEARNED_ON_GIVEN


def test_changed_images_show_the_same_joint():
    images = torch.from_numpy(patients(1, 3).images[0, 0])
    changed, _ = augment(images, torch.Generator().manual_seed(0))
    assert changed.shape == centred(images).shape
    for one, other in zip(centred(images), changed):
        assert abs(float(one.mean() - other.mean())) < 0.15
