"""Boxes and the camera: choosing a box moves it there, and lines and text have the right size at every zoom."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any
from weakref import WeakSet

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication

from napari_jsn.viewer.hands_widget.boxes import FOLLOWUP_JOINTS, JOINTS, box_layer

#: How many boxes high the view is on a joint, and how long to wait for the mouse to be let go, in ms.
_BOXES_HIGH, _WAIT_MS = 2.4, 40
#: A mouse that went no further than this, in canvas pixels, was not dragged.
_STILL_PX = 3
#: Thickness of lines in canvas pixels.
_LINE = 2.2
#: Points of text in a canvas pixel of a box's side that make its text as long as the box; least and largest size.
_POINTS, _SIZES = 0.115, (2.0, 9.0)


class BoxWatcher(QObject):
    """Tells which box the user chose, in the image or in napari's features table.

    ``chosen`` carries side, joint and the corners of the box.
    """

    chosen = Signal(str, str, object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer, self._watched = viewer, WeakSet()
        self._asked: tuple[Any, int, Any] | None = None
        viewer.scene.camera.events.zoom.connect(self.fit_zoom)
        viewer.mouse_drag_callbacks.append(self._press)

    def stop(self) -> None:
        """Look no more: the widget was closed."""
        self._viewer.scene.camera.events.zoom.disconnect(self.fit_zoom)
        if self._press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._press)

    def watch(self) -> None:
        """Look at the layers of boxes that there are now."""
        for layer in self._box_layers():
            if layer not in self._watched:
                self._watched.add(layer)
                layer.selected_data.events.items_changed.connect(partial(self._selected, layer))
        self.fit_zoom()

    def fit_zoom(self, event: Any = None) -> None:
        """Draw lines of one thickness on the screen, and text no longer than the box it belongs to."""
        zoom = self._viewer.scene.camera.zoom
        for layer in self._box_layers():
            if len(layer.data):
                size = float(np.clip(_side(layer.data[0]) * zoom * _POINTS, *_SIZES))
                if abs(size - layer.text.size) > 0.05 * size:
                    layer.text.size = size
                if not 0.7 < layer.edge_width[0] * zoom / _LINE < 1.4:  # costs more than the text
                    layer.edge_width = _LINE / zoom
                    layer.refresh(thumbnail=False, extent=False)  # which napari leaves out here

    def _box_layers(self) -> list[Any]:
        found = (box_layer(self._viewer.layers, role) for role in (JOINTS, FOLLOWUP_JOINTS))
        return [layer for layer in found if layer is not None]

    def _press(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Choose the box that is clicked on, whatever layer is active, unless a tool is at work."""
        active = viewer.layers.selection.active
        if active is not None and str(active.mode) != "pan_zoom":
            return
        pressed = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.hypot(*(np.array(event.pos) - pressed)) > _STILL_PX:
            return  # a drag
        for layer in self._box_layers():
            number = layer.get_value(event.position, world=True)[0] if layer.visible else None
            if number is not None:
                layer.selected_data = {number}
                return

    def _selected(self, layer: Any, *told: Any) -> None:
        """Remember a single box that was chosen; a mouse that is down may be about to move it."""
        if len(layer.selected_data) == 1 and layer in self._viewer.layers:
            number = next(iter(layer.selected_data))
            if number < len(layer.data):
                self._asked = layer, number, np.array(layer.data[number])
                QTimer.singleShot(0, self._settle)

    def _settle(self) -> None:
        if self._asked is None:
            return
        if QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            QTimer.singleShot(_WAIT_MS, self._settle)
            return
        (layer, number, before), self._asked = self._asked, None
        if number < len(layer.data) and np.array_equal(before, layer.data[number]) and number in layer.selected_data:
            row = layer.features.iloc[number]
            self.chosen.emit(str(row["side"]), str(row["joint"]), before)


def look_at(viewer: Any, corners: Any) -> None:
    """Centre the view on a box, and zoom to it."""
    corners = np.asarray(corners)[:, -2:]
    viewer.scene.camera.center = tuple(corners.mean(axis=0))
    viewer.scene.camera.zoom = min(viewer.canvas.size) / (_BOXES_HIGH * _side(corners))


def _side(corners: Any) -> float:
    return float(np.hypot(*(corners[1] - corners[0])[-2:]))
