"""Image processing of a device, from nepers to intensities and files.

The steps follow the order of computed radiography: :func:`compress_latitude` removes a part of the slow variation, so
that fingertip and wrist fit into one window; :func:`enhance` amplifies fine detail; :func:`tone_curve` maps nepers to
intensities. :func:`jpeg` applies the loss of JPEG; :func:`enlarge` resamples as for the crops of data sets.

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

from napari_jsn.radiograph.resampling import block_mean

Pixels = NDArray[np.float32]

#: Cells per standard deviation of the coarse grid on which wide blurs are computed.
_CELLS_PER_SD = 3
#: Largest attenuation, in nepers, for the latitude compression: collimator and markers would cause a dark halo.
_MAX_NEPERS = 2.0


def compress_latitude(nepers: Pixels, sd_px: float, share: float, middle: float) -> Pixels:
    """Remove a part of the slow variation.

    Parameters
    ----------
    nepers : (H, W) float32 array
    sd_px : float
        Standard deviation of the blur that defines the slow variation.
    share : float
        Part that is removed, 0 (nothing) to 1.
    middle : float
        Level, in nepers, that does not change.

    Returns
    -------
    (H, W) float32 array
    """
    if share == 0:
        return nepers
    slow = wide_blur(np.minimum(nepers, np.float32(_MAX_NEPERS)), sd_px)
    return nepers - np.float32(share) * (slow - np.float32(middle))


def enhance(nepers: Pixels, sd_px: float, gain: float, limit: float) -> Pixels:
    """Amplify the detail that a blur removes (unsharp masking), strong edges less than faint texture.

    Parameters
    ----------
    nepers : (H, W) float32 array
    sd_px : float
        Standard deviation of the blur.
    gain : float
        Factor of the added detail; 0 does not change the image.
    limit : float
        Detail (nepers) at which the gain is half of that of faint detail, so that edges do not ring.

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


def tone_curve(
    nepers: Pixels, low: float, high: float, toe: float, shoulder: float, gamma: float, black: float, white: float
) -> Pixels:
    """Map nepers to intensities by an S-curve: linear between two levels, rounded at both ends.

    On real joint crops it is linear: open air, soft tissue, the joint space and bone lie at 0.02, 0.27, 0.39 and 0.53,
    in proportion to their attenuation.

    Parameters
    ----------
    nepers : (H, W) float32 array
    low, high : float
        Window: nepers at which the linear part reaches black and white.
    toe, shoulder : float
        Widths of the bends at the lower and the upper end, in nepers.
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
    """Return ``max(x, 0)`` with its corner rounded over ``bend``: the integral of a logistic curve."""
    # log(1 + exp(t)) without overflow
    return np.maximum(x, 0) + np.float32(bend) * np.log1p(np.exp(-np.abs(x) / np.float32(bend)))


def jpeg(intensity: Pixels, quality: int) -> Pixels:
    """Compress the image as 8-bit JPEG and decompress it, in memory.

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
    """Resample to more pixels by cubic convolution; the image's borders do not move.

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


def wide_blur(image: Pixels, sd_px: float) -> Pixels:
    """Apply a Gaussian blur many pixels wide on a coarse grid; the border is extended."""
    step = int(sd_px / _CELLS_PER_SD)
    if step < 2:
        return ndimage.gaussian_filter(image, sd_px, mode="nearest", truncate=3)
    rows, cols = (-(-n // step) for n in image.shape)
    padding = [(0, rows * step - image.shape[0]), (0, cols * step - image.shape[1])]
    cells = block_mean(np.pad(image, padding, mode="edge"), step)
    # the linear interpolation below adds the variance of a cell, so the blur subtracts it
    cells = ndimage.gaussian_filter(cells, np.sqrt((sd_px / step) ** 2 - 0.25), mode="nearest", truncate=3)
    blurred: Pixels = _between_cells(image.shape[0], step) @ cells @ _between_cells(image.shape[1], step).T
    return blurred


@lru_cache(maxsize=16)
def _between_cells(length: int, step: int) -> Pixels:
    """Return the (length, cells) weights of linear interpolation between the middles of cells of ``step`` pixels."""
    cells = -(-length // step)
    at = np.clip((np.arange(length) + 0.5) / step - 0.5, 0, cells - 1)
    return np.clip(1 - np.abs(at[:, None] - np.arange(cells)), 0, 1).astype(np.float32)
