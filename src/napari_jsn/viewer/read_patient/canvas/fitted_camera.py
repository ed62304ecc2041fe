"""The camera of a viewer, fitted to what is shown, also after the canvas was resized."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Share of the canvas that is filled.
_FILLED = 0.97
_Point = tuple[float, float]


class FittedCamera:
    """Fits the camera of a viewer to a rectangle.

    When the canvas gets another size, the rectangle is fitted again, unless the user moved the camera since.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._rectangle: tuple[_Point, _Point] | None = None
        self._left: tuple[float, ...] = ()
        viewer.canvas.events.size.connect(self._on_size)

    def stop(self) -> None:
        """Disconnect from the viewer."""
        self._viewer.canvas.events.size.disconnect(self._on_size)

    def fit(self, low: _Point, high: _Point) -> None:
        """Centre the camera on a rectangle of the world, and zoom to it."""
        rows, columns = (max(1.0, float(each)) for each in self._viewer.canvas.size)
        height, width = high[0] - low[0], high[1] - low[1]
        half = (np.array(low) + high) / 2
        camera = self._viewer.scene.camera
        camera.center = (0.0, float(half[0]), float(half[1])) if len(camera.center) == 3 else tuple(half)
        camera.zoom = _FILLED * min(rows / max(height, 1e-6), columns / max(width, 1e-6))
        self._rectangle, self._left = (low, high), self._now()

    def _now(self) -> tuple[float, ...]:
        camera = self._viewer.scene.camera
        return float(camera.zoom), *(float(each) for each in camera.center)

    def _on_size(self, event: Any = None) -> None:
        if self._rectangle is not None and np.allclose(self._now(), self._left):
            self.fit(*self._rectangle)
