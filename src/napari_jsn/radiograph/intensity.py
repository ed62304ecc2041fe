"""Any image that a user may give, as float32 intensities in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn.common.errors import InputError

#: Bits per pixel that radiographs come in; an integer array does not say which of them it holds.
BIT_DEPTHS = (8, 10, 12, 14, 16)

#: Luminance of red, green and blue (ITU-R BT.709).
LUMINANCE = (0.2126, 0.7152, 0.0722)


def to_intensities(pixels: ArrayLike, argument: str = "pixels", name: str | None = None) -> NDArray[np.float32]:
    """One image as float32 grey levels in [0, 1].

    Which value becomes 1 depends on the type of the array, so that two images of one kind are scaled alike:

    - bool: 0 and 1;
    - integers: over the full scale of the narrowest of 8, 10, 12, 14 and 16 bits that holds them all, signed
      if there are negative ones (unsigned 8-bit arrays: always 0 to 255);
    - floats within [0, 1]: kept;
    - anything else (floats beyond, wider integers): stretched from its least to its largest value.

    The scaling is linear and clips nothing. Brightness is not turned round: bone must be bright already.

    Parameters
    ----------
    pixels : (H, W), (H, W, 1..4) array
        Any numeric or bool type. Three channels are red, green and blue: equal ones are grey, coloured ones
        become their luminance. A second or fourth channel is opacity, and ignored.
    argument : str
        The argument that a refusal names.
    name : str, optional
        How a refusal calls the image at the start of its sentence; by default after ``argument``.

    Returns
    -------
    (H, W) float32 array
        A copy in [0, 1].

    Raises
    ------
    InputError
        If it is no single image, holds NaN or infinity, or has no contrast.
    """
    name = name or f"The image given as {argument}"
    try:
        array = np.asarray(pixels)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; tensors on a GPU
        raise InputError(f"{name} cannot be read as an array. Give a 2-D array of numbers.", argument) from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {array.dtype} values. Give a 2-D array of numbers.", argument)
    if array.size == 0:
        raise InputError(f"{name} is empty (shape {array.shape}). Give a 2-D array of pixels.", argument)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= 4)):
        raise InputError(
            f"{name} has shape {array.shape}. Give a single 2-D image (rows, columns), or one with its colours last.",
            argument,
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values. Replace them with numbers first.", argument)
    low, high = _range(array)
    grey = _without_colour(array)
    # The tolerance takes rounding for what it is: a constant image computed in floating point has no contrast.
    if np.ptp(grey) <= 1e-6 * max(abs(low), abs(high)):
        raise InputError(f"{name} has no contrast: all its pixels are equal. Give an image of a joint.", argument)
    return np.clip((grey - low) / (high - low), 0, 1).astype(np.float32)


def _range(array: NDArray[Any]) -> tuple[float, float]:
    """The values that become 0 and 1."""
    if array.dtype == np.bool_:
        return 0.0, 1.0
    if array.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f":
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    return full_scale(low, high)


def full_scale(low: float, high: float, depths: Iterable[int] = BIT_DEPTHS) -> tuple[float, float]:
    """Least and largest value of the narrowest of these bit depths that holds integers from ``low`` to ``high``.

    Unlike the extremes themselves it hardly depends on what an image shows, so two images of one machine are
    scaled alike. Integers that fit none keep their extremes.
    """
    for bits in depths:
        offset = 2.0 ** (bits - 1) if low < 0 else 0.0
        if -offset <= low and high <= 2.0**bits - 1 - offset:
            return -offset, 2.0**bits - 1 - offset
    return low, high


def _without_colour(array: NDArray[Any]) -> NDArray[Any]:
    """(H, W) values of an image that may carry colour and opacity; float64 unless already float32."""
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
