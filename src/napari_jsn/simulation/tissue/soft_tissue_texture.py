"""Textures of soft tissue at several scales: lobules of fat, and fibres along the rays.

They are computed once as periodic tiles; images look up their pixels in the tiles.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Array = NDArray[np.float32]

#: Pixels per side of a tile (a power of two) and their size: a tile repeats after 102 mm.
SIZE, CELL_MM = 1024, 0.1


@cache
def fat_tile() -> Array:
    """Return lobules of fat between thin walls: (SIZE, SIZE) float32, mean 0, standard deviation 1."""
    rng = np.random.default_rng(20241)
    scales = ((0.16, 0.45), (0.3, 0.65), (0.6, 1.0), (1.2, 1.2), (3.0, 0.8))
    lobules = sum(share * _noise(rng, (mm, 1.25 * mm)) for mm, share in scales)
    walls = -np.abs(_noise(rng, (1.0, 1.5)))  # thin lines where two lobules meet
    return _standard(lobules + 0.3 * _standard(walls))


@cache
def fibre_tile() -> Array:
    """Return muscle, tendon and the fat between them, along the rows: (SIZE, SIZE) float32, mean 0, sd 1."""
    rng = np.random.default_rng(20242)
    scales = ((0.17, 3.0, 0.35), (0.35, 3.0, 0.6), (0.7, 3.5, 1.0), (1.5, 3.0, 1.2), (3.5, 2.0, 0.8))
    strands = sum(share * _noise(rng, (long * mm, mm)) for mm, long, share in scales)
    # layers of fat and small vessels parallel to the beam: soft lines, mostly along the rows
    sheets = sum(sign * np.exp(-((_noise(rng, (7.0, 2.6)) / 0.2) ** 2)) for sign in (-1.0, -0.7, 0.5))
    return _standard(strands + 0.35 * _standard(ndimage.gaussian_filter(sheets, 1.5, mode="wrap")))


def tile_values(tile: Array, index: NDArray[np.int32]) -> Array:
    """Return the values of a tile at the indices of :func:`tile_indices`."""
    return np.take(tile.ravel(), index)


def tile_indices(across_mm: Array, along_mm: Array) -> NDArray[np.int32]:
    """Return the flat indices of points of the hand in a periodic tile."""
    mask = np.int32(SIZE - 1)
    col = (across_mm * np.float32(1 / CELL_MM) + np.float32(64 * SIZE)).astype(np.int32)
    row = (along_mm * np.float32(1 / CELL_MM) + np.float32(64 * SIZE)).astype(np.int32)
    col &= mask
    row &= mask
    row *= np.int32(SIZE)
    row += col
    return row


def _noise(rng: np.random.Generator, mm: tuple[float, float]) -> Array:
    """Draw periodic noise smoothed with a Gaussian of these standard deviations along the two axes, in mm."""
    white = rng.standard_normal((SIZE, SIZE)).astype(np.float32)
    f = np.fft.fftfreq(SIZE, CELL_MM).astype(np.float32)
    damp = np.exp(-2 * np.pi**2 * ((f[:, None] * mm[0]) ** 2 + (f[None, : SIZE // 2 + 1] * mm[1]) ** 2))
    return _standard(fft.irfft2(fft.rfft2(white) * damp.astype(np.float32), s=(SIZE, SIZE)))


def _standard(values: Array) -> Array:
    values = values - values.mean()
    return (values / values.std()).astype(np.float32)
