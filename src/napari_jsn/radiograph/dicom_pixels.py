"""Read the intensities of a DICOM image, bone bright, for measurement rather than for display.

The greyscale pipeline of DICOM (PS3.4 N.2) is stored values -> modality LUT -> VOI LUT -> polarity -> presentation LUT.
Every step that is nonlinear or inverts the scale is applied, and a step that clips is not:

- A linear VOI window only sets brightness and contrast, and clips the values outside; technicians set it for each
  exposure. It is not applied (registration is independent of gain and offset) but returned, for display.
- A VOI LUT or sigmoid is a nonlinear curve that is part of the intended image. It is applied, unless it saturates: then
  it clips as a window does.
- A modality or presentation LUT is applied, unless it saturates.

The full scale of the pipeline, not the range of this image, becomes [0, 1]: a lead letter or a collimator edge in one
of two visits must not change the intensities of the bones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.uid import ExplicitVRBigEndian
from scipy import ndimage
from scipy.special import expit

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.decoding import decoded
from napari_jsn.radiograph.dicom_header import numbers, raw_text, value
from napari_jsn.radiograph.intensity import BIT_DEPTHS, ROWS_AT_ONCE, full_scale, to_intensities

#: A step saturates if more than this part of the range of the image's values becomes one value at an end.
SATURATED = 0.01

#: Values after a step are one value if they differ by less than this part of their range: half a step of 12 bits.
ONE_VALUE = 2.0**-13

#: Stored values with a wider range are mapped one by one, not by a table of all values between the ends.
TABLE_LENGTH = 2**16

Values = NDArray[np.float64]
Range = tuple[float, float]


def read_intensities(dataset: Dataset, path: Path) -> tuple[NDArray[np.float32], Range | None]:
    """Return the intensities of a single-frame image.

    Returns
    -------
    pixels : (H, W) float32 array
        In [0, 1], bone bright, not clipped; padding is 0.
    display_range : (float, float) or None
        The intensities that the window of the file, or a curve that saturates, shows black and white.

    Raises
    ------
    InputError
        If the pixels cannot be decoded or have no contrast, or if a number that they depend on cannot be read.
    """
    _check_numbers(dataset, path)
    stored = decoded(dataset, path)
    if stored.ndim == 3:
        return to_intensities(stored, "path", str(path)), None
    padding = _padding(dataset, stored)
    ends = [(part.min(), part.max()) for part in _exposed(stored, padding) if part.size]
    if not ends or min(low for low, _ in ends) == max(high for _, high in ends):
        raise InputError(f"{path} has no contrast: all its pixels are equal. Give a radiograph of a hand.", "path")
    first, last = float(min(low for low, _ in ends)), float(max(high for _, high in ends))
    # The pipeline maps every stored value to one intensity: map each value once.
    if stored.dtype.kind in "iu" and last - first < TABLE_LENGTH:
        levels = np.arange(first, last + 1)
        seen = np.zeros(len(levels), dtype=bool)
        for part in _exposed(stored, padding):
            seen[part.astype(np.int64) - int(first)] = True
        position = None
    else:
        levels, position = np.unique(stored if padding is None else stored[~padding], return_inverse=True)
        seen = np.ones(len(levels), dtype=bool)
    mapped, window = _pipeline(dataset, levels.astype(np.float64), seen, (first, last))
    if np.ptp(mapped[seen]) <= 1e-6:
        raise InputError(
            f"{path} has no contrast: its lookup table maps all its pixels to one value. Export it again without the "
            "table.",
            "path",
        )
    table = np.clip(mapped, 0, 1).astype(np.float32)
    pixels = np.zeros(stored.shape, dtype=np.float32)
    if position is not None:
        pixels[slice(None) if padding is None else ~padding] = table[
            position.reshape(stored.shape if padding is None else -1)
        ]
        return pixels, window
    for start in range(0, len(stored), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        index = np.clip(stored[rows].astype(np.int64) - int(first), 0, len(table) - 1)
        pixels[rows] = table[index]
        if padding is not None:
            pixels[rows][padding[rows]] = 0
    return pixels, window


def _check_numbers(dataset: Dataset, path: Path) -> None:
    """Refuse attributes that state something else than the number that the intensities depend on."""
    needed = ["PixelPaddingValue", "PixelPaddingRangeLimit"]
    if not value(dataset, "ModalityLUTSequence"):
        needed += ["RescaleSlope", "RescaleIntercept"]
    if _word(dataset, "VOILUTFunction") == "SIGMOID" and not value(dataset, "VOILUTSequence"):
        needed += ["WindowCenter", "WindowWidth"]
    for keyword in needed:
        found, text = numbers(dataset, keyword), raw_text(dataset, keyword)
        single = len(found) == 1 or (len(found) > 1 and keyword.startswith("Window"))  # the first of several windows
        if text and not (single and (found[0] != 0 or keyword != "RescaleSlope")):
            meaning = "a number other than 0" if keyword == "RescaleSlope" else "a number"
            raise InputError(
                f"{path}: {dictionary_description(keyword)} is {text!r}, which is not {meaning}. Correct the "
                "attribute, or export the image again.",
                "path",
            )


def _exposed(stored: NDArray[Any], padding: NDArray[np.bool_] | None) -> Iterator[NDArray[Any]]:
    """Yield the stored values outside padding, some rows at once."""
    for start in range(0, len(stored), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield stored[rows] if padding is None else stored[rows][~padding[rows]]


def _pipeline(dataset: Dataset, levels: Values, seen: NDArray[np.bool_], ends: Range) -> tuple[Values, Range | None]:
    """Return the intensities of stored values, and the window scaled to [0, 1].

    Parameters
    ----------
    levels : (N,) array
        Stored values in ascending order.
    seen : (N,) bool array
        Which of them are in the image, outside padding.
    ends : (float, float)
        The least and the largest of these.
    """
    values, black, white, is_modality = _modality(dataset, levels, seen, ends)
    window = None
    if is_modality:  # a VOI step is defined on values after the modality step only
        values, black, white, window = _voi(dataset, values, seen, black, white)
    intensities = (values - black) / (white - black)
    # MONOCHROME1 and INVERSE state the same inversion (PS3.3 C.8.11.1.1.2); together they do not cancel
    polarity = {_word(dataset, "PhotometricInterpretation"), _word(dataset, "PresentationLUTShape")}
    if polarity & {"MONOCHROME1", "INVERSE"}:
        intensities = 1 - intensities
        window = (1 - window[1], 1 - window[0]) if window else None
    presentation = _lut(dataset, "PresentationLUTSequence")
    if presentation:
        _, entries = presentation
        scaled = np.interp(intensities * (len(entries) - 1), np.arange(len(entries)), _stretched(entries))
        knees = _knees(intensities, scaled, seen)
        if knees is None:
            return scaled, None
        if _falls(intensities, scaled, seen):
            intensities = 1 - intensities
            knees = (1 - knees[1], 1 - knees[0])
        window = _clipped(*knees)
    return intensities, window


def _knees(before: Values, after: Values, seen: NDArray[np.bool_]) -> Range | None:
    """Return the values before a step between which it does not saturate; None where it saturates nowhere."""
    order = np.argsort(before[seen])
    before, after = before[seen][order], after[seen][order]
    same = ONE_VALUE * np.ptp(after)
    low, high = (np.abs(after - end) > same for end in (after[0], after[-1]))
    if not low.any():
        return float(before[0]), float(before[-1])
    black = before[np.argmax(low) - 1]  # the last value that is equal to the first one
    white = before[len(high) - np.argmax(high[::-1])]  # the first value that is equal to the last one
    lost = max(black - before[0], before[-1] - white)
    return (float(black), float(white)) if lost > SATURATED * (before[-1] - before[0]) else None


def _falls(before: Values, after: Values, seen: NDArray[np.bool_]) -> bool:
    """Return whether a step inverts the scale: the largest value before it is the lesser one after it."""
    before, after = before[seen], after[seen]
    return bool(after[np.argmax(before)] < after[np.argmin(before)])


def _clipped(low: float, high: float) -> Range | None:
    """Return a window within [0, 1]; None where it is empty there."""
    low, high = (float(np.clip(end, 0, 1)) for end in (low, high))
    return (low, high) if low < high else None


def _padding(dataset: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return where the image is padding outside the exposed field; None where there is none.

    Only regions at the image border are padding: the padding value can also occur in bone, as saturation.
    """
    ends = numbers(dataset, "PixelPaddingValue")[:1] + numbers(dataset, "PixelPaddingRangeLimit")[:1]
    if not numbers(dataset, "PixelPaddingValue"):
        return None
    regions, count = ndimage.label((stored >= min(ends)) & (stored <= max(ends)))
    at_edge = np.zeros(count + 1, dtype=bool)
    at_edge[np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]])] = True
    at_edge[0] = False
    return at_edge[regions]


