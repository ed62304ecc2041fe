"""Resample images to coarser and finer pixels; pixel centres lie at integers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.spacing import Spacing


def block_mean(values: NDArray[np.generic], factor: int) -> NDArray[np.float32]:
    """Return the mean of every block of ``factor`` x ``factor`` pixels.

    Rows and columns at the end that fill no block are left out.

    Examples
    --------
    >>> import numpy as np
    >>> block_mean(np.arange(16).reshape(4, 4), 2).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    rows, cols = (length // factor for length in values.shape)
    blocks = values[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def resample(values: NDArray[np.generic], zoom: tuple[float, ...]) -> NDArray[np.float32]:
    """Return an image on a grid whose pixel k covers ``[k, k + 1) / zoom`` of the given grid.

    Parameters
    ----------
    values : (H, W) array
        Intensities in [0, 1], interpolated by cubic splines; or a bool mask, interpolated linearly.
    zoom : (float, float)
        New pixels per given pixel, along rows and columns.

    Returns
    -------
    (H * zoom, W * zoom) float32 array
        In [0, 1]; the border is repeated outside.
    """
    order = 1 if values.dtype == bool else 3
    centres = [
        (np.arange(round(length * factor)) + 0.5) / factor - 0.5
        for length, factor in zip(values.shape, zoom, strict=True)
    ]
    grid = np.meshgrid(*centres, indexing="ij")
    out = ndimage.map_coordinates(values.astype(np.float32), grid, order=order, mode="nearest")
    return np.clip(out, 0, 1).astype(np.float32)


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
