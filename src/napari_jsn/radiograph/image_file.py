"""Read PNG, JPEG, BMP and TIFF files (with Pillow)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from napari_jsn.common.errors import InputError, damaged_file
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.radiograph import Radiograph

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")

#: Why an image file with a resolution tag has no spacing: the tag is the resolution of printing, not of the detector.
RESOLUTION_TAG = "none: the file's resolution tag is not trusted"

#: TIFF tag and value of an image whose least value is white.
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


def read_image(path: Path) -> Radiograph:
    """Read the radiograph of a PNG, JPEG, BMP or TIFF file: intensities only."""
    with _opened(path) as image:
        has_resolution_tag = "dpi" in image.info or "resolution" in image.info
        pixels = _values(image)
    return Radiograph(
        pixels=to_intensities(pixels, "path", str(path)),
        spacing_source=RESOLUTION_TAG if has_resolution_tag else "",
        path=path,
    )


def read_labels(path: Path) -> NDArray[Any]:
    """Return the (H, W) values of a labels image; of a palette image its indexes, as label editors write them."""
    with _opened(path) as image:
        if image.format not in ("PNG", "BMP", "TIFF"):
            raise InputError(
                f"{path} is a {image.format} image, a format that alters labels. Save the masks as PNG.", "path"
            )
        values = np.asarray(image)
    if values.ndim == 3:
        # some editors write three equal channels; the second of two and the last of four is opacity
        values = values[..., :3] if values.shape[2] > 2 else values[..., :1]
        if (values != values[..., :1]).any():
            raise InputError(
                f"{path} is a colour image. Save the masks with the values 1 (upper bone), 2 (lower) and 3 (both).",
                "path",
            )
        values = values[..., 0]
    return values


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Yield the only image of a file, decoded and with its orientation tag applied."""
    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise InputError(
            f"{path} is not an image that can be read, or it is damaged. Give a DICOM, PNG, JPEG, BMP or TIFF file "
            "(TIFF of integers or 32-bit floats).",
            "path",
        ) from None
    except Exception as error:  # decoders raise many types for damaged files
        raise damaged_file(path, error) from error
    with image:
        # a JPEG with previews ("MPO", from phones) counts as one image
        frames = _frames(image, path)
        if frames > 1 and image.format in FORMATS:
            raise InputError(f"{path} contains {frames} images. Save the radiograph as a file with one image.", "path")
        if any(";16" in str(tile[3]) for tile in image.tile) and image.mode in ("RGB", "RGBA", "LA"):
            raise InputError(
                f"{path} is a 16-bit image with colour or opacity, of which only 8 bits can be read. "
                "Save it as 16-bit greyscale.",
                "path",
            )
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        except Exception as error:
            raise damaged_file(path, error) from error
        yield image


def _frames(image: Image.Image, path: Path) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except Exception as error:  # a broken chain of pages
        raise damaged_file(path, error) from error


def _values(image: Image.Image) -> NDArray[Any]:
    """Return (H, W) or (H, W, channels) values; the least value is black."""
    if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    # Pillow inverts 8-bit images itself, but not deeper ones
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and values.ndim == 2 and values.itemsize > 1:
        values = values.max() - values
    return values
