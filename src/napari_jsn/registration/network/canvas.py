"""Joint pairs on the registration network's squares, and its maps back on the pairs' own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_jsn.networks.canvas import centred_padding, pad_to_square, resize

if TYPE_CHECKING:
    from napari_jsn.registration.methods import PreparedPair

#: A pair whose longer side is within this share of the square's side is not resized.
_SAME_SIZE = 0.04


@dataclass(frozen=True)
class Canvases:
    """Pairs on squares.

    Attributes
    ----------
    fixed, moving : (B, 1, S, S) tensors
        Images.
    fixed_masks, moving_masks : (B, 2, S, S) tensors
    fixed_to_square, moving_to_square : (B, 3, 3) arrays
        From the images to the squares.
    """

    fixed: Tensor
    moving: Tensor
    fixed_masks: Tensor
    moving_masks: Tensor
    fixed_to_square: NDArray[np.float64]
    moving_to_square: NDArray[np.float64]

    def to_image_maps(self, maps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return maps (B, 2, 3, 3) between the squares as maps between the images."""
        from_square = np.linalg.inv(self.moving_to_square)[:, None]
        return np.asarray(from_square @ maps @ self.fixed_to_square[:, None], dtype=float)

    def swapped(self) -> Canvases:
        """Return the same pairs with fixed and moving exchanged."""
        images = self.moving, self.fixed, self.moving_masks, self.fixed_masks
        return Canvases(*images, self.moving_to_square, self.fixed_to_square)

    def followed_by(self, other: Canvases) -> Canvases:
        """Return these pairs and then those of another one."""
        return Canvases(
            torch.cat([self.fixed, other.fixed]),
            torch.cat([self.moving, other.moving]),
            torch.cat([self.fixed_masks, other.fixed_masks]),
            torch.cat([self.moving_masks, other.moving_masks]),
            np.concatenate([self.fixed_to_square, other.fixed_to_square]),
            np.concatenate([self.moving_to_square, other.moving_to_square]),
        )


def canvases(pairs: Sequence[PreparedPair], side: int, device: torch.device) -> Canvases:
    """Put both images of each pair on squares, with one magnification and their centres in the middle."""
    planes: list[list[Tensor]] = [[], []]
    matrices: list[list[NDArray[np.float64]]] = [[], []]
    for pair in pairs:
        scale = side / max(pair.fixed.shape + pair.moving.shape)
        scale = 1.0 if abs(scale - 1) < _SAME_SIZE and scale >= 1 else scale
        images = ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks))
        for k, (image, masks) in enumerate(images):
            plane = torch.from_numpy(np.stack([image, masks.upper, masks.lower]).astype(np.float32))
            square, matrix = _on_square(plane, scale, side)
            planes[k].append(square)
            matrices[k].append(matrix)
    fixed, moving = (torch.stack(each).to(device) for each in planes)
    fixed_to_square, moving_to_square = (np.stack(each) for each in matrices)
    return Canvases(fixed[:, :1], moving[:, :1], fixed[:, 1:], moving[:, 1:], fixed_to_square, moving_to_square)


def _on_square(planes: Tensor, scale: float, side: int) -> tuple[Tensor, NDArray[np.float64]]:
    """Magnify planes (3, H, W) and pad them to a square; return it and the matrix from the planes to it."""
    rows, cols = planes.shape[-2:]
    size = max(1, round(rows * scale)), max(1, round(cols * scale))
    planes = planes[None] if size == (rows, cols) else resize(planes[None], size)
    left, _, above, _ = centred_padding(size, side)
    scale_xy = np.array([size[1] / cols, size[0] / rows])
    # one magnification for both directions, so that similarities stay similarities
    mean_scale = float(np.sqrt(scale_xy.prod()))
    matrix = np.eye(3)
    matrix[0, 0] = matrix[1, 1] = mean_scale
    difference = (scale_xy - mean_scale) * np.array([cols, rows]) / 2
    matrix[:2, 2] = (0.5 * mean_scale - 0.5) + np.array([left, above]) + difference
    return pad_to_square(planes, side)[0], matrix
