"""Draw Fig. 9 and Fig. 10 of Wang et al. 2023: transformed against original loss, and error against the motion."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_jsn.evaluation.registration.known_errors import LEVELS, UNITS
from napari_jsn.evaluation.registration.report import MethodEvaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#2b8cbe", "#e08214", "#7b3294", "#4dac26", "#d01c8b")


def draw_registration_plots(evaluations: Sequence[MethodEvaluation]) -> dict[str, bytes]:
    """Return the plots as PNG files by file name; they contain no image."""
    pictures = {}
    if any(one.losses is not None for one in evaluations):
        pictures["registration-losses.png"] = _png(draw_losses(evaluations))
    if any(one.curves for one in evaluations):
        pictures["registration-robustness.png"] = _png(draw_curves(evaluations))
    return pictures


def draw_losses(evaluations: Sequence[MethodEvaluation]) -> Figure:
    """Draw the density of the transformed against the original loss; below the red line the loss fell below half."""
    from matplotlib.figure import Figure

    shown = [one for one in evaluations if one.losses is not None]
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


def draw_curves(evaluations: Sequence[MethodEvaluation]) -> Figure:
    """Draw the share of errors above 1 px, and the median error, against rotation, scale and roll."""
    from matplotlib.figure import Figure

    kinds = [kind for kind in LEVELS if any(kind in one.curves for one in evaluations)]
    figure = Figure(figsize=(3.5 * len(kinds), 5.4), dpi=120, layout="constrained")
    grid = figure.subplots(2, len(kinds), sharex="col", sharey="row", squeeze=False)
    for column, kind in enumerate(kinds):
        above, below = grid[:, column]
        for one, colour in zip(evaluations, _COLOURS, strict=False):
            levels = one.curves.get(kind, [])
            if not levels:
                continue
            style = {"color": colour, "label": one.method, "marker": "o", "ms": 3, "lw": 1.2}
            above.plot(LEVELS[kind], [100 * each.mismatch for each in levels], **style)
            median = [float(np.median(np.abs(np.nan_to_num(each.mm, nan=9.9)))) for each in levels]
            below.plot(LEVELS[kind], np.maximum(median, 1e-4), **style)
        below.set_yscale("log")
        below.set_xlabel(UNITS[kind])
        above.set_title(
            f"{kind} (n = {len(next(one.curves[kind][0].px for one in evaluations))} a point)", fontsize="small"
        )
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
