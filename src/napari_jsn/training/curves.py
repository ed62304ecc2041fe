"""Write the history of a training as a table and as a figure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from napari_jsn.common.csv_files import records_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_jsn.training.epoch import Step

#: Ratio of losses above which ticks of their axis are powers of 10: others would be too many, and none is drawn then.
_FEW_TICKS = 100
#: Columns of the history that are no measures of the task.
_GENERAL = ("epoch", "train_loss", "val_loss", "worst", "rate", "seconds")


def curves_csv(history: list[dict[str, float]]) -> bytes:
    """Return the history as CSV: one line per epoch."""
    return records_csv([{key: f"{value:.6g}" for key, value in row.items()} for row in history])


def curves_png(history: list[dict[str, float]], best: int, is_last: bool = False) -> bytes:
    """Return a PNG figure: both losses above, the first measure with the epoch that is kept below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    draw_curves(figure, history, best, is_last=is_last)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def draw_curves(
    figure: Figure,
    history: list[dict[str, float]],
    best: int,
    ink: str = "#333333",
    steps: Sequence[Step] = (),
    is_last: bool = False,
) -> None:
    """Draw the curves on a figure, which is cleared first.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    history : list of dict
        See :class:`~napari_jsn.training.module.TaskModule`.
    best : int
        Number of the epoch that is kept, counted from 1.
    ink : str
        Colour of text and axes.
    steps : sequence of Step
        The training loss within epochs; before the first epoch is done it is the only curve.
    is_last : bool
        Whether the last epoch is kept, and not the best one.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    figure.clear()
    above, below = figure.subplots(2, 1, sharex=True)
    step_line = {"color": "#e08214", "lw": 1.0, "alpha": 0.6, "marker": "." if len(steps) < 10 else None}
    above.plot([step.epoch for step in steps], [step.loss for step in steps], **step_line)
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(epochs) < 2 else None
    above.plot(epochs, [row["train_loss"] for row in history], color="#e08214", label="training", marker=marker)
    above.plot(epochs, [row["val_loss"] for row in history], color="#2b8cbe", label="validation", marker=marker)
    above.set_ylabel("loss", color=ink)
    losses = [row[name] for row in history for name in ("train_loss", "val_loss")]
    if all(loss > 0 for loss in losses):
        few = max(losses, default=1.0) > _FEW_TICKS * min(losses, default=1.0)
        above.set_yscale("log")
        above.yaxis.set_minor_formatter(NullFormatter())
        above.yaxis.set_major_locator(LogLocator(subs=(1,) if few else (1, 2, 5)))
        above.yaxis.set_major_formatter("{x:g}")
    measure = next((name for row in history for name in row if name not in _GENERAL), "")
    values = [row[measure] for row in history]
    below.plot(epochs, values, color="#2b8cbe", label="validation, mean", marker=marker)
    below.plot(epochs, [row["worst"] for row in history], color="#2b8cbe", alpha=0.45, lw=1, label="worst case")
    if 1 <= best <= len(values):
        below.plot(
            best,
            values[best - 1],
            "o",
            color="#2b8cbe",
            label=f"{'last' if is_last else 'best'}: {values[best - 1]:.4f}",
        )
    below.set_ylabel(measure.upper() if len(measure) <= 4 else measure, color=ink)
    below.set_xlabel("epoch", color=ink)
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(epochs) == 1:
        below.set_xlim(epochs[0] - 1, epochs[0] + 1)
    for axes in (above, below):
        axes.patch.set_alpha(0)
        axes.tick_params(colors=ink, which="both", labelsize="small")
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(ink)
        axes.legend(frameon=False, labelcolor=ink, fontsize="small")
