import pytest
import torch

from napari_jsn.segmentation.unetpp import ARCHITECTURES, NestedUNet, build_bone_net


def count(network):
    return sum(value.numel() for value in network.parameters())


def test_the_default_network_fits_into_12_mb():
    assert 4 * count(build_bone_net(ARCHITECTURES["default"])) < 12e6


def test_the_papers_network_begins_with_64_channels_of_7_by_7_and_has_five_levels():
    network = build_bone_net(ARCHITECTURES["paper"])
    first = next(module for module in network.modules() if isinstance(module, torch.nn.Conv2d))
    assert (first.in_channels, first.out_channels, first.kernel_size) == (1, 64, (7, 7))
    assert ARCHITECTURES["paper"]["features"][:5] == (64, 128, 256, 512, 1024)
    second = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)][1]
    assert (second.in_channels, second.out_channels, second.kernel_size) == (64, 64, (3, 3))


@pytest.mark.parametrize("fold", [1, 2])
def test_logits_of_two_bones_come_back_at_the_images_size(fold):
    network = build_bone_net({"features": (4,) * 6, "fold": fold, "first_channels": 3}).eval()
    assert network(torch.zeros(2, 1, 64, 96)).shape == (2, 2, 64, 96)


@pytest.mark.parametrize("features", [(32, 32, 64, 128, 256, 32), (6, 8, 10, 12, 16, 4)])
def test_the_network_is_the_same_as_monais(features):
    from monai.networks.nets import BasicUNetPlusPlus

    torch.manual_seed(3)
    expected = BasicUNetPlusPlus(2, 4, 8, features, norm="batch")
    torch.manual_seed(3)
    network = NestedUNet(4, 8, features)
    assert list(network.state_dict()) == list(expected.state_dict())  # random weights are made in the same order
    for name, value in expected.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    images = torch.randn(2, 4, 32, 48)
    for mode in (True, False):
        assert torch.equal(network.train(mode)(images), expected.train(mode)(images)[0])
