"""Where the panels of a joint lie in the canvas, without Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Space between panels, and above each for its caption, as shares of their height.
_GAP, _CAPTION = 0.02, 0.07


@dataclass(frozen=True)
class Arrangement:
    """Equal panels in rows and columns.

    Attributes
    ----------
    count, columns : int
    shape : (rows, columns)
        Pixels of a panel.
    pixel : float
        Side of a pixel in units of the world.
    """

    count: int
    columns: int
    shape: tuple[int, int]
    pixel: float

    @classmethod
    def of(cls, count: int, shape: tuple[int, int], pixel: float, aspect: float) -> Arrangement:
        """Return the arrangement whose panels are largest in a canvas of this width over height."""

        def size(columns: int) -> float:
            rows = -(-max(1, count) // columns)
            return min(aspect / (columns * shape[1]), 1 / (rows * (1 + _CAPTION) * shape[0]))

        return cls(count, max(range(1, max(1, count) + 1), key=size), shape, pixel)

    @property
    def gap(self) -> int:
        """Space between panels, in pixels."""
        return max(1, round(_GAP * self.shape[0]))

    @property
    def caption(self) -> int:
        """Space above a panel for its caption, in pixels."""
        return max(1, round(_CAPTION * self.shape[0]))

    @property
    def rows(self) -> int:
        """Number of rows of panels."""
        return -(-max(1, self.count) // self.columns)

    @property
    def pixels(self) -> tuple[int, int]:
        """(rows, columns) of all panels together."""
        height, width = self.shape
        return (
            self.rows * (height + self.caption) - self.caption,
            self.columns * (width + self.gap) - self.gap,
        )

    def corner(self, number: int) -> tuple[int, int]:
        """Return row and column of the first pixel of a panel; the first panel has number 0."""
        row, column = divmod(number, self.columns)
        return row * (self.shape[0] + self.caption), column * (self.shape[1] + self.gap)

    def origin(self, number: int) -> tuple[float, float]:
        """Return (row, column) of the first pixel of a panel in units of the world."""
        row, column = self.corner(number)
        return row * self.pixel, column * self.pixel

    def to_world(self, number: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points ``(x, y)`` of a panel as ``(row, column)`` of the world."""
        return points[:, ::-1] * self.pixel + self.origin(number)

    def inside(self, line: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the parts of a line ``(x, y)`` of a panel that lie in it."""
        limits = np.array([self.shape[1], self.shape[0]]) - 0.5
        within = ((line >= -0.5) & (line <= limits)).all(1)
        if within.all():
            return [line]
        ends = np.flatnonzero(np.diff(within.astype(int))) + 1
        parts = np.split(line, ends)
        return [part for part, each in zip(parts, np.split(within, ends), strict=True) if each[0] and len(part) > 1]

    def number_at(self, position: Sequence[float]) -> int | None:
        """Return the panel at a point ``(row, column)`` of the world; None beside the panels."""
        row, column = (round(each / self.pixel) for each in position[-2:])
        for number in range(self.count):
            top, left = self.corner(number)
            if 0 <= row - top < self.shape[0] and 0 <= column - left < self.shape[1]:
                return number
        return None

    def mosaic(self, panels: dict[int, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return one image with panels at their places; the rest is 0."""
        whole = np.zeros(self.pixels, np.float32)
        for number, image in panels.items():
            row, column = self.corner(number)
            whole[row : row + self.shape[0], column : column + self.shape[1]] = image
        return whole
