"""Plot a joint's narrowing over the visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.utils.theme import Theme

from napari_jsn.drawing.colours import UNRELIABLE, jsn_colour
from napari_jsn.viewer.forms.plot import ThemedPlot

if TYPE_CHECKING:
    import napari
    from matplotlib.figure import Figure

    from napari_jsn.progression.labels import Unit
    from napari_jsn.progression.narrowing import Narrowing


@dataclass(frozen=True)
class Trend:
    """What the plot shows.

    Attributes
    ----------
    joint : sequence of Narrowing
        Of the chosen joint at every visit.
    others : sequence of sequence of Narrowing
        Of the other joints of its hand.
    unit : Unit
    end : float
        The narrowing at which the colour scale ends.
    times : mapping of int to float
        The time of every visit, the baseline's first.
    time_axis : str
        The label of the time axis.
    """

    joint: Sequence[Narrowing]
    others: Sequence[Sequence[Narrowing]]
    unit: Unit
    end: float
    times: Mapping[int, float]
    time_axis: str


class TrendPlot(ThemedPlot):
    """Narrowing since baseline with its 95 % interval over time: one joint, and in grey the others of its hand."""

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__(viewer, height=170)
        self._trend: Trend | None = None

    def show_trend(self, trend: Trend) -> None:
        """Show a joint's narrowing."""
        self._trend = trend
        self.update_plot()

    def draw(self, figure: Figure, theme: Theme) -> None:
        """Draw the plot."""
        trend = self._trend
        if trend is None:
            return
        text, faint = theme.text.as_hex(), theme.secondary.as_hex()
        figure.clear()
        axes = figure.add_subplot(facecolor=theme.background.as_hex())
        for other in trend.others:
            axes.plot(*_reliable_line(other, trend), color=faint, linewidth=0.8, zorder=1)
            for row in other:
                if row.reliable and trend.unit.jsn(row).known:
                    time = trend.times[row.visit]
                    axes.plot([time, time], trend.unit.jsn(row).ci95, color=faint, linewidth=0.6, zorder=1)
        axes.axhline(0, color=text, linewidth=0.6, zorder=1)
        axes.plot(*_reliable_line(trend.joint, trend), color=text, linewidth=1.2, zorder=2)
        for row in trend.joint:
            jsn = trend.unit.jsn(row)
            if jsn.known:
                time, colour = trend.times[row.visit], text if row.reliable else UNRELIABLE
                axes.plot([time, time], jsn.ci95, color=colour, linewidth=1.6, zorder=3)
                fill = jsn_colour(jsn.value, trend.end) if row.reliable else theme.background.as_hex()
                axes.plot(time, jsn.value, "o", markersize=6, color=colour, markerfacecolor=fill, zorder=4)
        first = trend.joint[0]
        name = " ".join(part for part in (first.side, first.joint) if part)
        axes.set_title(f"{name}: narrowing since baseline ({trend.unit.name})", fontsize=8.5, color=text, loc="left")
        axes.set_xlabel(trend.time_axis, fontsize=8, color=text)
        axes.set_xticks(list(trend.times.values()), [f"{time:.0f}" for time in trend.times.values()])
        axes.tick_params(colors=text, labelsize=8, length=2)
        for side, spine in axes.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(faint)


def _reliable_line(rows: Sequence[Narrowing], trend: Trend) -> tuple[list[float], list[float]]:
    """Return times and figures of a line through the reliable figures, which starts with 0 at the baseline."""
    reliable = [row for row in rows if row.reliable and trend.unit.jsn(row).known]
    times = [trend.times[min(trend.times)], *(trend.times[row.visit] for row in reliable)]
    return times, [0.0, *(trend.unit.jsn(row).value for row in reliable)]
