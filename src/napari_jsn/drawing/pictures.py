"""Radiographs and loss spectra as data URIs, for pages that load nothing."""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: JPEG quality. Higher values enlarge files more than they improve images; lower values show noise as blocks.
_QUALITY = 82

Pixels = NDArray[np.floating]


def display_range(pixels: Pixels) -> tuple[float, float]:
    """Return the intensities to show as black and white: the 0.3 % and 99.8 % percentiles."""
    low, high = np.nanpercentile(pixels, (0.3, 99.8))
    return float(low), float(max(high, low + 1e-6))


def radiograph_uri(pixels: Pixels, limits: tuple[float, float], shape: tuple[int, int] | None = None) -> str:
    """Return a radiograph as a data URI; NaN is black.

    Parameters
    ----------
    pixels : (H, W) array
    limits : (float, float)
        Intensities to show as black and white.
    shape : (rows, cols), optional
        Shape to resample the image to.
    """
    from PIL import Image

    shares = np.nan_to_num((pixels - limits[0]) / (limits[1] - limits[0]))
    picture = Image.fromarray(np.round(255 * np.clip(shares, 0, 1)).astype(np.uint8))
    if shape is not None:
        filter_ = Image.Resampling.BOX if shape < pixels.shape else Image.Resampling.BICUBIC
        picture = picture.resize(shape[::-1], filter_)
    return _data_uri(picture)


def spectrum_uri(spectrum: Pixels, limit: float) -> str:
    """Return a loss spectrum as a data URI, from 0 (dark) to ``limit`` (yellow); NaN is shown as 0."""
    from PIL import Image

    levels = np.round(255 * np.clip(np.nan_to_num(spectrum) / limit, 0, 1)).astype(np.uint8)
    return _data_uri(Image.fromarray(_viridis()[levels]))


def spectrum_scale_uri() -> str:
    """Return the colour scale of loss spectra as a data URI, from 0 on the left to the limit on the right."""
    from PIL import Image

    return _data_uri(Image.fromarray(np.repeat(_viridis()[None], 8, axis=0)))


@cache
def _viridis() -> NDArray[np.uint8]:
    from matplotlib import colormaps

    return np.round(255 * colormaps["viridis"](np.arange(256))[:, :3]).astype(np.uint8)


def _data_uri(picture: object) -> str:
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=_QUALITY, subsampling=0)  # type: ignore[attr-defined]
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
