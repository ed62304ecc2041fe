"""Choosing a box moves the camera to its joint; moving a box does not."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import WeakSet

import numpy as np
from qtpy.QtCore import QObject, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication

from napari_jsn.viewer.measure_boxes import FOLLOWUP_JOINTS, JOINTS, box_layer

#: How many boxes high the view is on a joint, and how long to wait for the mouse to be let go, in ms.
_BOXES_HIGH, _WAIT_MS = 2.4, 40


class BoxWatcher(QObject):
    """Tells which box the user chose, in the image or in napari's features table.

    ``chosen`` carries side, joint and the corners of the box.
    """

    chosen = Signal(str, str, object)

    def __init__(self, layers: Any) -> None:
        super().__init__()
        self._layers, self._watched = layers, WeakSet()
        self._asked: tuple[Any, int, Any] | None = None

    def watch(self) -> None:
        """Look at the layers of boxes that there are now."""
        for layer in (box_layer(self._layers, role) for role in (JOINTS, FOLLOWUP_JOINTS)):
            if layer is not None and layer not in self._watched:
                self._watched.add(layer)
                layer.selected_data.events.items_changed.connect(partial(self._selected, layer))

    def _selected(self, layer: Any, *told: Any) -> None:
        """Remember a single box that was chosen; a mouse that is down may be about to move it."""
        if len(layer.selected_data) == 1 and layer in self._layers:
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
    side = float(np.hypot(*(corners[1] - corners[0])))
    viewer.camera.center = tuple(corners.mean(axis=0))
    viewer.camera.zoom = min(viewer.canvas.size) / (_BOXES_HIGH * side)
