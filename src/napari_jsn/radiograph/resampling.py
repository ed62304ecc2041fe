"""Resample images to coarser and finer pixels; pixel centres lie at integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def block_mean(values: NDArray[np.generic], factor: int) -> NDArray[np.float32]:
    """Return the mean of every block of ``factor`` x ``factor`` pixels.

    Rows and columns at the end that fill no block are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_jsn.radiograph.resampling import block_mean
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
