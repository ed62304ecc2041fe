"""Decode the stored values of a DICOM image; the image data decide how, and their size is checked before."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import get_decoder, pixel_array
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    RLELossless,
)

from napari_jsn.common.errors import InputError, damaged_file
from napari_jsn.radiograph.compressed import ImageData, image_data
from napari_jsn.radiograph.dicom_header import raw_text, value
from napari_jsn.radiograph.intensity import check_size

#: Attributes without which pixels cannot be decoded.
NEEDED = ("Rows", "Columns", "BitsAllocated", "BitsStored", "SamplesPerPixel", "PixelRepresentation")

#: Tag of the pixels.
PIXEL_DATA = 0x7FE00010

#: Start of encapsulated pixel data: an item tag.
ITEM = b"\xfe\xff\x00\xe0"

#: The command that installs the decoder of JPEG Lossless and of 12-bit JPEG.
INSTALL_JPEG = 'pip install "napari-jsn[jpeg]"'

#: Largest difference of red, green and blue of a greyscale JPEG that is stored as a colour image, in levels of 8 bits.
COLOUR_ROUNDING = 2


def decoded(dataset: Dataset, path: Path) -> NDArray[Any]:
    """Return the (H, W) stored values of a greyscale image, or (H, W, 3) of a colour image.

    The pixels are removed from the dataset.

    Raises
    ------
    InputError
        If the header lacks an attribute or contradicts the image data, if the image is too large or too small, if no
        decoder is installed, or if the data are damaged.
    """
    sizes = {keyword: _whole_number(dataset, keyword, path) for keyword in NEEDED}
    check_size(sizes["Rows"], sizes["Columns"], str(path))
    image = _image_part(dataset, path)
    try:
        syntax, content = _syntax_and_content(dataset, image, sizes)
    except Exception as error:  # pydicom raises many types for damaged fragments
        raise damaged_file(path) from error
    if content is not None:
        _match_header(image, content, path)
        image.PixelData = encapsulate([content.content])
        image["PixelData"].VR = "OB"
        image["PixelData"].is_undefined_length = True
    elif not syntax.is_compressed:
        _check_native(dataset, image, path, sizes)
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    _check_decoder(syntax, content, path)
    # only these hold bits above those stored, which pydicom would cut off
    has_unused = not syntax.is_compressed or syntax == RLELossless
    has_unused = has_unused and image.PhotometricInterpretation.startswith("MONOCHROME")
    if has_unused := has_unused and sizes["BitsAllocated"] in (16, 32) and image.BitsStored < image.BitsAllocated:
        image.BitsStored, image.HighBit = image.BitsAllocated, image.BitsAllocated - 1
    try:
        stored = pixel_array(image)
        if has_unused:
            stored = _without_unused_bits(stored, sizes["BitsStored"], path)
        if image.PhotometricInterpretation == "PALETTE COLOR":
            stored = apply_color_lut(stored, dataset)
    except InputError:
        raise
    except Exception as error:  # every decoder raises its own types
        raise InputError(
            f"The pixels of {path} cannot be decoded: the file is damaged or incomplete ({_name(syntax)}). "
            "Export it again, uncompressed if possible.",
            "path",
        ) from error
    del dataset[PIXEL_DATA]  # of a large image, they need as much memory as the decoded values
    if stored.ndim == 3 and _word(dataset, "PhotometricInterpretation").startswith("MONOCHROME"):
        return _grey(stored, path)
    return stored


def _without_unused_bits(values: NDArray[Any], bits: int, path: Path) -> NDArray[Any]:
    """Return stored values with the bits above those stored cut off: old files keep overlays there.

    Raises
    ------
    InputError
        If these bits are part of the values: an image that is smooth with them would be scrambled without them.
    """
    signed = values.dtype.kind == "i"
    least, largest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if values.min() >= least and values.max() <= largest:
        return values
    shift = 8 * values.itemsize - bits
    kept = np.asarray((values << shift) >> shift, dtype=values.dtype)  # extends the sign of signed values
    if _variation(values) < _variation(kept):
        raise InputError(
            f"{path} states {bits} bits as Bits Stored, but its pixels have larger values. Export the image again, or "
            "correct its header.",
            "path",
        )
    return kept


def _variation(values: NDArray[Any]) -> float:
    """Return the sum of the differences between neighbouring values, over at most a thousand rows and columns."""
    step_down, step_right = (max(1, length // 512) for length in values.shape)
    parts = values[::step_down], values[:, ::step_right].T
    return float(sum(np.abs(np.diff(part.astype(np.int64), axis=1)).sum() for part in parts))


def _whole_number(dataset: Dataset, keyword: str, path: Path) -> int:
    try:
        return int(value(dataset, keyword))
    except (TypeError, ValueError):
        text = raw_text(dataset, keyword)
        states = f"states {text!r} as" if text else "does not state"
        raise InputError(
            f"{path} {states} {dictionary_description(keyword)}, without which its pixels cannot be decoded. Export "
            "the image again.",
            "path",
        ) from None


def _image_part(dataset: Dataset, path: Path) -> Dataset:
    """Return a copy of the attributes that describe the pixels, with the pixels."""
    photometric = _word(dataset, "PhotometricInterpretation")
    known = photometric.startswith(("MONOCHROME", "RGB", "YBR_", "PALETTE COLOR"))
    if not known or photometric.startswith("MONOCHROME") and photometric not in ("MONOCHROME1", "MONOCHROME2"):
        states = f"states the unknown Photometric Interpretation {photometric!r}"
        if not photometric:
            states = "does not state its Photometric Interpretation"
        raise InputError(f"{path} {states}: whether bone is bright is not known. Export the image again.", "path")
    image = deepcopy(dataset.group_dataset(0x0028))  # a group shares its elements with the dataset
    image.add_new(PIXEL_DATA, dataset[PIXEL_DATA].VR, dataset[PIXEL_DATA].value)
    image.PhotometricInterpretation = photometric
    return image


def _syntax_and_content(dataset: Dataset, image: Dataset, sizes: dict[str, int]) -> tuple[UID, ImageData | None]:
    """Return the transfer syntax of the pixels, and what compressed pixels state; the pixels have priority."""
    meta = dataset.file_meta
    if "TransferSyntaxUID" in meta:
        syntax = meta.TransferSyntaxUID
    else:  # a file without preamble: take the syntax from the parser
        implicit, little = dataset.original_encoding
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    pixels = image.PixelData or b""
    length = _native_length(sizes)
    native = length <= len(pixels) <= length + 1
    if syntax.is_compressed and native and not pixels.startswith(ITEM):
        return ExplicitVRLittleEndian, None
    if not syntax.is_compressed and (native or not pixels.startswith((ITEM, b"\xff\xd8", b"\xff\x4f\xff\x51"))):
        return syntax, None
    frame = next(generate_frames(pixels, number_of_frames=1)) if pixels.startswith(ITEM) else pixels
    content = image_data(frame)
    if content is None:
        return syntax, None
    return (syntax if syntax in content.syntaxes else content.syntaxes[0]), content


def _native_length(sizes: dict[str, int]) -> int:
    """Return the number of bytes of the pixels without compression."""
    bits = sizes["Rows"] * sizes["Columns"] * sizes["SamplesPerPixel"] * sizes["BitsAllocated"]
    return (bits + 7) // 8


def _match_header(image: Dataset, content: ImageData, path: Path) -> None:
    """Take the number of samples from the image data; refuse data of another size, or that are cut off.

    Raises
    ------
    InputError
        If rows or columns of header and image data differ, or the data have no end.
    """
    if not content.ends:
        raise InputError(f"{path} is incomplete: its compressed pixels are cut off. Export or copy it again.", "path")
    if content.rows and (content.rows, content.cols) != (image.Rows, image.Columns):
        raise InputError(
            f"The header of {path} states {image.Rows} rows and {image.Columns} columns, but its image data state "
            f"{content.rows} rows and {content.cols} columns. Export the image again.",
            "path",
        )
    if content.samples not in (0, 1, 3):
        raise InputError(f"{path} has {content.samples} values in each pixel. Export it as a greyscale image.", "path")
    if content.samples and content.samples != image.SamplesPerPixel:
        image.SamplesPerPixel = content.samples
        image.PlanarConfiguration = 0
        if content.samples == 3:
            image.PhotometricInterpretation = "RGB" if content.rgb else "YBR_FULL"
        elif not image.PhotometricInterpretation.startswith("MONOCHROME"):
            image.PhotometricInterpretation = "MONOCHROME2"


def _check_native(dataset: Dataset, image: Dataset, path: Path, sizes: dict[str, int]) -> None:
    """Refuse uncompressed pixels that contradict the header."""
    high_bit, bits_stored = value(dataset, "HighBit"), sizes["BitsStored"]
    if high_bit is not None and high_bit != bits_stored - 1:
        raise InputError(
            f"{path} stores its {bits_stored} bits below bit {high_bit}, a layout that DICOM no longer allows. "
            "Export the image again from the archive.",
            "path",
        )
    pixels, length = image.PixelData or b"", _native_length(sizes)
    if image.PhotometricInterpretation == "YBR_FULL_422":
        length = length * 2 // 3
    row = length // sizes["Rows"]
    if len(pixels) < length:
        raise InputError(
            f"{path} is incomplete: its pixels have {len(pixels)} of {length} bytes. Export or copy it again.", "path"
        )
    if len(pixels) >= length + row and pixels[length:].strip(b"\0"):
        raise InputError(
            f"The header of {path} states {sizes['Rows']} rows and {sizes['Columns']} columns, {length} bytes of "
            f"pixels, but the file has {len(pixels)}. Export the image again.",
            "path",
        )


def _check_decoder(syntax: UID, content: ImageData | None, path: Path) -> None:
    """Refuse pixels for which no decoder is installed, naming the extra that installs one."""
    try:
        plugins = get_decoder(syntax).available_plugins
    except NotImplementedError:
        plugins = ()
    deep = syntax == JPEGExtended12Bit and (content is None or content.bits > 8)
    if deep and "pylibjpeg" not in plugins or syntax in (JPEGLossless, JPEGLosslessSV1) and not plugins:
        raise InputError(
            f"{path} is compressed as {_name(syntax)}, whose decoder is not installed: it is in the extra 'jpeg' "
            f"(licence GPL-3). Run {INSTALL_JPEG}, or export the image uncompressed.",
            "path",
        )
    if not plugins and syntax.is_compressed and not syntax.is_deflated:
        raise InputError(
            f"{path} is compressed as {_name(syntax)}, which cannot be read. Export the image uncompressed.", "path"
        )


def _grey(stored: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return the values of a greyscale image whose data have three equal samples."""
    first = stored[..., 0]
    for channel in (1, 2):
        other = stored[..., channel]
        if int(np.max(np.maximum(first, other) - np.minimum(first, other))) > COLOUR_ROUNDING:
            raise InputError(
                f"The header of {path} states a greyscale image, but its image data are in colour. Export it again as "
                "a greyscale image.",
                "path",
            )
    return np.asarray(stored[..., 1])


def _name(syntax: UID) -> str:
    return " ".join(str(getattr(syntax, "name", syntax)).split())


def _word(dataset: Dataset, keyword: str) -> str:
    return str(value(dataset, keyword) or "").strip().upper()
