"""A toy task: find a bright square, with a network of a few dozen weights."""

import numpy as np
import pytest
import torch
from torch import nn


class ToyTask:
    """Each batch is drawn from (epoch, seed); dropout makes the training depend on torch's generator too."""

    name, preset, epochs = "segmentation", "toy", 4
    width, validation, batches = 4, 6, 3
    rate = 0.02

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)

    def network(self):
        return nn.Sequential(
            nn.Conv2d(1, self.width, 3, padding=1), nn.BatchNorm2d(self.width), nn.ReLU(), nn.Dropout(0.2),
            nn.Conv2d(self.width, 1, 1),
        )  # fmt: skip

    def optimizer(self, network, epochs):
        optimizer = torch.optim.Adam(network.parameters(), self.rate)
        return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    def training_batches(self, epoch, seed):
        for k in range(self.batches):
            yield draw(np.random.default_rng((seed, epoch, k)), 4)

    def validation_batches(self):
        rng = np.random.default_rng(99)
        return [draw(rng, 3) for _ in range(self.validation // 3)]

    def loss(self, network, batch):
        image, truth = batch
        return nn.functional.binary_cross_entropy_with_logits(network(image), truth)

    def measures(self, network, batch):
        image, truth = batch
        found = network(image) > 0
        both = (found & (truth > 0)).flatten(1).sum(1)
        return {"dsc": (2 * both + 1) / (found.flatten(1).sum(1) + truth.flatten(1).sum(1) + 1)}

    def example(self, network, index):
        images, truths = (torch.cat(parts) for parts in zip(*self.validation_batches()))
        device = next(network.parameters()).device
        found = network(images[index : index + 1].to(device))[0, 0] > 0
        truth = truths[index, 0].numpy().astype(np.uint8)
        return {"image": images[index, 0].numpy(), "truth": truth, "found": found.cpu().numpy().astype(np.uint8)}

    def card(self):
        return {
            "architecture": {"class": "torch.nn.Sequential", "width": self.width},
            "input_size_px": [16, 16],
            "normalisation": "none",
            "training_data": [{"source": "drawn squares", "terms": "none"}],
        }


def draw(rng, count):
    truth = np.zeros((count, 1, 16, 16), np.float32)
    for k, (row, column) in enumerate(rng.integers(0, 10, (count, 2))):
        truth[k, 0, row : row + 6, column : column + 6] = 1
    image = 0.6 * truth + rng.normal(0, 0.2, truth.shape).astype(np.float32)
    return torch.from_numpy(image), torch.from_numpy(truth)


@pytest.fixture
def toy():
    """The class, so that a test can give it other attributes."""
    return ToyTask


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    """The user's own models lie here during a test."""
    folder = tmp_path / "models"
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(folder))
    return folder
