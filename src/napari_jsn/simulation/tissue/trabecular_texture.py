"""Periodic random textures of trabecular bone in 3D. They are computed once and looked up for every bone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

#: Cells of a texture along z, y and x, and their size in mm: small in the radiograph's plane, a slab in depth.
SHAPE = (40, 224, 224)
STEP_MM = (0.5, 0.15, 0.15)

#: Correlation lengths of the trabeculae along z, y and x in mm: in the shaft and below a base they run along the bone,
#: in a head they have no preferred direction (Singh 1978, and the development joints).
_ALONG = (0.28, 0.28, 0.115)
_ISOTROPIC = (0.28, 0.22, 0.13)
#: A fifth of the field has a correlation length along the bone that is larger by this much.
_LONG_MM = 0.7
#: Standard deviation of the log-normal field before its exponential.
_CONTRAST = 0.7
#: Cells repeated beyond the period along z, y and x, so that most blocks are views.
_REPEATED = (40, 128, 144)


#: Parts of the fine texture: weight, and correlation lengths along z, y and x in mm. On radiographs trabeculae are a
#: fine net with density that varies over millimetres; one length alone looks like grains.
_FINE_ALONG = ((0.6, (0.3, 0.9, 0.06)), (0.65, (0.25, 0.12, 0.06)), (0.3, (0.4, 0.5, 0.25)), (0.35, (1.0, 1.2, 0.8)))
_FINE_ISOTROPIC = ((0.7, (0.25, 0.12, 0.07)), (0.45, (0.3, 0.5, 0.06)), (0.3, (0.3, 0.3, 0.3)), (0.35, (1.0, 1.0, 1.0)))


@lru_cache(maxsize=4)
def trabecular_textures(seed: int = 0, fine: bool = False) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two 3D textures of mean 0; the density of trabecular bone is its mean times 1 + texture.

    Parameters
    ----------
    seed : int
        Another seed gives other textures.
    fine : bool
        Whether trabeculae are a net with several lengths, or have one length.

    Returns
    -------
    along, isotropic : (Z, Y, X) float32 arrays
        Trabeculae along the bone, and without preferred direction. Periodic along every axis with the period
        :data:`SHAPE`, and repeated a little beyond it.
    """
    rng = np.random.default_rng([7, seed])
    if fine:
        return _fine_texture(rng, _FINE_ALONG), _fine_texture(rng, _FINE_ISOTROPIC)
    return _texture(rng, _ALONG), _texture(rng, _ISOTROPIC)


def texture_block(texture: NDArray[np.float32], shape: tuple[int, ...], start: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a block of a texture of :func:`trabecular_textures` that starts at any cell."""
    block = texture
    for axis, (size, first, period) in enumerate(zip(shape, start, SHAPE, strict=True)):
        first %= period
        if first + size <= texture.shape[axis]:
            block = block[(slice(None),) * axis + (slice(first, first + size),)]
        else:
            block = np.take(block, np.arange(first, first + size) % period, axis=axis)
    return block


def _texture(rng: np.random.Generator, lengths_mm: tuple[float, ...]) -> NDArray[np.float32]:
    z, y, x = lengths_mm
    field = np.float32(0.89) * _field(rng, SHAPE, STEP_MM, lengths_mm)
    field += np.float32(0.46) * _field(rng, SHAPE, STEP_MM, (z, y + _LONG_MM, x))
    return _rods(field)


def _fine_texture(
    rng: np.random.Generator, parts: tuple[tuple[float, tuple[float, float, float]], ...]
) -> NDArray[np.float32]:
    field = np.zeros(SHAPE, np.float32)
    for weight, lengths_mm in parts:
        field += np.float32(weight) * _field(rng, SHAPE, STEP_MM, lengths_mm)
    return _rods(field / field.std())


def _rods(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log-normal texture of a field, repeated beyond its period."""
    rods = np.exp(np.float32(_CONTRAST) * field)
    rods = rods / rods.mean() - 1
    return np.pad(rods, [(0, more) for more in _REPEATED], mode="wrap").astype(np.float32)


def _field(
    rng: np.random.Generator, shape: tuple[int, ...], step: tuple[float, ...], lengths: tuple[float, ...]
) -> NDArray[np.float32]:
    """Draw a periodic Gaussian random field of sd 1."""
    spectrum = fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    for axis, (n, d, length) in enumerate(zip(shape, step, lengths, strict=True)):
        k = fft.rfftfreq(n, d) if axis == len(shape) - 1 else fft.fftfreq(n, d)
        weight = np.exp(-((2 * np.pi * k * length) ** 2) / 2).astype(np.float32)
        spectrum *= weight.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    field = fft.irfftn(spectrum, shape)
    return (field / field.std()).astype(np.float32)