def _modality(
    dataset: Dataset, levels: Values, seen: NDArray[np.bool_], stored: Range
) -> tuple[Values, float, float, bool]:
    """Return the values after the modality LUT or rescale, the ends of their scale, and whether the step was applied.

    A modality LUT that saturates is not applied; if it inverts the scale, the scale is inverted.
    """
    bits = numbers(dataset, "BitsStored")[:1]
    # some exports state 16 bits for any machine; fewer bits are reliable
    depths = [int(bits[0]), *BIT_DEPTHS] if bits and bits[0] < 16 else BIT_DEPTHS
    ends = full_scale(*stored, depths)
    lut = _lut(dataset, "ModalityLUTSequence")
    if lut:
        values, black, white = _through(lut, levels)
        if _knees(levels, values, seen) is None:
            return values, black, white, True
        return (sum(ends) - levels if _falls(levels, values, seen) else levels), *ends, False
    slope, intercept = numbers(dataset, "RescaleSlope"), numbers(dataset, "RescaleIntercept")
    if len(slope) == len(intercept) == 1 and slope[0] != 0:
        levels = levels * slope[0] + intercept[0]
        ends = (ends[0] * slope[0] + intercept[0], ends[1] * slope[0] + intercept[0])
    return levels, min(ends), max(ends), True


