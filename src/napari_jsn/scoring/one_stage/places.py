"""Places of the joints on the joint map of the one-stage network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from napari_jsn.anatomy import JOINTS

#: Least mean probability of a joint in its circle.
_LEAST = 0.2
#: Block of pixels over which probabilities are averaged to search for a circle; radius around a place, over that of the
#: circle (what lies between may belong to the joint), whose mean its next place is; and number of such steps.
_BLOCK, _AROUND, _STEPS = 4, 2.0, 3


def joint_places(joint: Tensor, radius: float) -> dict[str, tuple[float, float]]:
    """Return the places (x, y) of the joints that a joint map marks: the centre of the circle where each is likeliest.

    Pixels far from the circle do not count.

    Parameters
    ----------
    joint : (15, H, W) tensor
        Probabilities of background and joints, on the CPU.
    radius : float
        Of the circle, in pixels.
    """
    places: dict[str, tuple[float, float]] = {}
    rows, cols = (torch.arange(length, dtype=torch.float32) for length in joint.shape[-2:])
    reach = max(_AROUND * radius, 1.0) + 1
    for name, probability, mean in zip(JOINTS, joint[1:], _circle_means(joint, radius), strict=True):
        if not mean.max() >= _LEAST:  # nor where the map has values that are no numbers
            continue
        row, col = np.unravel_index(int(mean.argmax()), mean.shape)
        x, y = ((float(each) + 0.5) * _BLOCK - 0.5 for each in (col, row))
        for _ in range(_STEPS):
            down, across = (slice(max(0, int(each - reach)), int(each + reach) + 2) for each in (y, x))
            near = probability[down, across] * disc(x, y, _AROUND * radius, rows[down], cols[across])
            total = near.sum()
            x, y = float(near.sum(0) @ cols[across] / total), float(near.sum(1) @ rows[down] / total)
        places[name] = (x, y)
    return places


def _circle_means(joint: Tensor, radius: float) -> Tensor:
    """Return the mean probability (14, R, C) of each joint in the circle around the middle of each block of pixels."""
    kernel = circle_kernel(radius / _BLOCK)
    return conv2d(avg_pool2d(joint[1:, None], _BLOCK), kernel[None, None], padding=len(kernel) // 2)[:, 0]


def circle_kernel(radius: float) -> Tensor:
    """Return the weights (K, K) of the mean over a circle whose radius is given in cells, 1 at least."""
    reach = max(1, int(radius))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    circle = (offsets[:, None] ** 2 + offsets**2 <= max(radius, 1.0) ** 2).float()
    return circle / circle.sum()


def disc(x: float, y: float, radius: float, rows: Tensor, cols: Tensor) -> Tensor:
    """Return which pixels (R, C) lie in a circle, at least one pixel around its centre."""
    inside = (rows[:, None] - y) ** 2 + (cols[None] - x) ** 2 <= max(radius, 1.0) ** 2
    return inside
