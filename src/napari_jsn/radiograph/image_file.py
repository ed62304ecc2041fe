"""PNG, JPEG, BMP and TIFF files, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.damage import damaged
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.radiograph import Radiograph

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")

#: Why an image file with a resolution tag has no spacing: the tag says how to print it, not how it was taken.
RESOLUTION_TAG = "none: the file's resolution tag is not trusted"

#: TIFF tag and value of a picture whose least value is white.
PHOTOMETRIC, WHITE_IS_ZERO = 262, 0


def read(path: Path) -> Radiograph:
    """The radiograph in a PNG, JPEG, BMP or TIFF file: grey levels only."""
    with _opened(path) as image:
        has_resolution_tag = "dpi" in image.info or "resolution" in image.info
        pixels = _grey_or_colour(image)
    return Radiograph(
        pixels=to_intensities(pixels, "path", str(path)),
        spacing_source=RESOLUTION_TAG if has_resolution_tag else "",
        path=path,
    )


def labels(path: Path) -> NDArray[Any]:
    """(H, W) values of a labels image; of a palette image its indexes, as label editors write them."""
    with _opened(path) as image:
        if image.format not in ("PNG", "BMP", "TIFF"):
            raise InputError(f"{path} is a {image.format} image, which alters labels. Save the masks as PNG.", "path")
        values = np.asarray(image)
    if values.ndim == 3:
        # Some editors write grey as three equal channels; the second of two and the last of four is opacity.
        values = values[..., :3] if values.shape[2] > 2 else values[..., :1]
        if (values != values[..., :1]).any():
            raise InputError(
                f"{path} is a coloured image. Save the masks with the values 1 (upper bone), 2 (lower bone) and "
                "3 (both).",
                "path",
            )
        values = values[..., 0]
    return values


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The one picture of a file, upright and decoded."""
    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise InputError(
            f"{path} is not an image that can be read, or it is damaged. Give a DICOM, PNG, JPEG, BMP or TIFF file "
            "(TIFF of integers or 32-bit floats).",
            "path",
        ) from None
    except Exception as error:  # decoders raise what they like on damaged files
        raise damaged(path, error) from error
    with image:
        # Phones put previews behind a JPEG ("MPO"): still one picture.
        frames = _frames(image, path)
        if frames > 1 and image.format in FORMATS:
            raise InputError(f"{path} holds {frames} pictures. Save the radiograph as a file of its own.", "path")
        if any(";16" in str(tile[3]) for tile in image.tile) and image.mode in ("RGB", "RGBA", "LA"):
            raise InputError(
                f"{path} is a 16-bit image with colours or opacity, of which only 8 bits can be read. "
                "Save it as 16-bit grey.",
                "path",
            )
        try:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
        except Exception as error:
            raise damaged(path, error) from error
        yield image


def _frames(image: Image.Image, path: Path) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except Exception as error:  # a broken chain of pages
        raise damaged(path, error) from error


def _grey_or_colour(image: Image.Image) -> NDArray[Any]:
    """(H, W) or (H, W, channels) values, black least."""
    if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})
    # Pillow turns 8-bit pictures round by itself, deeper ones not.
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and values.ndim == 2 and values.itemsize > 1:
        values = values.max() - values
    return values