def _voi(
    dataset: Dataset, values: Values, seen: NDArray[np.bool_], black: float, white: float
) -> tuple[Values, float, float, Range | None]:
    """Return the values after a nonlinear VOI curve, the ends of their scale, and a linear window scaled to [0, 1].

    A curve that saturates is not applied, but is a window; if it inverts the scale, the scale is inverted.
    """
    lut = _lut(dataset, "VOILUTSequence")
    if lut:
        return _unless_saturated(values, seen, (black, white), *_through(lut, values))
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if not centres or not widths or widths[0] <= 0:
        return values, black, white, None
    centre, width = centres[0], widths[0]
    shape = _word(dataset, "VOILUTFunction")
    if shape == "SIGMOID":
        return _unless_saturated(values, seen, (black, white), expit(4 * (values - centre) / width), 0.0, 1.0)
    if shape != "LINEAR_EXACT":  # PS3.3 C.11.2.1.2.1: the linear window runs between pixel centres
        centre, width = centre - 0.5, width - 1
    low, high = ((centre + half - black) / (white - black) for half in (-width / 2, width / 2))
    return values, black, white, _clipped(low, high)


def _unless_saturated(
    values: Values, seen: NDArray[np.bool_], ends: Range, after: Values, black: float, white: float
) -> tuple[Values, float, float, Range | None]:
    """Return the values after a curve; where it saturates those before it, and the curve as a window."""
    knees = _knees(values, after, seen)
    if knees is None:
        return after, black, white, None
    window = _clipped(*((knee - ends[0]) / (ends[1] - ends[0]) for knee in knees))
    if not _falls(values, after, seen):
        return values, *ends, window
    return sum(ends) - values, *ends, (1 - window[1], 1 - window[0]) if window else None


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
