"""Parallel projection of a solid in any pose.

The solid is a stack of slabs parallel to the detector. A rotation in space translates each slab in proportion to its
depth and maps the sum of all slabs by one linear map of the plane (the shear-warp factorisation of Lacroute & Levoy,
SIGGRAPH 1994); this is exact for parallel rays. The translation is a phase in Fourier space, so all poses have the same
sharpness.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_jsn.simulation.shapes.pose import SolidPose
from napari_jsn.simulation.tissue.bone_volume import AttenuationSlabs

Array = NDArray[np.float64]


class SlabProjector:
    """Projections of one solid, for any pose.

    Parameters
    ----------
    slabs : AttenuationSlabs
    reach_mm : float
        Largest lateral translation of a slab; the lattice is padded by this length.
    blur_mm : float
        Standard deviation of the smoothing that avoids oscillations at the edges of the slabs.
    """

    def __init__(self, slabs: AttenuationSlabs, reach_mm: float = 2.5, blur_mm: float = 0.075) -> None:
        self._x0, self._y0 = slabs.x[0], slabs.y[0]
        self._step = step = float(slabs.x[1] - slabs.x[0])
        self._z = slabs.z
        self._pad = int(np.ceil(reach_mm / step))
        shape = tuple(fft.next_fast_len(n + 2 * self._pad, real=True) for n in slabs.values.shape[1:])
        self._shape = (int(shape[0]), int(shape[1]))
        self._spectra = fft.rfft2(slabs.values, self._shape, overwrite_x=True)
        self._ky = 2 * np.pi * fft.fftfreq(self._shape[0], step)
        self._kx = 2 * np.pi * fft.rfftfreq(self._shape[1], step)
        # smoothing, and the prefilter of the cubic spline that interpolates the sum between lattice points
        wx, wy = (np.exp(-((k * blur_mm) ** 2) / 2) * 3 / (2 + np.cos(k * step)) for k in (self._kx, self._ky))
        self._filter = (wy[:, None] * wx).astype(np.float32)

    def __call__(self, pose: SolidPose, shape: tuple[int, int], spacing_mm: float) -> tuple[slice, slice, Array] | None:
        """Project the solid on an image whose pixel (row, col) lies at ``x = col * spacing_mm, y = row * spacing_mm``.

        Returns
        -------
        rows, cols : slice
            The part of the image that the projection can reach.
        attenuation : (h, w) float32 array
            In nepers, on that part.
        None
            If the projection lies outside the image.
        """
        plane = pose.matrix[:2, :2]
        a, b = np.linalg.solve(plane, pose.matrix[:2, 2])
        phase_x = np.exp(-1j * np.outer(self._z * a, self._kx)).astype(np.complex64)
        phase_y = np.exp(-1j * np.outer(self._z * b, self._ky)).astype(np.complex64)
        total = np.zeros(self._spectra.shape[1:], np.complex64)
        for spectrum, px, py in zip(self._spectra, phase_x, phase_y, strict=True):
            total += spectrum * px * py[:, None]
        # the array is periodic: values shifted past one edge appear at the opposite edge; np.roll by the padding moves
        # them back
        spline = fft.irfft2(total * self._filter, self._shape)
        spline = np.roll(spline, (self._pad, self._pad), (0, 1)) / np.float32(abs(pose.matrix[2, 2]))

        corners = np.array([[-self._pad, -self._pad], self._shape[::-1]]) * self._step + [self._x0, self._y0]
        xs, ys = np.meshgrid(*corners.T)
        in_pixels = (np.stack([xs.ravel(), ys.ravel()], -1) @ plane.T + pose.translation[:2]) / spacing_mm
        first = np.maximum(np.floor(in_pixels.min(0)).astype(int), 0)
        last = np.minimum(np.ceil(in_pixels.max(0)).astype(int) + 1, np.array(shape)[::-1])
        if (last <= first).any():
            return None
        # image pixel (row, col) -> lattice (row, col)
        back = np.linalg.inv(plane)[::-1, ::-1] / self._step
        offset = back @ (first[::-1] * spacing_mm - pose.translation[1::-1])
        offset += self._pad - np.array([self._y0, self._x0]) / self._step
        size = (int(last[1] - first[1]), int(last[0] - first[0]))
        attenuation = ndimage.affine_transform(
            spline, back * spacing_mm, offset, size, order=3, mode="constant", prefilter=False, output=np.float32
        )
        return slice(first[1], last[1]), slice(first[0], last[0]), attenuation
