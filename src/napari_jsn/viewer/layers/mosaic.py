"""Images of single joints laid in place on whole films, and read back from there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_jsn.viewer.layers.radiograph import FilmLayer, Matrix, apply

#: More pixels than this are not put on the screen for the few that hold a joint; they become coarser.
_MOST_PIXELS = 6e7


@dataclass(frozen=True)
class Sheet:
    """A grid of pixels that covers some films on the screen; that of the film itself where it is a single one.

    Attributes
    ----------
    shape : (int, int)
    scale, translate : (2,) arrays
        Of a layer that holds it.
    units : tuple
    """

    shape: tuple[int, int]
    scale: NDArray[np.float64]
    translate: NDArray[np.float64]
    units: Any

    @classmethod
    def over(cls, films: Sequence[FilmLayer]) -> Sheet:
        """The sheet over these films, with the finest of their pixels."""
        corners, steps = [], []
        for film in films:
            rows, cols = film.pixels.shape[0] - 1, film.pixels.shape[1] - 1
            corners.append(apply(film.to_world, [(0, 0), (0, cols), (rows, cols), (rows, 0)]))
            steps.append(np.hypot(*film.to_world[:2, :2]))
        low, high = np.min(np.concatenate(corners), axis=0), np.max(np.concatenate(corners), axis=0)
        step = np.min(steps, axis=0)
        step = step * max(1.0, np.sqrt(np.prod((high - low) / step) / _MOST_PIXELS))
        rows, cols = np.round((high - low) / step).astype(int) + 1
        return cls((int(rows), int(cols)), step, low, films[0].units)

    @property
    def to_world(self) -> Matrix:
        """Maps ``(row, col, 1)`` to the screen."""
        matrix = np.diag([*self.scale, 1.0])
        matrix[:2, 2] = self.translate
        return matrix

    @property
    def place(self) -> dict[str, Any]:
        """What a layer that holds it is given."""
        return {"scale": self.scale, "translate": self.translate, "units": self.units}


@dataclass(frozen=True)
class _Tile:
    """One joint on the sheet: a window, the pixels in it that are the joint's own, and where they lie in its image."""

    window: tuple[slice, slice]
    own: NDArray[np.bool_]
    at: NDArray[np.float64]


class Mosaic:
    """Joint images on a sheet; where two overlap, each has the pixels that lie nearest to its middle.

    Parameters
    ----------
    sheet : Sheet
    joints : iterable of ((3, 3) array, (int, int))
        For each joint image the matrix from its ``(row, col, 1)`` to the screen, and its shape.
    """

    def __init__(self, sheet: Sheet, joints: Iterable[tuple[Matrix, tuple[int, ...]]]) -> None:
        self.sheet = sheet
        self._joints = list(joints)
        nearest = np.full(sheet.shape, np.inf, dtype=np.float32)
        seen = [self._see(matrix, shape) for matrix, shape in self._joints]
        for window, far, _ in seen:
            np.minimum(nearest[window], far, out=nearest[window])
        self._tiles = []
        for window, far, at in seen:
            own = np.isfinite(far) & (far <= nearest[window])
            self._tiles.append(_Tile(window, own, at[:, own]))

    def _see(self, matrix: Matrix, shape: tuple[int, ...]) -> tuple[Any, NDArray[np.float32], NDArray[np.float64]]:
        """The window of a joint, how far its pixels lie from its middle (infinite outside), and where in its image."""
        rows, cols = shape[0] - 1, shape[1] - 1
        to_sheet = np.linalg.inv(self.sheet.to_world) @ matrix
        corners = apply(to_sheet, [(0, 0), (0, cols), (rows, cols), (rows, 0)])
        low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, self.sheet.shape)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, low, self.sheet.shape)
        window = (slice(low[0], high[0]), slice(low[1], high[1]))
        pixels = np.moveaxis(np.mgrid[window], 0, -1)
        at = apply(np.linalg.inv(to_sheet), pixels)
        inside = ((at >= -0.5) & (at <= (rows + 0.5, cols + 0.5))).all(axis=-1)
        far = np.where(inside, np.hypot(*np.moveaxis(at - (rows / 2, cols / 2), -1, 0)), np.inf)
        return window, far.astype(np.float32), np.moveaxis(at, -1, 0)

    def lay(self, images: Sequence[NDArray[Any] | None], empty: float = np.nan, order: int = 1) -> NDArray[Any]:
        """A whole sheet of these images, one for each joint, ``empty`` between them; labels with ``order`` 0."""
        dtype = np.uint8 if order == 0 else np.float32
        whole = np.full(self.sheet.shape, empty, dtype=dtype)
        for tile, image in zip(self._tiles, images, strict=True):
            if image is not None:
                whole[tile.window][tile.own] = ndimage.map_coordinates(image, tile.at, order=order, mode="nearest")
        return whole

    def changed(self, before: NDArray[Any], now: NDArray[Any], number: int) -> NDArray[np.bool_] | None:
        """Which pixels of its own a joint holds that are not as before, as a whole sheet; None where none."""
        tile = self._tiles[number]
        differ = (before[tile.window] != now[tile.window]) & tile.own
        if not differ.any():
            return None
        whole = np.zeros(self.sheet.shape, dtype=bool)
        whole[tile.window] = differ
        return whole

    def take(self, whole: NDArray[Any], matrix: Matrix, shape: tuple[int, ...]) -> NDArray[Any]:
        """The nearest values of a sheet on the grid of a joint image: the way back of :meth:`lay`."""
        grid = np.moveaxis(np.indices(shape), 0, -1)
        at = apply(np.linalg.inv(self.sheet.to_world) @ matrix, grid)
        whole = whole.astype(np.uint8)
        return ndimage.map_coordinates(whole, np.moveaxis(at, -1, 0), order=0, mode="constant")
