"""What soft tissue looks like inside: lobules of fat, and fibres along the rays, at several scales.

Made once as small periodic tiles; an image looks its pixels up in them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Array = NDArray[np.float32]

#: Pixels of a tile's side (a power of two) and their size: it repeats after 102 mm.
SIZE, CELL_MM = 1024, 0.1


@cache
def fat() -> Array:
    """Lobules of fat between thin walls: (SIZE, SIZE) float32, mean 0, standard deviation 1."""
    rng = np.random.default_rng(20241)
    scales = ((0.16, 0.45), (0.3, 0.65), (0.6, 1.0), (1.2, 1.2), (3.0, 0.8))
    lobules = sum(share * _noise(rng, (mm, 1.25 * mm)) for mm, share in scales)
    walls = -np.abs(_noise(rng, (1.0, 1.5)))  # where two lobules meet: thin lines
    return _standard(lobules + 0.3 * _standard(walls))


@cache
def fibre() -> Array:
    """Muscle, tendon and the sheets of fat between them, along the rows: (SIZE, SIZE) float32, mean 0, deviation 1."""
    rng = np.random.default_rng(20242)
    scales = ((0.17, 3.0, 0.35), (0.35, 3.0, 0.6), (0.7, 3.5, 1.0), (1.5, 3.0, 1.2), (3.5, 2.0, 0.8))
    strands = sum(share * _noise(rng, (long * mm, mm)) for mm, long, share in scales)
    # sheets of fat and small vessels seen edge-on: soft lines, mostly along
    sheets = sum(sign * np.exp(-((_noise(rng, (7.0, 2.6)) / 0.2) ** 2)) for sign in (-1.0, -0.7, 0.5))
    return _standard(strands + 0.35 * _standard(ndimage.gaussian_filter(sheets, 1.5, mode="wrap")))


def look_up(tile: Array, place: NDArray[np.int32]) -> Array:
    """Values of a tile at places made by :func:`places`."""
    return np.take(tile.ravel(), place)


def places(across_mm: Array, along_mm: Array) -> NDArray[np.int32]:
    """Where in a tile points of the hand lie; a tile goes on periodically."""
    mask = np.int32(SIZE - 1)
    col = (across_mm * np.float32(1 / CELL_MM) + np.float32(64 * SIZE)).astype(np.int32)
    row = (along_mm * np.float32(1 / CELL_MM) + np.float32(64 * SIZE)).astype(np.int32)
    col &= mask
    row &= mask
    row *= np.int32(SIZE)
    row += col
    return row


def _noise(rng: np.random.Generator, mm: tuple[float, float]) -> Array:
    """Smooth periodic noise with these standard deviations of its kernel along the rows' and columns' axes, in mm."""
    white = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    f = np.fft.fftfreq(SIZE, CELL_MM).astype(np.float32)
    damp = np.exp(-2 * np.pi**2 * ((f[:, None] * mm[0]) ** 2 + (f[None, : SIZE // 2 + 1] * mm[1]) ** 2))
    return _standard(fft.irfft2(fft.rfft2(white) * damp.astype(np.float32), s=(SIZE, SIZE)))


def _standard(values: Array) -> Array:
    values = values - values.mean()
    return (values / values.std()).astype(np.float32)
