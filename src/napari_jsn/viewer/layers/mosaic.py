"""Resample joint images onto a pixel grid that covers whole radiographs, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.viewer.layers.radiograph import RadiographLayer, transform_points
from napari_jsn.viewer.layers.read_layer import Matrix

#: Largest number of pixels of a grid. The pixel size of a grid that would have more is increased.
_MAX_PIXELS = 6e7


@dataclass(frozen=True)
class PixelGrid:
    """A pixel grid that covers one or more radiographs; for a single radiograph, the radiograph's own grid.

    Attributes
    ----------
    shape : (int, int)
    scale, translate : (2,) arrays
        Scale and translation of a napari layer on this grid.
    units : tuple
    """

    shape: tuple[int, int]
    scale: NDArray[np.floating[Any]]
    translate: NDArray[np.floating[Any]]
    units: Any

    @classmethod
    def covering(cls, radiographs: Sequence[RadiographLayer]) -> PixelGrid:
        """Return a grid that covers these radiographs, in the units of the first, of the smallest pixel size."""
        corners, steps = [], []
        for radiograph in radiographs:
            rows, cols = radiograph.pixels.shape[0] - 1, radiograph.pixels.shape[1] - 1
            to_world = radiograph.to_world_in(radiographs[0].units)
            corners.append(transform_points(to_world, _corners(rows, cols)))
            steps.append(np.hypot(*to_world[:2, :2]))
        low, high = np.min(np.concatenate(corners), axis=0), np.max(np.concatenate(corners), axis=0)
        step = np.min(steps, axis=0)
        step = step * max(1.0, np.sqrt(np.prod((high - low) / step) / _MAX_PIXELS))
        rows, cols = np.round((high - low) / step).astype(int) + 1
        return cls((int(rows), int(cols)), step, low, radiographs[0].units)

    @property
    def to_world(self) -> Matrix:
        """The matrix from ``(row, col, 1)`` to world coordinates."""
        matrix = np.diag([*self.scale, 1.0])
        matrix[:2, 2] = self.translate
        return matrix

    @property
    def placement(self) -> dict[str, Any]:
        """Scale, translation and units of a napari layer on this grid, as keyword arguments."""
        return {"scale": self.scale, "translate": self.translate, "units": self.units}


@dataclass(frozen=True)
class _Tile:
    """The pixels of one joint on the grid.

    Attributes
    ----------
    window : (slice, slice)
        Rows and columns of the grid that contain the joint image.
    filled : bool array of the window's shape
        Pixels that show this joint.
    sources : (2, n) array
        ``(row, col)`` of these pixels in the joint image.
    """

    window: tuple[slice, slice]
    filled: NDArray[np.bool_]
    sources: NDArray[np.float64]


class Mosaic:
    """Joint images on a grid; where two overlap, a pixel shows the joint whose centre is nearer.

    Parameters
    ----------
    grid : PixelGrid
    joints : iterable of ((3, 3) array, (int, int))
        For each joint image: the matrix from its ``(row, col, 1)`` to world coordinates, and its shape.
    """

    def __init__(self, grid: PixelGrid, joints: Iterable[tuple[Matrix, tuple[int, ...]]]) -> None:
        self.grid = grid
        nearest = np.full(grid.shape, np.inf, dtype=np.float32)
        footprints = [self._footprint(matrix, shape) for matrix, shape in joints]
        for window, distance, _ in footprints:
            np.minimum(nearest[window], distance, out=nearest[window])
        self._tiles = []
        for window, distance, sources in footprints:
            filled = np.isfinite(distance) & (distance <= nearest[window])
            self._tiles.append(_Tile(window, filled, sources[:, filled]))

    def _footprint(
        self, matrix: Matrix, shape: tuple[int, ...]
    ) -> tuple[tuple[slice, slice], NDArray[np.float32], NDArray[np.float64]]:
        """Return the window of a joint image, and for each of its pixels the distance and the source.

        The distance is from the centre of the joint image, infinite outside the joint image. The source is the
        position ``(row, col)`` in the joint image.
        """
        rows, cols = shape[0] - 1, shape[1] - 1
        to_grid = np.linalg.inv(self.grid.to_world) @ matrix
        corners = transform_points(to_grid, _corners(rows, cols))
        low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, self.grid.shape)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, low, self.grid.shape)
        window = (slice(low[0], high[0]), slice(low[1], high[1]))
        pixels = np.moveaxis(np.mgrid[window], 0, -1)
        sources = transform_points(np.linalg.inv(to_grid), pixels)
        inside = ((sources >= -0.5) & (sources <= (rows + 0.5, cols + 0.5))).all(axis=-1)
        distance = np.where(inside, np.hypot(*np.moveaxis(sources - (rows / 2, cols / 2), -1, 0)), np.inf)
        return window, distance.astype(np.float32), np.moveaxis(sources, -1, 0)

    def compose(self, images: Sequence[NDArray[Any] | None], empty: float = np.nan, order: int = 1) -> NDArray[Any]:
        """Return the joint images, one for each joint, resampled onto the grid.

        Parameters
        ----------
        images : sequence of array or None
            None leaves the pixels of this joint empty.
        empty : float
            Value of pixels without a joint.
        order : int
            Order of the spline interpolation; 0 for labels.
        """
        dtype = np.uint8 if order == 0 else np.float32
        composed = np.full(self.grid.shape, empty, dtype=dtype)
        for tile, image in zip(self._tiles, images, strict=True):
            if image is not None:
                composed[tile.window][tile.filled] = ndimage.map_coordinates(
                    image, tile.sources, order=order, mode="nearest"
                )
        return composed

    def changed_pixels(self, before: NDArray[Any], after: NDArray[Any], number: int) -> NDArray[np.bool_] | None:
        """Return a mask of the pixels of one joint that differ between two grid images; None if there are none."""
        tile = self._tiles[number]
        changed = (before[tile.window] != after[tile.window]) & tile.filled
        if not changed.any():
            return None
        mask = np.zeros(self.grid.shape, dtype=bool)
        mask[tile.window] = changed
        return mask

    def sample(self, whole: NDArray[Any], matrix: Matrix, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the nearest values of a grid image at the pixels of a joint image: the inverse of :meth:`compose`."""
        pixels = np.moveaxis(np.indices(shape), 0, -1)
        grid_points = transform_points(np.linalg.inv(self.grid.to_world) @ matrix, pixels)
        sampled: NDArray[Any] = ndimage.map_coordinates(
            whole.astype(np.uint8), np.moveaxis(grid_points, -1, 0), order=0, mode="constant"
        )
        return sampled


def _corners(rows: int, cols: int) -> list[tuple[int, int]]:
    return [(0, 0), (0, cols), (rows, cols), (rows, 0)]
