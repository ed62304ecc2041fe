"""Images of a registration as float TIFF, which ImageJ, napari and every TIFF library read."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from napari_jsn.registration.result import Registration


def tiff_bytes(pixels: NDArray[np.floating], spacing_mm: float | None = None) -> bytes:
    """A float32 TIFF file; the same pixels always give the same bytes.

    Parameters
    ----------
    pixels : (H, W) float array
    spacing_mm : float, optional
        Pixel size, kept as the file's resolution (pixels per centimetre).
    """
    from PIL import Image

    file = io.BytesIO()
    resolution = {} if spacing_mm is None else {"resolution": 10 / spacing_mm, "resolution_unit": "cm"}
    Image.fromarray(np.asarray(pixels, np.float32)).save(file, format="TIFF", **resolution)
    return file.getvalue()


def registration_images(registration: Registration) -> dict[str, bytes]:
    """File names and contents: the transformed image and both loss spectra (squared grey-level difference)."""
    images = {
        "transformed.tif": registration.transformed,
        "original-spectrum.tif": registration.original_spectrum,
        "transformed-spectrum.tif": registration.transformed_spectrum,
    }
    return {name: tiff_bytes(pixels, registration.spacing_mm) for name, pixels in images.items()}
