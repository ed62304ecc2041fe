"""``segment``: find the two bones of a joint image with a network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.device import compute_in_batches, device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.segmentation.found_bones import FoundBones, bones_from_probability

if TYPE_CHECKING:
    from napari_jsn.segmentation.unetpp import BoneNet

#: The least side of a joint image, in pixels.
LEAST_SIDE = 24
#: Images that go through the network together.
_BATCH = 16


def segment(joint_image: Any, model: str = "default", device: str | None = None) -> FoundBones:
    """Find the two bones of a joint image.

    Parameters
    ----------
    joint_image : (H, W) array or JointImage
        A crop of about 22 mm around one joint, finger axis vertical, distal end up. Any size and numeric type.
    model : str
        ``"default"``, the name of your own model, or the path of a ``.safetensors`` file.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default a GPU if there is one.

    Returns
    -------
    FoundBones
        Masks ``upper`` and ``lower``, (H, W) bool, which may overlap; each is one piece without holes. ``reasons``
        states why they are not reliable.

    Raises
    ------
    InputError
        If it is no image, or there is no such model or device.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> masks = jsn.segment(jsn.joint_image(baseline, jsn.find_joints(baseline)[2]))
    >>> masks.reliable, masks.upper.shape, masks.upper.dtype.name
    (True, (162, 162), 'bool')
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
        Updated after every batch; when aborted, the results so far are returned.
    argument : str
        The name of the argument that an error carries.
    """
    import torch

    from napari_jsn.networks.load import load_network
    from napari_jsn.segmentation.unetpp import build_bone_net

    images = [_image(image, argument) for image in joint_images]
    if not images:
        return []
    progress = progress or Silent()
    device = device_name(device)

    def segment_batch(some: Sequence[NDArray[np.float32]], used: torch.device) -> list[FoundBones]:
        loaded = load_network("segmentation", model, str(used), build_bone_net)
        with torch.no_grad():
            return _segment_batch(some, loaded.network, loaded.side, str(used))

    return compute_in_batches(images, _BATCH, device, segment_batch, progress, "Finding the bones")


def _segment_batch(
    images: Sequence[NDArray[np.float32]], network: "BoneNet", side: int, device: str
) -> list[FoundBones]:
    import torch

    from napari_jsn.segmentation.canvas import from_canvas, normalise, to_canvas, without_bright_border

    squares = normalise(torch.stack([to_canvas(without_bright_border(image), side) for image in images])[:, None])
    logits = network(squares.to(device, memory_format=torch.channels_last)).float().cpu()
    return [
        bones_from_probability(torch.sigmoid(from_canvas(planes, image.shape)).numpy())
        for planes, image in zip(logits, images, strict=True)
    ]


def _image(given: Any, argument: str) -> NDArray[np.float32]:
    pixels = to_intensities(getattr(given, "pixels", given), argument, "The joint image")
    if min(pixels.shape) < LEAST_SIDE:
        raise InputError(
            f"The joint image is only {pixels.shape[0]} x {pixels.shape[1]} pixels; at least {LEAST_SIDE} each way "
            "are needed. Cut a larger crop around the joint.",
            argument,
        )
    return pixels
