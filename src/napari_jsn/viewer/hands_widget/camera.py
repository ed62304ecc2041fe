"""Move the camera to the box that the user chooses, and fit lines and texts of boxes to the zoom."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any
from weakref import WeakSet

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication

from napari_jsn.viewer.hands_widget.boxes import FOLLOWUP_JOINTS, JOINTS, box_layer
from napari_jsn.viewer.layers.read_layer import unit_factors

#: Height of the view on a joint in heights of its box, and the wait for the release of the mouse button, in ms.
_VIEW_BOXES, _WAIT_MS = 2.4, 40
#: A mouse that moved by no more than this, in canvas pixels, was clicked and not dragged.
_CLICK_PX = 3
#: Thickness of lines in canvas pixels.
_LINE_PX = 2.2
#: Size of a text, in points, by which it is as long as its box, for each canvas pixel of the box's side.
_POINTS_PER_PX = 0.115
#: Least and largest size of a text, in points.
_TEXT_SIZES = (2.0, 9.0)


class BoxWatcher(QObject):
    """Emits ``chosen`` when the user chooses one box, in the image or in napari's features table.

    ``chosen`` carries side, joint and the corners of the box in coordinates of the viewer.
    """

    chosen: Signal = Signal(str, str, object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._watched: WeakSet[Shapes] = WeakSet()
        self._pending: tuple[Shapes, int, Any] | None = None
        viewer.scene.camera.events.zoom.connect(self.fit_zoom)
        viewer.mouse_drag_callbacks.append(self._on_press)

    def stop(self) -> None:
        """Disconnect from the viewer, because the widget was closed."""
        self._viewer.scene.camera.events.zoom.disconnect(self.fit_zoom)
        if self._on_press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_press)

    def watch(self) -> None:
        """Connect to the layers of boxes that there are now."""
        for layer in self._box_layers():
            if layer not in self._watched:
                self._watched.add(layer)
                layer.selected_data.events.items_changed.connect(partial(self._on_selection, layer))
        self.fit_zoom()

    def fit_zoom(self, event: Any = None) -> None:
        """Set the thickness of lines on the canvas, and keep each text no longer than its box."""
        zoom = self._viewer.scene.camera.zoom
        for layer in self._box_layers():
            if len(layer.data):
                px = zoom * unit_factors(layer.units, self._viewer.layers.units)[0]  # canvas pixels per unit of layer
                size = float(np.clip(_side(layer.data[0]) * px * _POINTS_PER_PX, *_TEXT_SIZES))
                if abs(size - layer.text.size) > 0.05 * size:
                    layer.text.size = size
                if not 0.7 < layer.edge_width[0] * px / _LINE_PX < 1.4:  # costs more time than the text
                    layer.edge_width = _LINE_PX / px
                    layer.refresh(thumbnail=False, extent=False)  # napari does not refresh here by itself

    def _box_layers(self) -> list[Shapes]:
        found = (box_layer(self._viewer.layers, role) for role in (JOINTS, FOLLOWUP_JOINTS))
        return [layer for layer in found if layer is not None]

    def _on_press(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Choose the box that is clicked on, whatever layer is active, unless a tool of that layer is in use."""
        active = viewer.layers.selection.active
        if active is not None and str(active.mode) != "pan_zoom":
            return
        pressed = np.array(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.hypot(*(np.array(event.pos) - pressed)) > _CLICK_PX:
            return  # a drag
        for layer in self._box_layers():
            at = np.array(event.position)[-2:] / unit_factors(layer.units, viewer.layers.units)
            number = layer.get_value(tuple(at), world=True)[0] if layer.visible else None
            if number is not None:
                layer.selected_data = {number}
                return

    def _on_selection(self, layer: Shapes, *event: Any) -> None:
        """Remember a single box that was selected; where the mouse button is down, the user may move it."""
        if len(layer.selected_data) == 1 and layer in self._viewer.layers:
            number = next(iter(layer.selected_data))
            if number < len(layer.data):
                self._pending = layer, number, np.array(layer.data[number])
                QTimer.singleShot(0, self._emit_chosen)

    def _emit_chosen(self) -> None:
        if self._pending is None:
            return
        if QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            QTimer.singleShot(_WAIT_MS, self._emit_chosen)
            return
        (layer, number, before), self._pending = self._pending, None
        if number < len(layer.data) and np.array_equal(before, layer.data[number]) and number in layer.selected_data:
            row = layer.features.iloc[number]
            corners = before[:, -2:] * unit_factors(layer.units, self._viewer.layers.units)
            self.chosen.emit(str(row["side"]), str(row["joint"]), corners)


def centre_on_box(viewer: Any, corners: Any) -> None:
    """Centre the view on a box and zoom to it."""
    corners = np.asarray(corners)[:, -2:]
    viewer.scene.camera.center = tuple(corners.mean(axis=0))
    viewer.scene.camera.zoom = min(viewer.canvas.size) / (_VIEW_BOXES * _side(corners))


def _side(corners: Any) -> float:
    return float(np.hypot(*(corners[1] - corners[0])[-2:]))
