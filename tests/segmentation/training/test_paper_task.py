"""The recipe of Wang et al. 2023 for the segmentation, compared with independent computations in NumPy."""

import numpy as np
import pytest
import torch

from napari_jsn import InputError
from napari_jsn.segmentation import unetpp
from napari_jsn.segmentation.training.paper_task import PaperSegmentationTask


@pytest.fixture
def task(joint, monkeypatch):
    monkeypatch.setitem(unetpp.ARCHITECTURES, "paper", {"features": (4,) * 6, "fold": 1, "first_channels": 4})
    return PaperSegmentationTask([joint(seed=seed) for seed in range(10)])


def test_the_recipe_has_the_published_constants_and_nothing_else(task):
    assert (task.epochs, task._batch, task.ema, task.patience, task.keep_last) == (150, 30, None, None, True)
    optimizer, scheduler = task.optimizer(task.network(), 150)
    assert isinstance(optimizer, torch.optim.RMSprop) and scheduler is None
    assert {key: optimizer.defaults[key] for key in ("lr", "alpha", "eps")} == {"lr": 1e-5, "alpha": 0.9, "eps": 1e-4}
    assert (optimizer.defaults["momentum"], optimizer.defaults["weight_decay"]) == (0, 0)
    sizes = [len(images) for images, _ in task.training_batches(0, 0)]
    assert sizes == [8] and sum(len(images) for images, _ in task.validation_batches()) == 2
    first, again = (sorted(next(iter(task.training_batches(epoch, 0)))[1].sum((1, 2, 3)).tolist()) for epoch in (0, 1))
    assert first == again  # no augmentation


def test_the_loss_and_one_step_with_a_batch_of_2_are_those_of_a_computation_in_numpy(task):
    torch.manual_seed(0)
    network = task.network()
    optimizer, _ = task.optimizer(network, 150)
    images, masks = (part[:2] for part in next(iter(task.training_batches(0, 0))))
    before = [value.detach().numpy().copy() for value in network.parameters()]
    with torch.no_grad():
        probability = 1 / (1 + np.exp(-network(images).double().numpy()))
    truth = masks.double().numpy()
    expected = -np.mean(truth * np.log(probability) + (1 - truth) * np.log(1 - probability))
    loss = task.loss(network, (images, masks))
    assert loss.item() == pytest.approx(expected, abs=1e-5)
    loss.backward()
    optimizer.step()
    for old, value in zip(before, network.parameters(), strict=True):
        if value.grad is not None:  # MONAI makes output layers that deep supervision alone uses
            gradient = value.grad.numpy()
            step = 1e-5 * gradient / (np.sqrt(0.1 * gradient**2) + 1e-4)
            np.testing.assert_allclose(value.detach(), old - step, atol=1e-7)


def test_only_its_own_preset_and_images_with_masks_are_accepted(joint):
    with pytest.raises(InputError, match="one of: paper"):
        PaperSegmentationTask([joint()], "default")
    with pytest.raises(InputError, match="one group"):
        PaperSegmentationTask([joint(group="one"), joint(group="one")])
