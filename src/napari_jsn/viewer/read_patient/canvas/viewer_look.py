"""How the dock sets up napari's window while it is open: its layer docks, the text in the corner, the scale bar."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QDockWidget, QWidget

_INK, _BACKGROUND = "#f2f2f2", "black"


class ViewerLook:
    """The look of one viewer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer

    def set_up(self) -> None:
        """Show texts in light ink on black, in both themes."""
        overlays = self._viewer.canvas.overlays
        overlays.text.position, overlays.text.font_size = "bottom_left", 10
        overlays.text.text = " "
        overlays.text.color = overlays.scale_bar.color = _INK
        self._viewer.canvas.background_color_override = _BACKGROUND

    def show_scale(self, visible: bool) -> None:
        """Show or hide the scale bar."""
        self._viewer.canvas.overlays.scale_bar.visible = visible

    def give_back(self, window: QWidget) -> None:
        """Show the window as it was before."""
        for dock in _layer_docks(window):
            dock.show()
        overlays = self._viewer.canvas.overlays
        overlays.text.visible = overlays.scale_bar.visible = False
        overlays.text.color = overlays.scale_bar.color = None
        self._viewer.canvas.background_color_override = None


def toggle_layer_docks(window: QWidget) -> None:
    """Fold away napari's layer docks, or bring them back."""
    docks = _layer_docks(window)
    hidden = any(dock.isHidden() for dock in docks)
    for dock in docks:
        dock.setVisible(hidden)


def _layer_docks(window: QWidget) -> list[QDockWidget]:
    """Return napari's layer docks; they are not kept, because nobody may keep a window of napari."""
    return [one for one in window.findChildren(QDockWidget) if one.objectName() in ("layer list", "layer controls")]
