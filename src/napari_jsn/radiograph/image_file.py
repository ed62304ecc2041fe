"""Read PNG, JPEG, BMP and TIFF files (with Pillow)."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from napari_jsn.common.errors import InputError, damaged_file
from napari_jsn.radiograph.intensity import (
    MAX_PIXELS,
    MIN_SIDE,
    check_size,
    known_intensities,
    to_intensities,
    value_range,
)
from napari_jsn.radiograph.radiograph import Radiograph

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")

#: Why an image file with a resolution tag has no spacing: the tag is the resolution of printing, not of the detector.
RESOLUTION_TAG = "none: the file's resolution tag is not trusted"

#: Height and width of a pixel that differ by less than this part are equal: resolution tags are rounded.
SQUARE = 0.01

#: EXIF tag of the orientation of an image, and its values that exchange rows and columns.
ORIENTATION, ROWS_ARE_COLUMNS = 0x0112, (5, 6, 7, 8)

#: TIFF tag and value of an image whose least value is white.
PHOTOMETRIC, WHITE_IS_ZERO, BLACK_IS_ZERO = 262, 0, 1

#: Pillow's names of big-endian types, and of the same types in little-endian order.
NATIVE_ORDER = {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F", "I;16B": "I;16"}

#: Types of TIFF files that Pillow reads in one byte order only, or not at all; napari saves labels as int64.
_WIDE_TYPES = ("uint32", "int64", "uint64", "float16", "float64")

#: TIFF tags of the size of a tile.
TILE_WIDTH, TILE_LENGTH = 322, 323


def read_image(path: Path) -> Radiograph:
    """Read the radiograph of a PNG, JPEG, BMP or TIFF file: intensities only."""
    with _opened(path) as image:
        has_resolution_tag = "dpi" in image.info or "resolution" in image.info
        pixels, aspect = _values(image), image.info["pixel_aspect"]
    del image  # it holds the pixels once more
    return Radiograph(
        pixels=known_intensities(to_intensities(pixels, "path", str(path))),
        spacing_source=RESOLUTION_TAG if has_resolution_tag else "",
        pixel_aspect=aspect,
        path=path,
    )


def read_labels(path: Path) -> NDArray[Any]:
    """Return the (H, W) values of a labels image; of a palette image its indexes, as label editors write them."""
    try:
        with _opened(path) as image:
            if image.format not in ("PNG", "BMP", "TIFF"):
                raise InputError(
                    f"{path} is a {image.format} image, a format that alters labels. Save the masks as PNG.", "path"
                )
            values = np.asarray(image)
    except InputError:
        wide = _wide_tiff(path)
        if wide is None:
            raise
        return wide
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


def _wide_tiff(path: Path) -> NDArray[Any] | None:
    """Return the (H, W) values of a TIFF file of a type that Pillow does not read; None for all other files.

    Raises
    ------
    InputError
        If the file contains several images or is too large.
    """
    import tifffile

    try:
        with path.open("rb") as file:
            if file.read(2) not in (b"II", b"MM"):
                return None
            file.seek(0)
            tiff = tifffile.TiffFile(file)
            page = tiff.pages.first
            if page.dtype is None or page.dtype.name not in _WIDE_TYPES or page.ndim != 2:
                return None
            check_size(page.imagelength, page.imagewidth, str(path))
            if len(tiff.pages) > 1:
                raise _several_images(path, len(tiff.pages))
            return np.asarray(page.asarray())
    except InputError:
        raise
    except Exception:  # damaged, or compressed in a way that tifffile does not read alone
        return None


def _several_images(path: Path, count: int) -> InputError:
    return InputError(f"{path} contains {count} images. Save the radiograph as a file with one image.", "path")


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Yield the only image of a file, decoded and with its orientation tag applied; its info has ``pixel_aspect``."""
    try:
        image = _open(path)
    except UnidentifiedImageError:
        raise InputError(
            f"{path} is not an image that can be read, or it is damaged. Give a DICOM, PNG, JPEG, BMP or TIFF file "
            "(TIFF of 8 or 16 bits, little-endian).",
            "path",
        ) from None
    except Image.DecompressionBombError:
        raise InputError(
            f"{path} has more pixels than the limit of {MAX_PIXELS // 10**6} megapixels. Check the file, or export one "
            "image of the hand alone.",
            "path",
        ) from None
    except Exception as error:  # decoders raise many types for damaged files
        raise damaged_file(path) from error
    with image:
        check_size(image.height, image.width, str(path))
        tags = getattr(image, "tag_v2", {})
        tile = [max(int(tags.get(tag, MIN_SIDE)), MIN_SIDE) for tag in (TILE_LENGTH, TILE_WIDTH)]
        check_size(tile[0], tile[1], f"A tile of {path}")
        # a JPEG with previews ("MPO", from phones) counts as one image
        frames = _frames(image, path)
        if frames > 1 and image.format in FORMATS:
            raise _several_images(path, frames)
        if any(";16" in str(tile[3]) for tile in image.tile) and image.mode in ("RGB", "RGBA", "LA"):
            raise InputError(
                f"{path} is a 16-bit image with colour or opacity, of which only 8 bits can be read. "
                "Save it as 16-bit greyscale.",
                "path",
            )
        _use_native_order(image)
        try:
            image.load()
            image.info["pixel_aspect"] = _pixel_aspect(image)
            ImageOps.exif_transpose(image, in_place=True)
        except Exception as error:
            raise damaged_file(path) from error
        yield image


