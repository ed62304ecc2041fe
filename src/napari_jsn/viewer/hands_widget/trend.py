"""A joint's narrowing over the visits as a small plot in napari's colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour

if TYPE_CHECKING:
    import napari

    from napari_jsn.progression.labels import Unit
    from napari_jsn.progression.progression import Narrowing


class TrendPlot(QWidget):
    """Narrowing since baseline with its 95 % interval against time, one joint before the faint others of its hand."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer, self._canvas = viewer, None
        self._shown: tuple[Any, ...] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.hide()

    def show_joint(
        self,
        rows: Sequence[Narrowing],
        others: Sequence[Sequence[Narrowing]],
        unit: Unit,
        end: float,
        times: Mapping[int, float],
        axis: str,
    ) -> None:
        """Draw a joint's narrowing at every visit; ``times`` says when these were, the baseline first."""
        self._shown = rows, others, unit, end, times, axis
        if self._canvas is None:
            from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
            from matplotlib.figure import Figure

            self._canvas = FigureCanvasQTAgg(Figure(layout="constrained"))
            self._canvas.setFixedHeight(170)
            self.layout().addWidget(self._canvas)
        self.redraw()
        self.show()

    def redraw(self) -> None:
        """Take up the colours of napari's theme."""
        if self._canvas is None or self._shown is None:
            return
        rows, others, unit, end, times, axis_words = self._shown
        theme = get_theme(self._viewer.theme)
        ink, faint = theme.text.as_hex(), theme.secondary.as_hex()
        figure = self._canvas.figure
        figure.clear()
        figure.set_facecolor(theme.background.as_hex())
        axes = figure.add_subplot(facecolor=theme.background.as_hex())
        for other in others:
            axes.plot(*_course(other, unit, times), color=faint, linewidth=0.8, zorder=1)
        axes.axhline(0, color=ink, linewidth=0.6, zorder=1)
        axes.plot(*_course(rows, unit, times), color=ink, linewidth=1.2, zorder=2)
        for row in rows:
            jsn = unit.jsn(row)
            if jsn.known:
                here, colour = times[row.visit], ink if row.reliable else UNRELIABLE
                axes.plot([here, here], jsn.ci95, color=colour, linewidth=1.6, zorder=3)
                fill = jsn_colour(jsn.value, end) if row.reliable else theme.background.as_hex()
                axes.plot(here, jsn.value, "o", markersize=6, color=colour, markerfacecolor=fill, zorder=4)
        name = " ".join(word for word in (rows[0].side, rows[0].joint) if word)
        axes.set_title(f"{name}: narrowing since baseline ({unit.name})", fontsize=8.5, color=ink, loc="left")
        axes.set_xlabel(axis_words, fontsize=8, color=ink)
        axes.set_xticks(list(times.values()), [f"{when:.0f}" for when in times.values()])
        axes.tick_params(colors=ink, labelsize=8, length=2)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(faint)
        self._canvas.draw_idle()


def _course(rows: Sequence[Narrowing], unit: Unit, times: Mapping[int, float]) -> tuple[list[float], list[float]]:
    """Where a line through the reliable figures goes, from no change at the baseline."""
    found = [(times[row.visit], unit.jsn(row).value) for row in rows if row.reliable and unit.jsn(row).known]
    start = (times[min(times)], 0.0)
    return tuple(map(list, zip(start, *found)))  # type: ignore[return-value]
