"""Pixel size by a known length: the user draws a line on a radiograph, and types how long it is in mm."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QInputDialog, QWidget

from napari_jsn.viewer.read_patient.canvas.hand_map import HandMap, MapImage
from napari_jsn.viewer.read_patient.canvas.picture_layers import MARGINS, PictureLayers

#: Shorter lines are clicks, in pixels of the radiograph.
_LEAST_PX = 10.0
_LINE = "#ffe066"


class KnownLength(QObject):
    """Lets the user draw one line on a radiograph.

    ``measured`` carries the number of its row, its length in pixels (of the width of a pixel), and in mm; ``hint`` a
    sentence for the user.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    pictures : PictureLayers
    hand_map : HandMap
        Shows the radiograph.
    parent : QWidget
        Of the question for the length.
    """

    measured: Signal = Signal(int, float, float)
    hint: Signal = Signal(str)

    def __init__(self, viewer: Any, pictures: PictureLayers, hand_map: HandMap, parent: QWidget) -> None:
        super().__init__()
        self._viewer, self._pictures, self._map, self._parent = viewer, pictures, hand_map, parent
        self._row = -1
        self._image: MapImage | None = None

    def begin(self, row: int, image: MapImage) -> None:
        """Show a radiograph alone, and wait for the line."""
        self.stop()
        self._row, self._image = row, image
        self._map.forget_layout()
        self._map.show([image])
        self._viewer.mouse_drag_callbacks.append(self._on_drag)
        self.hint.emit("Draw a line on the radiograph along something of known length, for instance a ruler.")

    def stop(self) -> bool:
        """Wait no longer; return whether a line was waited for."""
        waiting = self._on_drag in self._viewer.mouse_drag_callbacks
        if waiting:
            self._viewer.mouse_drag_callbacks.remove(self._on_drag)
            self.hint.emit("")
        return waiting

    def _on_drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        """Draw the line from where the button is pressed to where it is released."""
        start = self._map.on_hand(event.position)
        if event.button != 1 or start is None:
            return
        hand, first = start
        camera = viewer.scene.camera
        pans, camera.mouse_pan = camera.mouse_pan, False
        began, last = np.array(event.position[-2:], float), first
        yield
        while event.type == "mouse_move":
            here = self._map.on_hand(event.position)
            if here is not None:
                last = here[1]
                ends = np.stack([began, np.array(event.position[-2:], float)])
                self._pictures.set_shapes(MARGINS, [{"points": ends, "kind": "line", "colour": _LINE, "width": 0.4}])
            event.handled = True
            yield
        camera.mouse_pan = pans
        length = drawn_length(first, last, hand.radiograph.pixel_aspect)
        if length < _LEAST_PX:
            return  # a click; the user may try again
        self.stop()
        QTimer.singleShot(0, partial(self._ask, length))  # napari goes on with this function while a question is open

    def _ask(self, length_px: float) -> None:
        text = f"The line is {length_px:.1f} pixels long. How long is it in mm?"
        length_mm, ok = QInputDialog.getDouble(self._parent, "Known length", text, 10.0, 0.1, 1000.0, 2)
        if ok:
            self.measured.emit(self._row, length_px, float(length_mm))
        elif self._image is not None:
            self._map.show([self._image])  # without the line


def drawn_length(first: NDArray[np.float64], last: NDArray[np.float64], pixel_aspect: float) -> float:
    """Return the length of a line between points ``(row, col)``, in widths of a pixel."""
    down, right = np.subtract(last, first)
    return float(np.hypot(down * pixel_aspect, right))
