"""``Thumbnail``: a small copy of a radiograph, for pictures of results that do not keep the radiograph."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.resampling import block_mean
from napari_jsn.radiograph.spacing import Spacing

#: Largest number of rows or columns: at most 100 kB, about a hundredth of a radiograph.
_LONGEST_SIDE = 320


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """A small copy of a radiograph.

    Attributes
    ----------
    pixels : (h, w) uint8 array
        At most 320 rows and columns; 0 is intensity 0, 255 is intensity 1.
    step : int
        Pixels of the radiograph for each pixel, along rows and along columns.
    spacing_mm : float, (row, col) or None
        Pixel size of the radiograph.
    """

    pixels: NDArray[np.uint8]
    step: int
    spacing_mm: Spacing

    @classmethod
    def of(cls, radiograph: Radiograph) -> Thumbnail:
        """Return the thumbnail of a radiograph."""
        step = math.ceil(max(radiograph.shape) / _LONGEST_SIDE)
        step = min(step, *radiograph.shape)  # an image of a few rows has at least one row of blocks
        pixels = np.round(255 * block_mean(radiograph.pixels, step)).astype(np.uint8)
        return cls(pixels, step, radiograph.spacing_mm)

    @property
    def intensities(self) -> NDArray[np.float32]:
        """The pixels as float32 in [0, 1]."""
        return np.asarray(self.pixels / np.float32(255))

    def corners(self, box: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (row, col) points of the radiograph, (n, 2), as points of the thumbnail."""
        return (np.asarray(box, dtype=float) - (self.step - 1) / 2) / self.step
