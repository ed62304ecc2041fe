"""Distinguish a page or a screenshot from a radiograph by its pixels, where the header does not state it."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames

from napari_jsn.radiograph.dicom_header import value

#: Largest image that is looked at, in pixels; reading a larger one is refused elsewhere.
_MOST_PIXELS = 100_000_000
#: Pixels of the longer side that are enough to recognise a page.
_SIDE = 1000
#: Channels that differ by more than this, of 255, are a colour, if this share of the pixels has one.
_COLOUR, _COLOURED = 32, 2e-3
#: A page has a background of at least this share of the pixels, and this share of the others has the intensity of text.
_BACKGROUND, _TEXT = 0.5, 0.4
#: Steps of intensity, in which a compressed background and a compressed text are one each.
_LEVELS = 16


def is_page(path: Path) -> bool:
    """Return whether a DICOM image is a page of text or a picture in colour.

    It is one if a noticeable share of its pixels has a colour, or if most have the intensity of a background, darkest
    or lightest, and many of the others the opposite one; a hand has intensities between them. False where the pixels
    cannot be looked at; reading the file then states why.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid values
            pixels = _pixels(dcmread(path, force=True))
    except Exception:  # decoders raise many types for damaged files
        return False
    if pixels is None or not pixels.size:
        return False
    if pixels.ndim == 3:
        spread = pixels.max(axis=2).astype(int) - pixels.min(axis=2)
        if (spread > _COLOUR).mean() > _COLOURED:
            return True
        pixels = pixels[..., 0]
    shares = np.histogram(pixels, _LEVELS)[0] / pixels.size
    dark, light = shares[:2].sum(), shares[-2:].sum()
    background, text = max(dark, light), min(dark, light)
    return bool(background > _BACKGROUND and text > _TEXT * (1 - background))


def _pixels(dataset: Dataset) -> NDArray[Any] | None:
    """Return every n-th pixel of an image: (H, W) or (H, W, 3); None for a form that is not handled here."""
    rows, columns, samples, bits = (
        int(value(dataset, keyword) or 0) for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
    )
    if not 0 < rows * columns <= _MOST_PIXELS or samples not in (1, 3) or bits not in (8, 16):
        return None
    step = max(1, max(rows, columns) // _SIDE)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
        with Image.open(BytesIO(frame), formats=("JPEG", "JPEG2000")) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.draft("RGB" if samples == 3 else "L", (_SIDE, _SIDE))  # decodes a JPEG at a smaller size
            if max(image.size) > _SIDE:
                step = max(1, max(image.size) // _SIDE)
            return np.asarray(image)[::step, ::step]
    stored = np.frombuffer(dataset.PixelData, f"<u{bits // 8}", rows * columns * samples)
    if samples == 1:
        return stored.reshape(rows, columns)[::step, ::step]
    if value(dataset, "PlanarConfiguration") == 1:
        return np.moveaxis(stored.reshape(3, rows, columns)[:, ::step, ::step], 0, 2)
    return stored.reshape(rows, columns, 3)[::step, ::step]
