"""The registration networks by preset, and how to build them.

All of them are called in the same way: ``network(fixed, moving, fixed_masks, moving_masks)`` with images (B, 1, S, S),
intensities in [0, 1], and masks (B, 2, S, S) of the upper and the lower bone, returns maps (B, 2, 3, 3) from
``(x, y, 1)`` of the fixed to the moving image, in pixels of these squares.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from napari_jsn.networks.layers import channels_last
from napari_jsn.networks.task import check_preset
from napari_jsn.registration.network.paper_net import PaperRuns
from napari_jsn.registration.network.pose_net import PoseNet

#: Class (see :data:`KINDS`) and arguments of the network of each preset.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "default": {"kind": "default", "coarse": (24, 48, 96, 160), "fine": (24, 48, 96, 128), "passes": (1, 2)},
    "paper": {"kind": "paper", "runs": 1},
}
#: The networks that the ``kind`` of an architecture names.
KINDS: dict[str, type[nn.Module]] = {"default": PoseNet, "paper": PaperRuns}


def build_registration_net(architecture: str | dict[str, Any]) -> nn.Module:
    """Return a network with random weights.

    Parameters
    ----------
    architecture : str or dict
        ``"default"``, ``"paper"`` (one run of it: 47,000,224 parameters), or the architecture of a card.

    Raises
    ------
    InputError
        If there is no such preset.
    """
    if isinstance(architecture, str):
        check_preset(architecture, ARCHITECTURES)
        architecture = ARCHITECTURES[architecture]
    arguments = {name: value for name, value in architecture.items() if name not in ("kind", "class")}
    return channels_last(KINDS[architecture["kind"]](**arguments))


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(each.numel() for each in network.parameters())


def fuse_batch_norm(network: nn.Module) -> nn.Module:
    """Merge every batch normalisation into the convolution before it: the same output in four fifths of the time."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    for name, child in network.named_children():
        if isinstance(child, nn.Sequential):
            layers: list[nn.Module] = []
            for layer in child:
                if isinstance(layer, nn.BatchNorm2d) and layers and isinstance(layers[-1], nn.Conv2d):
                    layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
                else:
                    layers.append(layer)
            child = nn.Sequential(*layers)
            setattr(network, name, child)
        fuse_batch_norm(child)
    return channels_last(network)
