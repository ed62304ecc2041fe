"""Convert any image that a user gives to float32 intensities in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError

#: Usual bits per pixel of radiographs; the type of an integer array does not state which of them are used.
BIT_DEPTHS = (8, 10, 12, 14, 16)

#: Most pixels of an image file (docs/files.md): a hand scanned at 0.03 mm has 80 million.
MAX_PIXELS = 100_000_000

#: Largest file, inflated where it is deflated: this many pixels of 32 bits.
MAX_BYTES = 4 * MAX_PIXELS

#: Least rows and columns of an image file or array.
MIN_SIDE = 8

#: Rows that are converted at once, so that large images need little more memory than their pixels.
ROWS_AT_ONCE = 128

#: Luminance of red, green and blue (ITU-R BT.709).
LUMINANCE = (0.2126, 0.7152, 0.0722)

#: Arrays that are intensities already and that only radiographs refer to, by their ids.
_INTENSITIES: WeakValueDictionary[int, NDArray[np.float32]] = WeakValueDictionary()


def known_intensities(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an array of intensities, marked so that a radiograph takes it without checking and copying it."""
    _INTENSITIES[id(pixels)] = pixels
    return pixels


def are_known_intensities(pixels: Any) -> bool:
    """Return whether an array was marked by :func:`known_intensities`."""
    return _INTENSITIES.get(id(pixels)) is pixels


def to_intensities(pixels: ArrayLike, argument: str = "pixels", name: str | None = None) -> NDArray[np.float32]:
    """Return one image as float32 intensities in [0, 1].

    The scale depends on the type of the array, so that two images of one type are scaled equally:

    - bool: 0 and 1;
    - integers: divided by the full scale of the narrowest of 8, 10, 12, 14 and 16 bits that contains all values,
      signed if there are negative values (unsigned 8-bit arrays: always 0 to 255);
    - floats within [0, 1]: unchanged;
    - all others (floats outside [0, 1], wider integers): scaled from their least to their largest value.

    The scaling is linear and clips nothing. The image is not inverted: bone must be bright already.

    Parameters
    ----------
    pixels : (H, W), (H, W, 1..4) array
        Any numeric or bool type. Three channels are red, green and blue: equal channels are intensities, different
        ones are converted to luminance. A second or fourth channel is opacity, and is ignored.
    argument : str
        Name of the argument in errors.
    name : str, optional
        The image at the start of error messages; by default from ``argument``.

    Returns
    -------
    (H, W) float32 array
        A copy in [0, 1].

    Raises
    ------
    InputError
        If it is not a single image, contains NaN or infinity, or has no contrast.
    """
    name = name or f"The image given as {argument}"
    try:
        array = np.asarray(pixels)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; tensors on a GPU
        raise InputError(f"{name} cannot be read as an array. Give a 2-D array of numbers.", argument) from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} contains values of type {array.dtype}. Give a 2-D array of numbers.", argument)
    if array.size == 0:
        raise InputError(f"{name} is empty (shape {array.shape}). Give a 2-D array of pixels.", argument)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= 4)):
        raise InputError(
            f"{name} has shape {array.shape}. Give a single 2-D image (rows, columns), or one with colours last.",
            argument,
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} contains NaN or infinite values. Replace them by numbers first.", argument)
    low, high = value_range(array)
    grey = array.ndim == 3 and array.shape[2] > 2 and _equal_channels(array)
    intensities = np.empty(array.shape[:2], dtype=np.float32)
    least, largest = np.inf, -np.inf
    for start in range(0, len(array), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        values = _without_colour(array[rows], grey)
        least, largest = min(least, float(values.min())), max(largest, float(values.max()))
        if high > low:
            intensities[rows] = np.clip((values - low) / (high - low), 0, 1)
    # the tolerance covers rounding: a constant image computed in floating point has no contrast
    if largest - least <= 1e-6 * max(abs(low), abs(high)):
        raise InputError(
            f"{name} has no contrast: all its pixels are equal. It is blank: export it again, or give another image.",
            argument,
        )
    return intensities


def same_pixels(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether two images are equal; they are compared some rows at once, so that large ones need no memory."""
    return one.shape == other.shape and all(
        np.array_equal(one[start : start + ROWS_AT_ONCE], other[start : start + ROWS_AT_ONCE])
        for start in range(0, len(one), ROWS_AT_ONCE)
    )


def check_size(rows: int, cols: int, name: str, argument: str = "path") -> None:
    """Check the size of an image, before its pixels are decoded.

    Raises
    ------
    InputError
        If it has more than :data:`MAX_PIXELS` pixels, or fewer than :data:`MIN_SIDE` rows or columns.
    """
    size = f"has {rows} rows and {cols} columns"
    if rows * cols > MAX_PIXELS:
        raise InputError(
            f"{name} {size}, and the limit is {MAX_PIXELS // 10**6} megapixels. Check the file, or export one image of "
            "the hand alone.",
            argument,
        )
    if min(rows, cols) < MIN_SIDE:
        raise InputError(
            f"{name} {size}, too few for a radiograph: at least {MIN_SIDE} of each are needed. Give a radiograph.",
            argument,
        )


def value_range(array: NDArray[Any]) -> tuple[float, float]:
    """Return the values that become 0 and 1."""
    if array.dtype == np.bool_:
        return 0.0, 1.0
    if array.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f":
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    return full_scale(low, high)


def full_scale(low: float, high: float, depths: Iterable[int] = BIT_DEPTHS) -> tuple[float, float]:
    """Return the range of the narrowest of these bit depths that contains integers from ``low`` to ``high``.

    It depends less on the content of an image than the extremes themselves, so two images of one machine are
    scaled equally. Where no depth is wide enough, the extremes are returned.
    """
    for bits in depths:
        offset = 2.0 ** (bits - 1) if low < 0 else 0.0
        if -offset <= low and high <= 2.0**bits - 1 - offset:
            return -offset, 2.0**bits - 1 - offset
    return low, high


def _equal_channels(array: NDArray[Any]) -> bool:
    """Return whether red, green and blue are equal everywhere: a greyscale image that is stored as a colour image."""
    first = array[..., 0]
    return all(np.array_equal(first, array[..., channel]) for channel in (1, 2))


def _without_colour(array: NDArray[Any], grey: bool) -> NDArray[Any]:
    """Return the (H, W) values of an image that may have colour and opacity; float64 unless already float32."""
    array = array if array.dtype == np.float32 else array.astype(np.float64)
    if array.ndim == 2:
        return array
    if array.shape[2] < 3 or grey:
        return array[..., 0]
    weights = np.asarray(LUMINANCE, dtype=array.dtype)
    return array[..., 0] * weights[0] + array[..., 1] * weights[1] + array[..., 2] * weights[2]
