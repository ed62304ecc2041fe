import pytest
import torch

from napari_jsn.segmentation.training.augment import Augmentation, augment

NO_CHANGE = Augmentation(0, 0, (1, 1), 0, 0, 0, 0, 0, 0, 0, 0)


def batch(count=16, size=64):
    masks = torch.zeros(count, 2, size, size)
    masks[:, 0, 4:28, 20:44] = 1
    masks[:, 1, 34:60, 20:44] = 1
    return masks.sum(1, keepdim=True) * 0.6 + 0.2, masks


def chance(seed=0):
    return torch.Generator().manual_seed(seed)


def test_image_and_masks_move_together():
    images, masks = batch()
    moved, found = augment(images, masks, chance(), Augmentation(20, 0.1, (0.75, 1.35), 0.06, 0, 0, 0, 0, 0, 0, 0))
    inside = found.sum(1, keepdim=True) > 0.95
    outside = found.sum(1, keepdim=True) < 0.05
    assert not torch.equal(found, masks)
    assert all(moved[k][inside[k]].min() > moved[k][outside[k]].max() for k in range(len(moved)))


def test_the_upper_bone_stays_above():
    _, found = augment(*batch(), chance(1))
    row = torch.arange(64.0)[:, None]
    heights = (found * row).sum((2, 3)) / found.sum((2, 3))
    assert (heights[:, 0] < heights[:, 1]).all()


@pytest.mark.parametrize("what", ["gamma", "shading", "blurred", "coarse", "noisy", "inverted", "covered"])
def test_each_change_of_intensities_leaves_the_masks(what):
    images, masks = batch()
    images += 0.1 * torch.rand(images.shape, generator=chance(9))
    unchanged, kept = augment(images.clone(), masks, chance(2), NO_CHANGE)
    found, same = augment(images.clone(), masks, chance(2), Augmentation(**{**vars(NO_CHANGE), what: 1.0}))
    torch.testing.assert_close(same, kept)
    assert torch.isfinite(found).all()
    assert (found - unchanged).abs().mean() > 1e-3


def test_the_same_seed_gives_the_same():
    first, second, third = (augment(*batch(), chance(seed))[0] for seed in (5, 5, 6))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
