"""Radiographs and loss spectra as pictures inside the page."""

from __future__ import annotations

import base64
import io
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Above this size files grow more than pictures gain; below it, noise turns to blocks.
_QUALITY = 82

Pixels = NDArray[np.floating]


def grey_window(pixels: Pixels) -> tuple[float, float]:
    """The grey levels to show black and white."""
    low, high = np.nanpercentile(pixels, (0.3, 99.8))
    return float(low), float(max(high, low + 1e-6))


def grey_picture(pixels: Pixels, window: tuple[float, float], size: tuple[int, int] | None = None) -> str:
    """A radiograph as a data URI; ``size`` is (rows, columns) to bring it to. NaN is shown black."""
    from PIL import Image

    levels = np.nan_to_num((pixels - window[0]) / (window[1] - window[0]))
    picture = Image.fromarray(np.round(255 * np.clip(levels, 0, 1)).astype(np.uint8))
    if size is not None:
        picture = picture.resize(size[::-1], Image.Resampling.BOX if size < pixels.shape else Image.Resampling.BICUBIC)
    return _data_uri(picture)


def spectrum_picture(spectrum: Pixels, limit: float) -> str:
    """A loss spectrum as a data URI, from 0 (dark) to ``limit`` (yellow); NaN is shown as 0."""
    from PIL import Image

    levels = np.round(255 * np.clip(np.nan_to_num(spectrum) / limit, 0, 1)).astype(np.uint8)
    return _data_uri(Image.fromarray(_viridis()[levels]))


def spectrum_scale() -> str:
    """The colours from 0 to the limit, left to right."""
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
