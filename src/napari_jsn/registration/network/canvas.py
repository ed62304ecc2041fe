"""Joint pairs as the registration network sees them, and its answers on the pairs' own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad

if TYPE_CHECKING:
    from napari_jsn.registration.methods import PreparedPair

#: A pair whose longer side is that near to the square's is not resized.
_AS_IT_IS = 0.04


@dataclass(frozen=True)
class Canvases:
    """Pairs on squares: images (B, 1, S, S), masks (B, 2, S, S), and (B, 3, 3) from the images to the squares."""

    fixed: Tensor
    moving: Tensor
    fixed_masks: Tensor
    moving_masks: Tensor
    fixed_at: NDArray[np.float64]
    moving_at: NDArray[np.float64]

    def native(self, maps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Maps (B, 2, 3, 3) between the squares as maps between the images."""
        found: NDArray[np.float64] = np.linalg.inv(self.moving_at)[:, None] @ maps @ self.fixed_at[:, None]
        return found

    def swapped(self) -> Canvases:
        """The same pairs the other way round."""
        return Canvases(
            self.moving, self.fixed, self.moving_masks, self.fixed_masks, self.moving_at, self.fixed_at
        )  # fmt: skip


def canvases(pairs: Sequence[PreparedPair], side: int, device: torch.device) -> Canvases:
    """Both images of each pair on squares, magnified alike, their middles in the middle."""
    planes: list[list[Tensor]] = [[], []]
    at: list[list[NDArray[np.float64]]] = [[], []]
    for pair in pairs:
        scale = side / max(pair.fixed.shape + pair.moving.shape)
        scale = 1.0 if abs(scale - 1) < _AS_IT_IS and scale >= 1 else scale
        images = ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks))
        for k, (image, masks) in enumerate(images):
            plane = torch.from_numpy(np.stack([image, masks.upper, masks.lower]).astype(np.float32))
            square, place = _on_square(plane, scale, side)
            planes[k].append(square)
            at[k].append(place)
    fixed, moving = (torch.stack(each).to(device) for each in planes)
    return Canvases(fixed[:, :1], moving[:, :1], fixed[:, 1:], moving[:, 1:], np.stack(at[0]), np.stack(at[1]))


def _on_square(planes: Tensor, scale: float, side: int) -> tuple[Tensor, NDArray[np.float64]]:
    """Planes (3, H, W) magnified, on a square by their border; and where their points lie there."""
    rows, cols = planes.shape[-2:]
    size = [max(1, round(rows * scale)), max(1, round(cols * scale))]
    if size != [rows, cols]:
        planes = interpolate(planes[None], size=size, mode="bilinear", antialias=True)[0]
    above, left = ((side - length) // 2 for length in size)
    square = pad(planes[None], (left, side - size[1] - left, above, side - size[0] - above), mode="replicate")[0]
    zoom = np.array([size[1] / cols, size[0] / rows])
    place = np.eye(3)
    # one magnification for both directions: a similarity stays one
    each = float(np.sqrt(zoom.prod()))
    place[0, 0] = place[1, 1] = each
    place[:2, 2] = (0.5 * each - 0.5) + np.array([left, above]) + (zoom - each) * np.array([cols, rows]) / 2
    return square, place
