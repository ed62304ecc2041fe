"""Parts of a radiograph that are searched for hands, and the network's maps of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.anatomy import JOINTS
from napari_jsn.localization.canvas import normalise, sample_square, whole_view
from napari_jsn.localization.network import SIDE, cell_probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from napari_jsn.localization.network import JointNet

Array = NDArray[np.float64]
#: (top, left, bottom, right) of a part of a radiograph, in pixels.
Box = tuple[int, int, int, int]

#: Rotation in degrees, size as a share of the exposed part, and position of the middle of each further view.
_FURTHER_VIEWS = (
    (30.0, 1.1, 0.0, 0.0), (-30.0, 1.1, 0.0, 0.0), (0.0, 1.6, 0.0, 0.0), (0.0, 0.6, 0.0, -0.2), (0.0, 0.6, 0.0, 0.2),
    (0.0, 0.6, -0.2, 0.0), (0.0, 0.6, 0.2, 0.0),
)  # fmt: skip
#: A part that is smaller than this share of the radiograph is a view of its own.
_SMALLER = 0.8
#: Least range of a row or column that is no constant border, as a share of the radiograph's.
_VARIED = 0.1


def exposed_box(pixels: NDArray[np.float32]) -> Box:
    """Return (top, left, bottom, right) of the part of a radiograph without constant borders."""
    low, high = np.percentile(pixels[::4, ::4], (1, 99.5))
    edges = []
    for axis in (1, 0):
        varied = np.flatnonzero(np.ptp(pixels, axis=axis) > _VARIED * (high - low))
        edges.append((int(varied[0]), int(varied[-1]) + 1) if len(varied) else (0, pixels.shape[1 - axis]))
    (top, bottom), (left, right) = edges
    return top, left, bottom, right


def search_views(shape: tuple[int, ...], size: Array, box: Box) -> Iterator[Array]:
    """Yield matrices from the square to the radiograph: the whole of it; then parts of it, and rotated."""
    yield whole_view(shape, size)
    top, left, bottom, right = box
    offset = np.eye(3)
    offset[:2, 2] = left, top
    exposed = np.asarray(offset @ whole_view((bottom - top, right - left), size))
    if (bottom - top) * (right - left) < _SMALLER * shape[0] * shape[1]:
        yield exposed
    middle = (SIDE - 1) / 2
    for angle_deg, zoom, x, y in _FURTHER_VIEWS:
        cos, sin = zoom * np.cos(np.deg2rad(angle_deg)), zoom * np.sin(np.deg2rad(angle_deg))
        part = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        part[:2, 2] = middle + SIDE * np.array((x, y)) - part[:2, :2] @ np.full(2, middle)
        yield exposed @ part


def predict_maps(
    pixels: NDArray[np.float32], to_radiograph: Array, network: JointNet, device: str, mirror: bool = False
) -> Tensor:
    """Return the (28, cells, cells) probabilities of one square.

    With ``mirror`` they are the mean over the square and its mirror image, whose hands have exchanged sides.
    """
    import torch

    image, inside = (torch.from_numpy(part)[None, None] for part in sample_square(pixels, to_radiograph))
    images = normalise(image, inside)[:, : network.channels].to(device, memory_format=torch.channels_last)
    with torch.no_grad():
        maps = cell_probabilities(network(images)).cpu()
        if mirror:
            mirrored = cell_probabilities(network(images.flip(3))).cpu().flip(3)
            maps = (maps + mirrored.roll(len(JOINTS), 1)) / 2
    return maps[0]


def maps_of_side(maps: Tensor, right: bool) -> Tensor:
    """Return the (14, cells, cells) maps of the joints of one side's hand."""
    return maps[len(JOINTS) :] if right else maps[: len(JOINTS)]
