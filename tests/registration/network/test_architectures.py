import pytest
import torch

from napari_jsn import InputError
from napari_jsn.joint.similarity import Similarity
from napari_jsn.registration.network.architectures import build_registration_net, fuse_batch_norm
from napari_jsn.registration.network.maps import similarities


def test_an_unknown_preset_lists_the_choices():
    with pytest.raises(InputError, match="paper"):
        build_registration_net("huge")


def test_matrices_are_those_of_equation_1():
    expected = Similarity(1.1, 0.2, 3.0, -2.0, (15.5, 15.5))
    one = similarities(torch.tensor(1.1), torch.tensor(0.2), torch.tensor([3.0, -2.0]), (15.5, 15.5))
    torch.testing.assert_close(one, torch.as_tensor(expected.matrix, dtype=torch.float32))


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_a_fused_network_gives_the_same_maps(preset, small_paper_net):
    network = build_registration_net(preset)
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
