"""Read the intensities of a DICOM image, bone bright, for measurement rather than for display.

The greyscale pipeline of DICOM (PS3.4 N.2) is stored values -> modality LUT -> VOI LUT -> polarity -> presentation LUT.
Every step that is nonlinear or inverts the scale is applied, and the step that clips is not:

- A linear VOI window only sets brightness and contrast, and clips the values outside; technicians set it for each
  exposure. It is not applied (registration is independent of gain and offset) but returned, for display.
- A VOI LUT or sigmoid is a nonlinear curve that is part of the intended image. It is applied.

The full scale of the pipeline, not the range of this image, becomes [0, 1]: a lead letter or a collimator edge in one
of two visits must not change the intensities of the bones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import pixel_array
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from scipy import ndimage
from scipy.special import expit

from napari_jsn.common.errors import InputError, cause
from napari_jsn.radiograph.dicom_header import numbers, value
from napari_jsn.radiograph.intensity import BIT_DEPTHS, full_scale, to_intensities

#: Transfer syntaxes without compression.
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)

Values = NDArray[np.float64]
Range = tuple[float, float]


def read_intensities(dataset: Dataset, path: Path) -> tuple[NDArray[np.float32], Range | None]:
    """Return the intensities of a single-frame image.

    Returns
    -------
    pixels : (H, W) float32 array
        In [0, 1], bone bright, not clipped; padding is 0.
    display_range : (float, float) or None
        The intensities that the window of the file shows black and white.

    Raises
    ------
    InputError
        If the pixels cannot be decoded or have no contrast.
    """
    stored = _decoded(dataset, path)
    if stored.ndim == 3:
        return to_intensities(stored, "path", str(path)), None
    padding = _padding(dataset, stored)
    if padding.all() or np.ptp(stored[~padding]) == 0:
        raise InputError(f"{path} has no contrast: all its pixels are equal. Give a radiograph of a hand.", "path")
    values, black, white = _modality(dataset, stored, padding)
    values, black, white, window = _voi(dataset, values, black, white)
    intensities = (values - black) / (white - black)
    # MONOCHROME1 and INVERSE state the same inversion (PS3.3 C.8.11.1.1.2); together they do not cancel
    polarity = {_word(dataset, "PhotometricInterpretation"), _word(dataset, "PresentationLUTShape")}
    if polarity & {"MONOCHROME1", "INVERSE"}:
        intensities = 1 - intensities
        window = (1 - window[1], 1 - window[0]) if window else None
    presentation = _lut(dataset, "PresentationLUTSequence")
    if presentation:
        _, entries = presentation
        intensities = np.interp(intensities * (len(entries) - 1), np.arange(len(entries)), _stretched(entries))
        window = None
    intensities[padding] = 0
    return to_intensities(np.clip(intensities, 0, 1).astype(np.float32), "path", str(path)), window


def _decoded(dataset: Dataset, path: Path) -> NDArray[Any]:
    """Return the (H, W) stored values of a greyscale image, or (H, W, 3) of a colour image."""
    meta = dataset.file_meta
    if "TransferSyntaxUID" not in meta:  # a file without preamble: take the syntax from the parser
        implicit, little = dataset.original_encoding
        meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        )
    syntax = meta.TransferSyntaxUID
    high_bit, bits_stored = value(dataset, "HighBit"), value(dataset, "BitsStored")
    if syntax in NATIVE and None not in (high_bit, bits_stored) and high_bit != bits_stored - 1:
        raise InputError(
            f"{path} stores its {bits_stored} bits below bit {high_bit}, a layout that DICOM no longer allows. "
            "Export the image again from the archive.",
            "path",
        )
    try:
        stored = pixel_array(dataset)
        if value(dataset, "PhotometricInterpretation") == "PALETTE COLOR":
            stored = apply_color_lut(stored, dataset)
    except Exception as error:  # every decoder raises its own types
        name = " ".join(str(getattr(syntax, "name", syntax)).split())
        raise InputError(
            f"The pixels of {path} cannot be decoded: the file is damaged, incomplete, or of an unsupported type "
            f"({name}: {cause(error)}). Export it again, uncompressed if possible.",
            "path",
        ) from error
    return stored


def _padding(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where the image is padding outside the exposed field.

    Only regions at the image border are padding: the padding value can also occur in bone, as saturation.
    """
    ends = numbers(dataset, "PixelPaddingValue")[:1] + numbers(dataset, "PixelPaddingRangeLimit")[:1]
    if not numbers(dataset, "PixelPaddingValue"):
        return np.zeros(stored.shape, dtype=bool)
    regions, _ = ndimage.label((stored >= min(ends)) & (stored <= max(ends)))
    at_edge = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    return np.isin(regions, at_edge[at_edge > 0])


