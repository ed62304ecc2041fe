"""``segment``: the two bones of a joint image, found by a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.segmentation.found_bones import FoundBones, bones

if TYPE_CHECKING:
    from napari_jsn.segmentation.unetpp import BoneNet

#: The smallest image side that shows a joint, in pixels.
_LEAST_SIDE = 24
#: Images that go through the network together.
_BATCH = 16


def segment(joint_image: Any, model: str = "default", device: str | None = None) -> FoundBones:
    """Find the two bones of a joint image.

    Parameters
    ----------
    joint_image : (H, W) array or JointImage
        A crop of about 22 mm around one joint, finger axis vertical, distal end up. Any size and numeric type.
    model : str
        ``"default"``, the name of a model of one's own, or the path of a ``.safetensors`` file.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default a GPU if there is one.

    Returns
    -------
    FoundBones
        Masks ``upper`` and ``lower``, (H, W) bool, which may overlap; each is one piece without holes. ``reasons``
        says what is doubtful about them.

    Raises
    ------
    InputError
        If it is no image, or there is no such model or device.
    """
    return segment_many([joint_image], model, device, argument="joint_image")[0]


def segment_many(
    joint_images: Sequence[Any],
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    argument: str = "joint_images",
) -> list[FoundBones]:
    """Find the two bones of many joint images, which may be of different sizes; see :func:`segment`.

    Parameters
    ----------
    joint_images : sequence of (H, W) arrays or JointImages
    model, device
        As for :func:`segment`.
    progress : Progress, optional
        Told of every batch; when aborted, what is found so far comes back.
    argument : str
        The name that a refusal carries.
    """
    import torch

    images = [_image(image, argument) for image in joint_images]
    if not images:
        return []
    progress = progress or Silent()
    on = device_name(device)
    network, side = _network(model, on)
    found: list[FoundBones] = []
    with torch.no_grad():
        for first in range(0, len(images), _BATCH):
            if progress.aborted:
                break
            found += _bones_of(images[first : first + _BATCH], network, side, on)
            progress.update(len(found), len(images), "Finding the bones")
    return found


def _bones_of(images: list[NDArray[np.float32]], network: BoneNet, side: int, device: str) -> list[FoundBones]:
    import torch

    from napari_jsn.segmentation.canvas import from_canvas, normalise, to_canvas

    squares = normalise(torch.stack([to_canvas(image, side) for image in images])[:, None])
    logits = network(squares.to(device, memory_format=torch.channels_last)).float().cpu()
    return [
        bones(torch.sigmoid(from_canvas(each, image.shape)).numpy()) for each, image in zip(logits, images, strict=True)
    ]


def _image(given: Any, argument: str) -> NDArray[np.float32]:
    pixels = to_intensities(getattr(given, "pixels", given), argument, "The joint image")
    if min(pixels.shape) < _LEAST_SIDE:
        raise InputError(
            f"The joint image is only {pixels.shape[0]} x {pixels.shape[1]} pixels; at least {_LEAST_SIDE} each way "
            "are needed. Cut a larger crop around the joint.",
            argument,
        )
    return pixels


def _network(model: str, device: str) -> tuple[BoneNet, int]:
    """The network of a model and the side of its square; read again only when its file has changed."""
    from napari_jsn.networks import weights

    path = weights.find("segmentation", model)
    return _read(os.fspath(path), path.stat().st_mtime_ns, device)


@lru_cache(maxsize=4)
def _read(path: str, changed: int, device: str) -> tuple[BoneNet, int]:
    from napari_jsn.networks import weights
    from napari_jsn.segmentation.unetpp import build

    state, card = weights.load("segmentation", path)
    try:
        arguments = {key: value for key, value in card["architecture"].items() if key != "class"}
        network = build(arguments)
        network.load_state_dict(state)
        side = int(card["input_size_px"][0])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"{os.path.basename(path)} does not fit the network that its card describes. Get both files again, "
            "or train anew.",
            "model",
        ) from error
    return network.eval().to(device), side
