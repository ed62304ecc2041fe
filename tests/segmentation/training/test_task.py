import numpy as np
import pytest
import torch

from napari_jsn import InputError
from napari_jsn.networks import weights
from napari_jsn.segmentation.training import task as module
from napari_jsn.segmentation.training.task import SegmentationTask


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Small epochs of small simulated pools."""
    monkeypatch.setattr(module, "_LEAST_BATCHES", 2)


@pytest.fixture
def task(joint):
    return SegmentationTask([joint(seed=seed) for seed in range(12)], simulated=0)


def test_it_satisfies_the_card(task):
    weights.check_fields({**task.card(), **dict.fromkeys(("task", "name", "preset", "figures", "command", "seed"), ""),
                          "versions": {}})  # fmt: skip
    assert task.card()["training_data"][0]["images"] == 11


def test_batches_are_the_same_for_the_same_epoch_and_seed(task):
    first, again = (list(task.training_batches(3, 1)) for _ in range(2))
    assert len(first) == 2
    for (images, masks), (images2, masks2) in zip(first, again, strict=True):
        assert images.shape == (32, 1, 128, 128) and masks.shape == (32, 2, 128, 128)
        assert torch.equal(images, images2) and torch.equal(masks, masks2)
    assert not torch.equal(first[0][0], next(iter(task.training_batches(4, 1)))[0])
    assert not torch.equal(first[0][0], next(iter(task.training_batches(3, 2)))[0])


def test_simulated_images_are_mixed_in(joint, tmp_path):
    task = SegmentationTask([joint(seed=seed) for seed in range(8)], simulated=4, cache=tmp_path)
    order = task._order(np.random.default_rng(0))
    assert task._real == 7 and task._simulated == 4
    assert np.mean(order >= 7) == pytest.approx(0.4, abs=0.02)
    assert "simulator" in task.card()["training_data"][1]["source"]


def test_images_of_one_joint_alone_cannot_be_split(joint):
    with pytest.raises(InputError, match="too few"):
        SegmentationTask([joint(group="one"), joint(group="one")], simulated=0)


def test_an_unknown_preset_lists_the_choices(joint):
    with pytest.raises(InputError, match="one of: default"):
        SegmentationTask([joint()], "huge")


def test_the_rate_rises_and_falls(task):
    network = torch.nn.Conv2d(1, 2, 1)
    optimizer, scheduler = task.optimizer(network, 20)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates[0] < max(rates) == pytest.approx(2e-3) and rates[-1] < 1e-4


def test_measures_and_example_of_a_perfect_network(task):
    (images, masks), = task.validation_batches()  # fmt: skip

    class Perfect(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.anything = torch.nn.Parameter(torch.zeros(1))

        def forward(self, given):
            return 20 * (masks[: len(given)] - 0.5)

    measures = task.measures(Perfect(), (images, masks))
    assert list(measures)[0] == "dsc"
    torch.testing.assert_close(measures["dsc"], torch.ones(len(images)))
    assert task.loss(Perfect(), (images, masks)) < 0.1  # soft edges have entropy
    shown = task.example(Perfect(), 0)
    np.testing.assert_array_equal(shown["truth"], shown["found"])
    assert set(np.unique(shown["truth"])) == {0, 1, 2}


def test_a_few_steps_lower_the_loss(task, monkeypatch):
    monkeypatch.setitem(module.ARCHITECTURES, "default", {"features": (8,) * 6, "fold": 2})
    torch.manual_seed(0)
    network = task.network()
    optimizer, _ = task.optimizer(network, 1)
    optimizer.param_groups[0]["lr"] = 0.01
    losses = []
    for epoch in range(4):
        for images, masks in task.training_batches(epoch, 0):
            loss = task.loss(network, (images[:8], masks[:8]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
