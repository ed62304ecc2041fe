"""The shadow of a solid that may turn: one sum in Fourier space for every pose.

The solid is a stack of slabs parallel to the film. A turn in space moves each slab sideways in proportion to its depth
and maps the sum of all by one linear map of the plane (the shear-warp factorisation of Lacroute & Levoy, SIGGRAPH
1994), exactly so for parallel rays. A sideways shift is a phase in Fourier space, so no pose blurs more than another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Where a bone lies: a point ``p`` of the bone's frame is at ``matrix @ p + shift``, in mm.

    In space the matrix is a rotation; on a film it is mirrored and magnified in the film's plane as well.
    """

    matrix: Array
    shift: Array

    def __call__(self, points: NDArray[np.floating]) -> Array:
        """Map (..., 3) points of the bone."""
        return np.asarray(points @ self.matrix.T + self.shift, dtype=np.float64)

    def inverse(self, points: NDArray[np.floating]) -> Array:
        """Map a (3,) or (n, 3) array of points back into the bone's frame."""
        return np.asarray(np.linalg.solve(self.matrix, (points - self.shift).T).T, dtype=np.float64)


def rotation(turn_deg: float = 0.0, flexion_deg: float = 0.0, roll_deg: float = 0.0) -> Array:
    """Rotation by a roll about the bone's axis (y), then flexion about x, then a turn in the film's plane.

    A positive turn takes +x towards +y: clockwise on the screen.
    """
    t, f, r = np.deg2rad([turn_deg, flexion_deg, roll_deg])
    turn = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    flexion = np.array([[1, 0, 0], [0, np.cos(f), -np.sin(f)], [0, np.sin(f), np.cos(f)]])
    roll = np.array([[np.cos(r), 0, np.sin(r)], [0, 1, 0], [-np.sin(r), 0, np.cos(r)]])
    return turn @ flexion @ roll


@dataclass(frozen=True)
class Slabs:
    """A solid's attenuation, summed over slabs of depth.

    Attributes
    ----------
    values : (Z, Y, X) float32 array
        Attenuation of each slab along z, in nepers.
    x, y, z : (X,), (Y,), (Z,) float arrays
        Middles of the cells in the bone's frame, in mm, evenly spaced.
    """

    values: NDArray[np.float32]
    x: Array
    y: Array
    z: Array


class Shadow:
    """The projections of one solid, for any pose.

    Parameters
    ----------
    slabs : Slabs
    reach_mm : float
        How far a slab may move sideways; the lattice is padded by as much.
    blur_mm : float
        Standard deviation of the smoothing that keeps slab edges from ringing.
    """

    def __init__(self, slabs: Slabs, reach_mm: float = 2.5, blur_mm: float = 0.075) -> None:
        self._x0, self._y0 = slabs.x[0], slabs.y[0]
        self._step = step = float(slabs.x[1] - slabs.x[0])
        self._z = slabs.z
        self._pad = int(np.ceil(reach_mm / step))
        shape = tuple(fft.next_fast_len(n + 2 * self._pad, real=True) for n in slabs.values.shape[1:])
        self._shape = (int(shape[0]), int(shape[1]))
        self._spectra = fft.rfft2(slabs.values, self._shape, overwrite_x=True)
        self._ky = 2 * np.pi * fft.fftfreq(self._shape[0], step)
        self._kx = 2 * np.pi * fft.rfftfreq(self._shape[1], step)
        # smoothing, and the prefilter of the cubic spline that reads the sum off between lattice points
        wx, wy = (np.exp(-((k * blur_mm) ** 2) / 2) * 3 / (2 + np.cos(k * step)) for k in (self._kx, self._ky))
        self._filter = (wy[:, None] * wx).astype(np.float32)

    def __call__(self, pose: Pose, shape: tuple[int, int], spacing_mm: float) -> tuple[slice, slice, Array] | None:
        """Cast the shadow on a film whose pixel (row, col) lies at ``x = col * spacing_mm, y = row * spacing_mm``.

        Returns
        -------
        rows, cols : slice
            The part of the film that the shadow may reach.
        attenuation : (h, w) float32 array
            In nepers, on that part.
        None
            If the shadow misses the film.
        """
        plane = pose.matrix[:2, :2]
        a, b = np.linalg.solve(plane, pose.matrix[:2, 2])
        phase_x = np.exp(-1j * np.outer(self._z * a, self._kx)).astype(np.complex64)
        phase_y = np.exp(-1j * np.outer(self._z * b, self._ky)).astype(np.complex64)
        total = np.zeros(self._spectra.shape[1:], np.complex64)
        for spectrum, px, py in zip(self._spectra, phase_x, phase_y, strict=True):
            total += spectrum * px * py[:, None]
        # the array is periodic: what a shear pushes over its first edge waits at its last, hence the roll by the pad
        spline = fft.irfft2(total * self._filter, self._shape)
        spline = np.roll(spline, (self._pad, self._pad), (0, 1)) / np.float32(abs(pose.matrix[2, 2]))

        corners = np.array([[-self._pad, -self._pad], self._shape[::-1]]) * self._step + [self._x0, self._y0]
        xs, ys = np.meshgrid(*corners.T)
        on_film = (np.stack([xs.ravel(), ys.ravel()], -1) @ plane.T + pose.shift[:2]) / spacing_mm
        first = np.maximum(np.floor(on_film.min(0)).astype(int), 0)
        last = np.minimum(np.ceil(on_film.max(0)).astype(int) + 1, np.array(shape)[::-1])
        if (last <= first).any():
            return None
        # film pixel (row, col) -> lattice (row, col)
        back = np.linalg.inv(plane)[::-1, ::-1] / self._step
        offset = back @ (first[::-1] * spacing_mm - pose.shift[1::-1])
        offset += self._pad - np.array([self._y0, self._x0]) / self._step
        size = (int(last[1] - first[1]), int(last[0] - first[0]))
        seen = ndimage.affine_transform(
            spline, back * spacing_mm, offset, size, order=3, mode="constant", prefilter=False, output=np.float32
        )
        return slice(first[1], last[1]), slice(first[0], last[0]), seen
