"""A simulated film as a 16-bit PNG or TIFF file, bone bright."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph


def png_bytes(film: SimulatedRadiograph) -> bytes:
    """The film as PNG, which knows no pixel size: ``radiographs.csv`` tells it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(_sixteen_bits(film)).save(file, format="PNG", compress_level=4)
    return file.getvalue()


def tiff_bytes(film: SimulatedRadiograph) -> bytes:
    """The film as uncompressed TIFF, its pixel size at the hand kept as the resolution."""
    from PIL import Image

    file = io.BytesIO()
    per_cm = 10 / film.spacing_mm
    Image.fromarray(_sixteen_bits(film)).save(file, format="TIFF", resolution=per_cm, resolution_unit="cm")
    return file.getvalue()


def _sixteen_bits(film: SimulatedRadiograph) -> NDArray[np.uint16]:
    """Grey levels over the full 16 bits: an image file does not say how many of them are in use."""
    top = 2**film.bits - 1
    bright = top - film.stored.astype(np.uint32) if film.monochrome1 else film.stored.astype(np.uint32)
    return ((bright * 65535 + top // 2) // top).astype(np.uint16)
