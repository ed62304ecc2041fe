"""Fig. 9 and Fig. 10 of Wang et al. 2023: loss before against after, and how much turn, scale and roll is endured."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.evaluation.registration.known_errors import LEVELS, UNITS
from napari_jsn.evaluation.registration.report import Evaluated

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#2b8cbe", "#e08214", "#7b3294", "#4dac26", "#d01c8b")


def plots(found: Sequence[Evaluated]) -> dict[str, bytes]:
    """File names and PNG files; figures only, no image."""
    made = {}
    if any(one.losses is not None for one in found):
        made["registration-losses.png"] = _png(losses(found))
    if any(one.curves for one in found):
        made["registration-robustness.png"] = _png(curves(found))
    return made


def losses(found: Sequence[Evaluated]) -> Figure:
    """Density of the transformed against the original loss of every registration; below the line it halved."""
    from matplotlib.figure import Figure

    shown = [one for one in found if one.losses is not None]
    figure = Figure(figsize=(3.6 * len(shown) + 0.6, 4.4), dpi=120, layout="constrained")
    all_losses = np.concatenate([np.asarray(one.losses) for one in shown])
    low, high = np.log10(np.quantile(all_losses.clip(1e-6), (0.002, 0.998))) + (-0.1, 0.1)
    ticks = np.arange(np.ceil(2 * low), 2 * high) / 2
    for one, axes in zip(shown, np.atleast_1d(figure.subplots(1, len(shown), sharey=True)), strict=True):
        pairs = np.log10(np.asarray(one.losses).clip(1e-6))
        axes.hexbin(*pairs.T, gridsize=30, extent=(low, high, low, high), bins="log", cmap="viridis", mincnt=1)
        axes.plot([low, high], [low, high], color="#888888", lw=0.8)
        axes.plot([low, high], [low - np.log10(2), high - np.log10(2)], color="#d7301f", lw=1)
        halved = float(np.mean(pairs[:, 1] < pairs[:, 0] - np.log10(2)))
        axes.set_title(f"{one.method}: {100 * halved:.0f} % below half (n = {len(pairs)})", fontsize="small")
        axes.set_xlabel("original loss, log10")
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set(xticks=ticks, yticks=ticks)
        axes.tick_params(labelsize="small")
    figure.axes[0].set_ylabel("transformed loss, log10")
    return figure


def curves(found: Sequence[Evaluated]) -> Figure:
    """Share of errors above 1 px, and median error, against what is varied."""
    from matplotlib.figure import Figure

    kinds = [kind for kind in LEVELS if any(kind in one.curves for one in found)]
    figure = Figure(figsize=(3.5 * len(kinds), 5.4), dpi=120, layout="constrained")
    grid = figure.subplots(2, len(kinds), sharex="col", sharey="row", squeeze=False)
    for column, kind in enumerate(kinds):
        above, below = grid[:, column]
        for one, colour in zip(found, _COLOURS, strict=False):
            levels = one.curves.get(kind, [])
            if not levels:
                continue
            look = {"color": colour, "label": one.method, "marker": "o", "ms": 3, "lw": 1.2}
            above.plot(LEVELS[kind], [100 * each.mismatch for each in levels], **look)
            median = [float(np.median(np.abs(np.nan_to_num(each.mm, nan=9.9)))) for each in levels]
            below.plot(LEVELS[kind], np.maximum(median, 1e-4), **look)
        below.set_yscale("log")
        below.set_xlabel(UNITS[kind])
        above.set_title(f"{kind} (n = {len(next(one.curves[kind][0].px for one in found))} a point)", fontsize="small")
        for axes in (above, below):
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize="small")
    grid[0, 0].set_ylabel("error over 1 px, %")
    grid[1, 0].set_ylabel("median error, mm")
    grid[0, 0].legend(frameon=False, fontsize="small")
    return figure


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
