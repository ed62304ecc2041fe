"""What a device's software makes of the logarithm of the dose: enhancement, curve, file.

The steps, in the order in which computed radiography takes them, work on nepers above open air:
:func:`compress_latitude` takes away part of what varies slowly, so that fingertip and wrist fit one
window; :func:`enhance` lifts fine detail; :func:`curve` turns nepers into intensity levels. Then a file is
made: :func:`jpeg` loses what JPEG loses, :func:`enlarge` is how crops of data sets are made.

References
----------
P. Vuylsteke, E. Schoeters, Multiscale image contrast amplification, Proc. SPIE 2167:551-560 (1994).
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.float32]

#: Cells per standard deviation of the coarse grid on which wide blurs are computed.
_CELLS_PER_SD = 3
#: More than this, in nepers, is no hand but blade or marker, and counts for no more: else it casts a dark halo.
_HAND = 2.0


def compress_latitude(nepers: Pixels, sd_px: float, share: float, middle: float) -> Pixels:
    """Take away part of what varies slowly.

    Parameters
    ----------
    nepers : (H, W) float32 array
    sd_px : float
        What is wider than this counts as slow.
    share : float
        Part of it that goes, 0 (nothing) to 1.
    middle : float
        Level, in nepers, that stays as it is.

    Returns
    -------
    (H, W) float32 array
    """
    if share == 0:
        return nepers
    slow = wide_blur(np.minimum(nepers, np.float32(_HAND)), sd_px)
    return nepers - np.float32(share) * (slow - np.float32(middle))


def enhance(nepers: Pixels, sd_px: float, gain: float, limit: float) -> Pixels:
    """Add what a blur takes away (unsharp masking), strong edges less than faint texture.

    Parameters
    ----------
    nepers : (H, W) float32 array
    sd_px : float
        Standard deviation of the blur.
    gain : float
        How much of the detail is added; 0 leaves the image alone.
    limit : float
        Detail of this size, in nepers, is lifted half as much as faint detail, so that edges do not ring.

    Returns
    -------
    (H, W) float32 array
    """
    if gain == 0:
        return nepers
    wide = sd_px >= 2 * _CELLS_PER_SD
    blurred = wide_blur(nepers, sd_px) if wide else ndimage.gaussian_filter(nepers, sd_px, mode="nearest", truncate=3)
    detail = nepers - blurred
    strength = np.float32(gain * limit) / (np.float32(limit) + np.abs(detail))
    return nepers + strength * detail


def curve(
    nepers: Pixels, low: float, high: float, toe: float, shoulder: float, gamma: float, black: float, white: float
) -> Pixels:
    """S-curve of a film: straight between two levels, rounded at both ends, never quite black or white.

    On real joint crops it is straight: open air, soft tissue, the joint space and bone lie at 0.02, 0.27, 0.39
    and 0.53, as do their thicknesses.

    Parameters
    ----------
    nepers : (H, W) float32 array
    low, high : float
        The window: nepers where the straight part would meet black and white.
    toe, shoulder : float
        Nepers over which the curve bends at its lower and its upper end.
    gamma : float
        Power applied to the curve's output; above 1 darkens.
    black, white : float
        Pixels levels that the curve tends to, in [0, 1].

    Returns
    -------
    (H, W) float32 array
        Pixels levels, bone bright.
    """
    ramp = _soft_ramp(nepers - np.float32(low), toe) - _soft_ramp(nepers - np.float32(high), shoulder)
    intensity = np.clip(ramp / np.float32(high - low), 0, 1)
    if gamma != 1:
        intensity = np.power(intensity, np.float32(gamma))
    return np.float32(black) + np.float32(white - black) * intensity


def _soft_ramp(x: Pixels, bend: float) -> Pixels:
    """``max(x, 0)``, its corner rounded over ``bend``: the integral of a logistic curve."""
    # log(1 + exp(t)) without overflow
    return np.maximum(x, 0) + np.float32(bend) * np.log1p(np.exp(-np.abs(x) / np.float32(bend)))


def jpeg(intensity: Pixels, quality: int) -> Pixels:
    """Write the image as 8-bit JPEG and read it back, in memory.

    Parameters
    ----------
    intensity : (H, W) float32 array
        In [0, 1].
    quality : int
        1 to 100.

    Returns
    -------
    (H, W) float32 array
        In [0, 1], multiples of 1/255.
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.round(255 * np.clip(intensity, 0, 1)).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), dtype=np.float32) / np.float32(255)


def enlarge(intensity: Pixels, shape: tuple[int, int]) -> Pixels:
    """Resample to more pixels by cubic convolution; the image's borders stay where they are.

    Parameters
    ----------
    intensity : (h, w) float32 array
    shape : (H, W)

    Returns
    -------
    (H, W) float32 array
    """
    from PIL import Image

    large = Image.fromarray(intensity).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(large, dtype=np.float32)


def shrink(image: Pixels, factor: int) -> Pixels:
    """Mean of blocks of ``factor`` x ``factor`` pixels; sides must be multiples of it."""
    rows, cols = image.shape[0] // factor, image.shape[1] // factor
    return image.reshape(rows, factor, cols, factor).mean(axis=(1, 3), dtype=np.float32)


def wide_blur(image: Pixels, sd_px: float) -> Pixels:
    """Gaussian blur, many pixels wide, computed on a coarse grid; the border is continued."""
    step = int(sd_px / _CELLS_PER_SD)
    if step < 2:
        return ndimage.gaussian_filter(image, sd_px, mode="nearest", truncate=3)
    rows, cols = (-(-n // step) for n in image.shape)
    padding = [(0, rows * step - image.shape[0]), (0, cols * step - image.shape[1])]
    cells = shrink(np.pad(image, padding, mode="edge"), step)
    # the linear interpolation below widens by a cell's variance, so the blur leaves that out
    cells = ndimage.gaussian_filter(cells, np.sqrt((sd_px / step) ** 2 - 0.25), mode="nearest", truncate=3)
    blurred: Pixels = _between_cells(image.shape[0], step) @ cells @ _between_cells(image.shape[1], step).T
    return blurred


@lru_cache(maxsize=16)
def _between_cells(length: int, step: int) -> Pixels:
    """(length, cells) weights that interpolate linearly between the middles of cells of ``step`` pixels."""
    cells = -(-length // step)
    at = np.clip((np.arange(length) + 0.5) / step - 0.5, 0, cells - 1)
    return np.clip(1 - np.abs(at[:, None] - np.arange(cells)), 0, 1).astype(np.float32)