def _open(path: Path) -> ImageFile.ImageFile:
    """Open an image file.

    Pillow opens some TIFF files only if zero is black: such a file is opened as if its zero were black, and
    :func:`_values` inverts it.
    """
    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        content = _black_is_zero(path)
        if content is None:
            raise
        image = Image.open(BytesIO(content), formats=("TIFF",))
        image.info["white_is_zero"] = True
    return image


def _pixel_aspect(image: Image.Image) -> float:
    """Return the height of a pixel over its width after the orientation is applied, by the tag of the resolution.

    1 where there is no such tag. The tag does not state the size of a pixel in the hand, but an image that was scanned
    or faxed with different resolutions across and down states so there.
    """
    stated = (image.info.get(name) for name in ("dpi", "resolution", "aspect", "jfif_density"))
    across, down = next((tag for tag in stated if tag), (1, 1))
    try:
        ratio = float(across) / float(down)
    except (ArithmeticError, TypeError, ValueError):
        return 1.0
    if not math.isfinite(ratio) or ratio <= 0 or abs(ratio - 1) < SQUARE:
        return 1.0
    return 1 / ratio if image.getexif().get(ORIENTATION) in ROWS_ARE_COLUMNS else ratio


def _use_native_order(image: ImageFile.ImageFile) -> None:
    """Correct the byte order of compressed big-endian TIFF files.

    libtiff decodes to the byte order of the machine, but Pillow exchanges the bytes of some types once more.
    """
    if sys.byteorder == "little":
        image.tile = [
            tile._replace(args=(NATIVE_ORDER.get(tile.args[0], tile.args[0]), *tile.args[1:]))
            if tile.codec_name == "libtiff" and isinstance(tile.args, tuple)
            else tile
            for tile in image.tile
        ]


def _black_is_zero(path: Path) -> bytes | None:
    """Return the content of a TIFF file whose zero is white, with the tag that states that zero is black; else None."""
    content = bytearray(path.read_bytes())
    order = {b"II": "<", b"MM": ">"}.get(bytes(content[:2]))
    try:
        version = struct.unpack_from(f"{order}H", content, 2)[0] if order else 0
        if version not in (42, 43):
            return None
        offset, count, length = ("I", "H", 12) if version == 42 else ("Q", "Q", 20)  # 43: BigTIFF
        (start,) = struct.unpack_from(f"{order}{offset}", content, 4 if version == 42 else 8)
        (entries,) = struct.unpack_from(f"{order}{count}", content, start)
        start += struct.calcsize(count)
        for entry in range(start, min(start + entries * length, len(content)), length):
            if struct.unpack_from(f"{order}H", content, entry) == (PHOTOMETRIC,):
                stated = entry + length - struct.calcsize(offset)
                if struct.unpack_from(f"{order}H", content, stated) != (WHITE_IS_ZERO,):
                    return None
                struct.pack_into(f"{order}H", content, stated, BLACK_IS_ZERO)
                return bytes(content)
    except struct.error:  # the file ends inside its tags
        pass
    return None


def _frames(image: Image.Image, path: Path) -> int:
    try:
        return getattr(image, "n_frames", 1)
    except Exception as error:  # a broken chain of pages
        raise damaged_file(path) from error


def _values(image: Image.Image) -> NDArray[Any]:
    """Return (H, W) or (H, W, channels) values; the least value is black."""
    if image.mode in ("P", "PA", "CMYK", "YCbCr", "LAB", "HSV"):
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image)
    patched = "white_is_zero" in image.info
    # Pillow inverts 8-bit images itself, but not deeper ones
    deep = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == WHITE_IS_ZERO and values.itemsize > 1
    if (deep or patched) and values.ndim == 2:
        values = _inverted(values)
    return values


def _inverted(values: NDArray[Any]) -> NDArray[Any]:
    """Return values with black and white exchanged; the ends of their scale do not depend on what the image shows."""
    black, white = value_range(values)
    if values.dtype.kind == "f":
        return np.asarray(np.float32(black + white) - values)
    return np.asarray(int(black + white) - values.astype(np.int64)).astype(values.dtype)
