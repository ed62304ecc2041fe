"""Load a trained network from its weights and card, and keep it for the next call."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.networks import weights

if TYPE_CHECKING:
    from torch.nn import Module

    Build = Callable[[dict[str, Any]], Module]


#: Least and largest side of a network's images, in pixels.
MIN_SIDE, MAX_SIDE = 16, 4096


@dataclass(frozen=True)
class LoadedNetwork:
    """A trained network, ready for inference.

    Attributes
    ----------
    network : Module
        In evaluation mode, on its device.
    side : int
        Side of the network's square images, in pixels.
    card : dict
        The model card.
    """

    network: Any
    side: int
    card: dict[str, Any]


def load_network(
    task: str, name: str, device: str, build: Build, prepare: Callable[[Module], Module] | None = None
) -> LoadedNetwork:
    """Load a trained network; its files are read again only when they have changed.

    Parameters
    ----------
    task : str
        For instance ``"segmentation"``.
    name : str
        One of :func:`napari_jsn.networks.weights.names`, or the path of a ``.safetensors`` file.
    device : str
        ``"cpu"`` or ``"cuda"``.
    build : callable
        Make the network with random weights from the arguments in the card's ``architecture`` (without ``class``).
    prepare : callable, optional
        Applied to the network in evaluation mode, before it goes to the device.

    Raises
    ------
    InputError
        If there is no such model, its files are damaged, or the weights do not fit the card.

    Examples
    --------
    >>> from napari_jsn.networks.load import load_network
    >>> from napari_jsn.segmentation.unetpp import build_bone_net
    >>> load_network("segmentation", "default", "cpu", build_bone_net).side
    128
    """
    path = weights.find(task, name)
    return _load(task, os.fspath(path), path.stat().st_mtime_ns, device, build, prepare)


@lru_cache(maxsize=8)
def _load(
    task: str, path: str, changed: int, device: str, build: Build, prepare: Callable[[Module], Module] | None
) -> LoadedNetwork:
    state, card = weights.load(task, path)
    try:
        side = int(card["input_size_px"][0])
        if not MIN_SIDE <= side <= MAX_SIDE:
            raise ValueError(f"input size of {side} px")
        architecture = {key: value for key, value in card["architecture"].items() if key != "class"}
        _check_number_of_weights(build, architecture, state)
        network = build(architecture)
        network.load_state_dict(state)
    except MemoryError:
        raise
    except Exception as error:  # networks raise many types for arguments that make no network
        raise InputError(
            f"The weights in {os.path.basename(path)} do not fit the network that the card describes. "
            "Get both files again, or train the model again.",
            "model",
        ) from error
    network.eval()
    return LoadedNetwork((prepare(network) if prepare else network).to(device), side, card)


def _check_number_of_weights(build: Build, architecture: dict[str, Any], state: dict[str, Any]) -> None:
    """Check the number of weights that the card states, before memory is allocated for the network.

    Loading checks their names and shapes later; a network may rename weights then.

    Raises
    ------
    ValueError
        If the network has more than the file.
    """
    import torch

    with torch.device("meta"):  # shapes without memory
        stated = build(architecture).state_dict()
    needed = sum(each.numel() for key, each in stated.items() if not key.endswith(weights.BATCH_COUNTS))
    if needed > sum(each.numel() for each in state.values()):
        raise ValueError("number of weights")