def _modality(dataset: Dataset, stored: NDArray[Any], padding: NDArray[np.bool_]) -> tuple[Values, float, float]:
    """Return the values after the modality LUT or rescale, and the ends of their scale."""
    values = stored.astype(np.float64)
    lut = _lut(dataset, "ModalityLUTSequence")
    if lut:
        return _through(lut, values)
    bits = numbers(dataset, "BitsStored")[:1]
    # some exports state 16 bits for any machine; fewer bits are reliable
    depths = [int(bits[0]), *BIT_DEPTHS] if bits and bits[0] < 16 else BIT_DEPTHS
    ends = full_scale(float(stored[~padding].min()), float(stored[~padding].max()), depths)
    slope, intercept = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    if len(slope) == len(intercept) == 1 and slope[0] != 0:
        values = values * slope[0] + intercept[0]
        ends = (ends[0] * slope[0] + intercept[0], ends[1] * slope[0] + intercept[0])
    return values, min(ends), max(ends)


def _voi(dataset: Dataset, values: Values, black: float, white: float) -> tuple[Values, float, float, Range | None]:
    """Return the values after a nonlinear VOI curve, the ends of their scale, and a linear window scaled to [0, 1]."""
    lut = _lut(dataset, "VOILUTSequence")
    if lut:
        return *_through(lut, values), None
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if not centres or not widths or widths[0] <= 0:
        return values, black, white, None
    centre, width = centres[0], widths[0]
    shape = _word(dataset, "VOILUTFunction")
    if shape == "SIGMOID":
        return expit(4 * (values - centre) / width), 0.0, 1.0, None
    if shape != "LINEAR_EXACT":  # PS3.3 C.11.2.1.2.1: the linear window runs between pixel centres
        centre, width = centre - 0.5, width - 1
    low, high = (np.clip((centre + half - black) / (white - black), 0, 1) for half in (-width / 2, width / 2))
    return values, black, white, (float(low), float(high)) if low < high else None


def _lut(dataset: Dataset, keyword: str) -> tuple[int, Values] | None:
    """Return first mapped value and entries of a lookup table; None where it is absent or contradicts its descriptor.

    The functions of pydicom support neither 8-bit entries in bytes, nor 12-bit modality LUTs, nor fractional values
    after a rescale.
    """
    for item in list(value(dataset, keyword) or [])[:1]:
        descriptor, data = numbers(item, "LUTDescriptor"), value(item, "LUTData")
        if len(descriptor) != 3 or data is None:
            return None
        count, first = int(descriptor[0]) or 2**16, int(descriptor[1])
        if isinstance(data, bytes):
            size = 1 if len(data) < 2 * count else 2
            order = ">" if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian else "<"
            entries = np.frombuffer(data[: len(data) // size * size], dtype=f"{order}u{size}")
        else:
            entries = np.atleast_1d(np.asarray(data))
        if len(entries) >= count and np.ptp(entries[:count]) > 0:
            return first, entries[:count].astype(np.float64)
    return None


def _through(lut: tuple[int, Values], values: Values) -> tuple[Values, float, float]:
    """Return the values after a lookup table, whose ends extend to both sides, and the ends of their scale."""
    first, entries = lut
    return np.interp(values, first + np.arange(len(entries)), entries), entries.min(), entries.max()


def _stretched(entries: Values) -> Values:
    return (entries - entries.min()) / np.ptp(entries)


def _word(dataset: Dataset, keyword: str) -> str:
    return str(value(dataset, keyword) or "").strip().upper()
