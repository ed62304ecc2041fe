"""Compose joint images on the pixel grid of whole radiographs, and sample the grid at a joint image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.viewer.layers.radiograph import Matrix, RadiographLayer, transform_points

#: A grid over several radiographs has at most this many pixels; with more, its pixels become larger.
_MAX_PIXELS = 6e7


@dataclass(frozen=True)
class PixelGrid:
    """A grid of pixels that covers one or more radiographs; of a single one, the radiograph's own grid.

    Attributes
    ----------
    shape : (int, int)
    scale, translate : (2,) arrays
        Of a layer on this grid.
    units : tuple
    """

    shape: tuple[int, int]
    scale: NDArray[np.floating[Any]]
    translate: NDArray[np.floating[Any]]
    units: Any

    @classmethod
    def covering(cls, radiographs: Sequence[RadiographLayer]) -> PixelGrid:
        """Return the grid over these radiographs, with the size of their smallest pixels."""
        corners, steps = [], []
        for radiograph in radiographs:
            rows, cols = radiograph.pixels.shape[0] - 1, radiograph.pixels.shape[1] - 1
            corners.append(transform_points(radiograph.to_world, _corners(rows, cols)))
            steps.append(np.hypot(*radiograph.to_world[:2, :2]))
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
        """Options of a layer on this grid."""
        return {"scale": self.scale, "translate": self.translate, "units": self.units}


@dataclass(frozen=True)
class _Tile:
    """One joint on the grid: a window, which of its pixels the joint fills, and their places in the joint image."""

    window: tuple[slice, slice]
    filled: NDArray[np.bool_]
    sources: NDArray[np.float64]


class Mosaic:
    """Joint images on a grid; where two overlap, each fills the pixels that are nearer to its own centre.

    Parameters
    ----------
    grid : PixelGrid
    joints : iterable of ((3, 3) array, (int, int))
        For each joint image the matrix from its ``(row, col, 1)`` to world coordinates, and its shape.
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
        """Return a joint's window, its pixels' distances from the centre (infinite outside) and places in the image."""
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
        """Return the whole grid with these images, one for each joint; ``order`` is 0 for labels.

        Parameters
        ----------
        images : sequence of array or None
        empty : float
            Value of pixels without a joint.
        order : int
            Of the spline interpolation.
        """
        dtype = np.uint8 if order == 0 else np.float32
        whole = np.full(self.grid.shape, empty, dtype=dtype)
        for tile, image in zip(self._tiles, images, strict=True):
            if image is not None:
                whole[tile.window][tile.filled] = ndimage.map_coordinates(
                    image, tile.sources, order=order, mode="nearest"
                )
        return whole

    def changed_pixels(self, before: NDArray[Any], after: NDArray[Any], number: int) -> NDArray[np.bool_] | None:
        """Return which pixels that a joint fills differ between two grids, as a whole grid; None where none does."""
        tile = self._tiles[number]
        differ = (before[tile.window] != after[tile.window]) & tile.filled
        if not differ.any():
            return None
        whole = np.zeros(self.grid.shape, dtype=bool)
        whole[tile.window] = differ
        return whole

    def sample(self, whole: NDArray[Any], matrix: Matrix, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the nearest values of a whole grid at the pixels of a joint image: the inverse of :meth:`compose`."""
        pixels = np.moveaxis(np.indices(shape), 0, -1)
        places = transform_points(np.linalg.inv(self.grid.to_world) @ matrix, pixels)
        sampled: NDArray[Any] = ndimage.map_coordinates(
            whole.astype(np.uint8), np.moveaxis(places, -1, 0), order=0, mode="constant"
        )
        return sampled


def _corners(rows: int, cols: int) -> list[tuple[int, int]]:
    return [(0, 0), (0, cols), (rows, cols), (rows, 0)]
