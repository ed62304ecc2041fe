"""Simulated radiographs as 16-bit PNG or TIFF files, bone bright."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph


def png_bytes(simulated: SimulatedRadiograph) -> bytes:
    """Return the radiograph as PNG, without pixel size: it is in ``radiographs.csv``."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(_sixteen_bits(simulated)).save(file, format="PNG", compress_level=4)
    return file.getvalue()


def tiff_bytes(simulated: SimulatedRadiograph) -> bytes:
    """Return the radiograph as uncompressed TIFF, with the pixel size at the hand as its resolution."""
    from PIL import Image

    file = io.BytesIO()
    per_cm = 10 / simulated.spacing_mm
    Image.fromarray(_sixteen_bits(simulated)).save(file, format="TIFF", resolution=per_cm, resolution_unit="cm")
    return file.getvalue()


def _sixteen_bits(simulated: SimulatedRadiograph) -> NDArray[np.uint16]:
    """Return intensities over the full 16 bits: an image file does not state the number of bits in use."""
    top = 2**simulated.bits - 1
    stored = simulated.stored.astype(np.uint32)
    bright = top - stored if simulated.monochrome1 else stored
    return ((bright * 65535 + top // 2) // top).astype(np.uint16)
