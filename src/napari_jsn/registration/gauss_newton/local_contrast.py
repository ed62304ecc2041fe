"""Local contrast inside a region, the quantity that registration compares between two visits.

The effects of exposure, soft tissue and osteopenia vary slowly across a bone. Subtracting the local mean and dividing
by the local standard deviation removes them. Both are computed inside the bone's region only (normalised convolution):
a window that crosses the joint space would mix the motions of the two bones.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

#: Width of the Gaussian window, in working pixels.
WINDOW_PX = 6.0
#: Smallest local standard deviation, as a share of that of the whole region: noise in parts without contrast is not
#: amplified.
_LEAST_SD_SHARE = 0.3


class Window:
    """Gaussian window over (N, H, W) stacks, as two matrix products."""

    def __init__(self, height: int, width: int, sigma: float, device: torch.device, dtype: torch.dtype) -> None:
        self.down: Tensor = _weights(height, sigma, device, dtype)
        self.across: Tensor = _weights(width, sigma, device, dtype)

    def __call__(self, stack: Tensor) -> Tensor:
        """Return weighted sums around every pixel, not divided by the sum of the weights."""
        return self.down @ stack @ self.across


@lru_cache(maxsize=64)
def _weights(length: int, sigma: float, device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):  # a tensor of inference could not be used for training later
        at = torch.arange(length, device=device, dtype=dtype)
        return torch.exp(-0.5 * ((at[:, None] - at[None]) / sigma) ** 2)


def local_contrast(images: Tensor, region: Tensor, window: Window) -> Tensor:
    """Return images minus their local mean, divided by their local standard deviation, inside their regions.

    Parameters
    ----------
    images, region : (N, H, W) tensors
        Intensities, and weights in [0, 1] (0 outside the region).
    window : Window

    Returns
    -------
    (N, H, W) tensor
        Standard deviation of about 1 inside the region; no meaning outside.
    """
    count = region.sum((1, 2)).clamp_min(1)
    centred = images - ((images * region).sum((1, 2)) / count)[:, None, None]
    weight = window(region).clamp_min(1e-3)
    detail = centred - window(region * centred) / weight
    variance = window(region * detail * detail) / weight
    floor = _LEAST_SD_SHARE**2 * ((centred * centred * region).sum((1, 2)) / count)
    return detail / torch.sqrt(variance + floor[:, None, None] + 1e-10)
