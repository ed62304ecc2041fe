"""Spongy bone: solid, periodic random textures of struts, looked up and not drawn anew for every bone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

#: Cells of a texture along z, y and x, and their size in mm: thin in the film's plane, a slab in depth.
SHAPE = (40, 224, 224)
STEP_MM = (0.5, 0.15, 0.15)

#: Correlation lengths of the struts along z, y and x in mm: in the shaft and under a base they run along the bone,
#: in a head they form a mesh without direction (Singh 1978, and what the development joints show).
_ALONG = (0.28, 0.28, 0.115)
_MESH = (0.28, 0.22, 0.13)
#: A fifth of the field runs on for this much longer along the bone.
_LONG_MM = 0.7
#: Strength of the struts: the log-normal field's sd before its exponential.
_CONTRAST = 0.7


#: The periodic textures go on for so many cells, so that most pieces are views of them.
_MORE = (40, 128, 144)


@lru_cache(maxsize=4)
def struts(bank: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two solid textures of mean 0, along the bone and mesh; the density of spongy bone is its mean times 1 + texture.

    Parameters
    ----------
    bank : int
        Seed: another bank holds other textures.

    Returns
    -------
    along, mesh : (Z, Y, X) float32 arrays
        Periodic along every axis with the period :data:`SHAPE`, and repeated a little beyond it.
    """
    rng = np.random.default_rng([7, bank])
    return _texture(rng, _ALONG), _texture(rng, _MESH)


def _texture(rng: np.random.Generator, lengths_mm: tuple[float, ...]) -> NDArray[np.float32]:
    z, y, x = lengths_mm
    field = np.float32(0.89) * _field(rng, SHAPE, STEP_MM, lengths_mm)
    field += np.float32(0.46) * _field(rng, SHAPE, STEP_MM, (z, y + _LONG_MM, x))
    rods = np.exp(np.float32(_CONTRAST) * field)
    rods = rods / rods.mean() - 1
    return np.pad(rods, [(0, more) for more in _MORE], mode="wrap").astype(np.float32)


def _field(
    rng: np.random.Generator, shape: tuple[int, ...], step: tuple[float, ...], lengths: tuple[float, ...]
) -> NDArray[np.float32]:
    """A periodic Gaussian random field of sd 1."""
    spectrum = fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    for axis, (n, d, length) in enumerate(zip(shape, step, lengths, strict=True)):
        k = fft.rfftfreq(n, d) if axis == len(shape) - 1 else fft.fftfreq(n, d)
        weight = np.exp(-((2 * np.pi * k * length) ** 2) / 2).astype(np.float32)
        spectrum *= weight.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    field = fft.irfftn(spectrum, shape)
    return (field / field.std()).astype(np.float32)


def cut(texture: NDArray[np.float32], shape: tuple[int, ...], at: tuple[int, ...]) -> NDArray[np.float32]:
    """A piece of a texture of :func:`struts`, beginning at any cell."""
    piece = texture
    for axis, (size, start, period) in enumerate(zip(shape, at, SHAPE, strict=True)):
        start %= period
        if start + size <= texture.shape[axis]:
            piece = piece[(slice(None),) * axis + (slice(start, start + size),)]
        else:
            piece = np.take(piece, np.arange(start, start + size) % period, axis=axis)
    return piece
