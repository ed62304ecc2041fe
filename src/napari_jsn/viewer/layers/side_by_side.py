"""Show the layers of a registration side by side in napari's grid, and restore the view afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Image

from napari_jsn.viewer.layers.read_layer import unit_factors


class SideBySide:
    """Shows some layers in a grid, each with its name, and restores the view afterwards.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._panels: list[Any] = []
        self._undo: list[Callable[[], None]] = []

    @property
    def active(self) -> bool:
        """Whether the layers are shown side by side now."""
        return bool(self._undo)

    def show(self, panels: Sequence[Any]) -> None:
        """Show these layers and hide the others; coloured ones get a colour bar, all a scale bar."""
        if self.active and self._panels == list(panels):
            return  # keep the user's zoom
        self.restore()
        self._panels = list(panels)
        canvas = self._viewer.canvas
        for layer in self._viewer.layers:
            self._set(layer, visible=layer in self._panels)
        for layer in panels:
            self._set(layer.name_overlay, visible=True, font_size=7)
            if not isinstance(layer, Image):
                self._set(layer, opacity=0.7)
            elif layer.colormap.name != "gray":
                self._set(layer.colorbar, visible=True, position="bottom_left", size=(10, 70), font_size=7, box=False)
        factor = unit_factors(panels[0].units, self._viewer.layers.units)[1]
        length = round_length(float(np.ptp(panels[0].extent.world[:, 1])) * factor / 4)
        self._set(canvas.overlays.scale_bar, visible=True, gridded=False, font_size=7, length=length)
        self._set(canvas.grid, stride=1, shape=(-1, -1), spacing=4, enabled=True)
        self._viewer.reset_view()

    def restore(self) -> None:
        """Restore the visibility of the layers and the canvas."""
        undo, self._undo = self._undo, []
        for step in reversed(undo):
            step()
        if undo:
            self._viewer.reset_view()

    def _set(self, model: Any, **values: Any) -> None:
        before = {name: getattr(model, name) for name in values}

        def assign(new: dict[str, Any]) -> None:
            for name, value in new.items():
                if getattr(model, name) != value:  # napari redraws even where nothing changes
                    setattr(model, name, value)

        self._undo.append(lambda: assign(before))
        assign(values)


def round_length(limit: float) -> float:
    """Return the largest of 1, 2, 5, 10, ... up to the limit, as length of a scale bar."""
    power = 10.0 ** np.floor(np.log10(limit))
    return float(max(step for step in (power, 2 * power, 5 * power) if step <= limit))
