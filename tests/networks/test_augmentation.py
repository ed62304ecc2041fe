import pytest
import torch

from napari_jsn.networks import augmentation


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    """Eight random images."""
    return torch.rand(8, 1, 32, 32, generator=generator(9))


CHANGES = {
    "exposure": lambda images, chance: augmentation.change_exposure(images, chance, 0.3, (0.7, 1.3), 0.1),
    "shading": lambda images, chance: augmentation.shade(images, chance, 0.2, 3),
    "inverted": lambda images, chance: augmentation.invert(images, chance, 0.5),
    "coarse": lambda images, chance: augmentation.coarsen(images, chance, 8),
    "noisy": lambda images, chance: augmentation.add_noise(images, chance, 0.1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_depends_on_the_generator_alone(images, change):
    before = images.clone()
    first, same, other = (change(images, generator(seed)) for seed in (1, 1, 2))
    assert first.shape == images.shape and torch.isfinite(first).all()
    assert torch.equal(first, same) and not torch.equal(first, other) and torch.equal(images, before)


def test_blurring_keeps_the_mean_and_each_image_has_its_own_sigma():
    point = torch.zeros(2, 1, 33, 33)
    point[:, 0, 16, 16] = 1
    blurred = augmentation.blur(point, torch.tensor([1.0, 2.0]), reach=8)
    torch.testing.assert_close(blurred.sum((1, 2, 3)), torch.ones(2))
    steps = torch.arange(33.0) - 16
    sd = ((blurred[:, 0].sum(1) * steps**2).sum(1)).sqrt()
    torch.testing.assert_close(sd, torch.tensor([1.0, 2.0]), atol=0.03, rtol=0)


def test_shares_choose_none_and_all():
    assert len(augmentation.choose(0.0, 5, generator())) == 0
    assert augmentation.choose(1.0, 5, generator()).tolist() == [0, 1, 2, 3, 4]
