"""A small matplotlib plot in the colours of napari's theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.theme import Theme, get_theme
from qtpy.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    import napari
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
    from matplotlib.figure import Figure


class ThemedPlot(QWidget):
    """A plot of fixed height, hidden until it has something to show.

    A subclass draws in :meth:`draw` and calls :meth:`update_plot` when it has new data.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    height : int
        In pixels.
    """

    def __init__(self, viewer: napari.viewer.Viewer, height: int) -> None:
        super().__init__()
        self._viewer, self._height = viewer, height
        self._canvas: FigureCanvasQTAgg | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 4, 0, 0)
        self.hide()

    def draw(self, figure: Figure, theme: Theme) -> None:
        """Draw the data into the figure."""
        raise NotImplementedError

    def update_plot(self) -> None:
        """Draw the new data and show the plot.

        The first call creates the canvas, so that matplotlib, which is slow to import, is not loaded before.
        """
        if self._canvas is None:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure

            self._canvas = FigureCanvasQTAgg(Figure(layout="constrained"))
            self._canvas.setFixedHeight(self._height)
            self._layout.addWidget(self._canvas)
        self.redraw()
        self.show()

    def redraw(self, event: Any = None) -> None:
        """Draw the plot again in the colours of the theme; do nothing if it has not been drawn before."""
        if self._canvas is not None:
            theme = get_theme(self._viewer.theme)
            self._canvas.figure.set_facecolor(theme.background.as_hex())
            self.draw(self._canvas.figure, theme)
            self._canvas.draw_idle()
