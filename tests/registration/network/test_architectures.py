import pytest
import torch

from napari_jsn import InputError
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.network.architectures import build_registration_net, count_parameters, fuse_batch_norm
from napari_jsn.registration.network.maps import similarities
from napari_jsn.registration.network.paper_net import PaperNet


def test_the_papers_network_has_the_papers_number_of_parameters():
    with torch.device("meta"):
        network = build_registration_net("paper")
    assert count_parameters(network) == 47_000_224
    convolutions = [each for each in network.modules() if isinstance(each, torch.nn.Conv2d)]
    assert [each.out_channels for each in convolutions[:3]] == [1, 1, 64]
    assert sum(each.kernel_size == (1, 1) for each in convolutions) == 4


def test_an_unknown_preset_lists_the_choices():
    with pytest.raises(InputError, match="paper"):
        build_registration_net("huge")


def test_its_outputs_are_in_their_ranges():
    network = PaperNet(4, (1, 1, 1, 1), (4, 4, 4, 4)).eval()
    torch.nn.init.constant_(network.head.bias, 30.0)
    images, masks = torch.rand(2, 1, 32, 32), torch.rand(2, 2, 32, 32)
    with torch.no_grad():
        maps = network(images, images, masks, masks)
    assert maps.shape == (2, 2, 3, 3)
    scale, turn = torch.linalg.det(maps[..., :2, :2]).sqrt(), torch.atan2(maps[..., 1, 0], maps[..., 0, 0])
    torch.testing.assert_close(scale, torch.full((2, 2), 2.0))
    torch.testing.assert_close(turn, torch.full((2, 2), torch.pi / 2))


def test_matrices_are_those_of_equation_1():
    expected = Similarity(1.1, 0.2, 3.0, -2.0, (15.5, 15.5))
    one = similarities(torch.tensor(1.1), torch.tensor(0.2), torch.tensor([3.0, -2.0]), (15.5, 15.5))
    torch.testing.assert_close(one, torch.as_tensor(expected.matrix, dtype=torch.float32))


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_a_fused_network_gives_the_same_maps(preset):
    arguments = {"stem": 4, "blocks": (1, 1, 1, 1), "features": (4, 4, 4, 4)} if preset == "paper" else {}
    network = PaperNet(**arguments) if preset == "paper" else build_registration_net("default")
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
            torch.nn.init.normal_(layer.running_mean)
    for value in network.parameters():
        if value.abs().max() == 0:
            torch.nn.init.normal_(value, std=0.01)
    images, masks = torch.rand(1, 1, 128, 128), torch.rand(1, 2, 128, 128).round()
    network.eval()
    with torch.no_grad():
        before = network(images, images.flip(2), masks, masks)
        after = fuse_batch_norm(network)(images, images.flip(2), masks, masks)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in network.modules())
    assert (before - torch.eye(3)).abs().max() > 1e-3
    torch.testing.assert_close(before, after, atol=1e-3, rtol=1e-3)
