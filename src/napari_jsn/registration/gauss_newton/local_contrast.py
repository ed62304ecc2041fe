"""Local contrast inside a region: what is compared between two visits.

Exposure, soft tissue and osteopenia change slowly across a bone; subtracting the local mean and dividing
by the local spread removes them. Both are taken inside the bone's own region only (normalised
convolution): a window that crosses the joint space would mix the motions of the two bones.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Width of the Gaussian window, in working pixels.
WINDOW_PX = 6.0
#: The least local spread, as a share of the region's own, so that flat parts do not become noise.
_LEAST_SPREAD = 0.3


class Window:
    """A Gaussian window over (N, H, W) stacks, written as two small matrix products."""

    def __init__(self, height: int, width: int, sigma: float, device: torch.device, dtype: torch.dtype) -> None:
        self.down = _weights(height, sigma, device, dtype)
        self.across = _weights(width, sigma, device, dtype)

    def __call__(self, stack: Tensor) -> Tensor:
        """Weighted sums around every pixel; not divided by the weights."""
        return self.down @ stack @ self.across


def _weights(length: int, sigma: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    at = torch.arange(length, device=device, dtype=dtype)
    return torch.exp(-0.5 * ((at[:, None] - at[None]) / sigma) ** 2)


def local_contrast(images: Tensor, region: Tensor, window: Window) -> Tensor:
    """Each image less its local mean, over its local spread, both inside its region.

    Parameters
    ----------
    images, region : (N, H, W) tensors
        Grey levels, and weights in [0, 1] (0 outside the region).
    window : Window

    Returns
    -------
    (N, H, W) tensor
        About unit spread inside the region; outside it has no meaning.
    """
    count = region.sum((1, 2)).clamp_min(1)
    centred = images - ((images * region).sum((1, 2)) / count)[:, None, None]
    weight = window(region).clamp_min(1e-3)
    detail = centred - window(region * centred) / weight
    spread = window(region * detail * detail) / weight
    floor = _LEAST_SPREAD**2 * ((centred * centred * region).sum((1, 2)) / count)
    return detail / torch.sqrt(spread + floor[:, None, None] + 1e-10)
