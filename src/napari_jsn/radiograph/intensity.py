"""Convert any image that a user gives to float32 intensities in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError

#: Usual bits per pixel of radiographs; the type of an integer array does not state which of them are used.
BIT_DEPTHS = (8, 10, 12, 14, 16)

#: Luminance of red, green and blue (ITU-R BT.709).
LUMINANCE = (0.2126, 0.7152, 0.0722)


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
    low, high = _range(array)
    values = _without_colour(array)
    # the tolerance covers rounding: a constant image computed in floating point has no contrast
    if np.ptp(values) <= 1e-6 * max(abs(low), abs(high)):
        raise InputError(f"{name} has no contrast: all its pixels are equal. Give an image of a joint.", argument)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def _range(array: NDArray[Any]) -> tuple[float, float]:
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


def _without_colour(array: NDArray[Any]) -> NDArray[Any]:
    """Return the (H, W) values of an image that may have colour and opacity; float64 unless already float32."""
    array = array if array.dtype == np.float32 else array.astype(np.float64)
    if array.ndim == 2:
        return array
    if array.shape[2] < 3:
        return array[..., 0]
    red, green, blue = (array[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red
    weights = np.asarray(LUMINANCE, dtype=array.dtype)
    return red * weights[0] + green * weights[1] + blue * weights[2]
