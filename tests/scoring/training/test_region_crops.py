import pytest
import torch

from napari_jsn.scoring.one_stage.network import ARCHITECTURES, build_hand_net
from napari_jsn.scoring.training.region_crops import HandBatch, region_crops, region_loss


@pytest.fixture
def hands():
    """Two hands with a bright and eroded spot at each joint."""
    generator = torch.Generator().manual_seed(0)
    images = 0.1 * torch.rand(2, 384, 320, generator=generator)
    centres = 30 + torch.rand(2, 14, 2, generator=generator) * torch.tensor([260.0, 320.0])
    centres[0, 3] = torch.tensor([-20.0, 50.0])
    eroded = torch.zeros_like(images)
    for hand in range(2):
        for x, y in centres[hand].round().int().tolist():
            if x >= 0:
                images[hand, y - 2 : y + 3, x - 2 : x + 3] = eroded[hand, y - 2 : y + 3, x - 2 : x + 3] = 1.0
    grades = torch.arange(14).repeat(2, 1) % 6
    grades[1, 5] = -1
    narrowed = torch.where(grades < 0, -1, torch.arange(14) % 5)
    widths = torch.ones(2, 14, 2)
    return HandBatch(images, eroded, centres, narrowed, grades, widths, torch.tensor([0.28, 0.3]), torch.zeros(2, 2))


def test_joints_lie_in_the_middle_of_their_regions(hands):
    crops = region_crops(hands, None)
    assert crops.images.shape == (2, 28, 96, 96)
    assert not crops.there[:, :14].any()  # hands lie on the canvas as left ones
    assert [torch.nonzero(each[14:])[:, 0].tolist() for each in crops.there] == [
        [k for k in range(14) if k != 3],
        [k for k in range(14) if k != 5],
    ]
    joints = torch.nonzero(crops.there)[:, 1] - 14
    assert torch.equal(crops.erosion[crops.there].argmax(-1), joints % 6)
    assert torch.equal(crops.jsn[crops.there].argmax(-1), joints % 5)
    assert (crops.images[crops.there][:, 46:50, 46:50].mean((1, 2)) > 3).all()
    assert torch.isnan(crops.areas[crops.there]).all()


def test_changed_regions_and_their_erosions_stay_together(hands):
    generator = torch.Generator().manual_seed(1)
    crops = region_crops(hands, generator)
    shown, covered = crops.images[crops.there], crops.areas[crops.there]
    assert covered.shape == (26, 48, 48)
    assert torch.isfinite(shown).all()
    assert (covered[:, 10:38, 10:38].amax((1, 2)) > 0.4).all()
    small = torch.nn.functional.avg_pool2d(shown[:, None], 2)[:, 0]
    for image, areas in zip(small, covered, strict=True):
        assert image[areas > 0.5].mean() > 2 + image[areas == 0].mean()


def test_what_is_not_known_is_not_learned(hands):
    network = build_hand_net(ARCHITECTURES["one-stage"])
    crops = region_crops(hands._replace(eroded=torch.full_like(hands.eroded, torch.nan)), torch.Generator())
    assert torch.isnan(crops.areas[crops.there][:, 20:28, 20:28]).all()
    loss = region_loss(network, crops)
    loss.backward()
    assert torch.isfinite(loss)
    for each in network.regions.kinds.values():
        assert each.head[-1].weight.grad.abs().sum() > 0
    none = torch.full_like(hands.erosion, -1)
    without = hands._replace(erosion=none, jsn=none)
    assert region_loss(network, region_crops(without, torch.Generator())) == 0


def test_a_kind_without_grades_is_not_learned(hands):
    network = build_hand_net(ARCHITECTURES["one-stage"])
    crops = region_crops(hands._replace(erosion=torch.full_like(hands.erosion, -1)), torch.Generator())
    region_loss(network, crops).backward()
    erosion, jsn = (network.regions.kinds[kind].head[-1].weight.grad for kind in ("erosion", "jsn"))
    assert jsn.abs().sum() > 0
    assert erosion is None or erosion.abs().sum() == 0
