"""Draw the plots of the benchmark; they contain figures only, no pixels of a radiograph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.methods_compared import OURS, PIPOC, BenchmarkRow
from napari_jsn.common.statistics import Z95

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colour of each method in every plot.
COLOURS = {
    OURS: "#0b5fa5",
    "itk-elastix": "#c1440e",
    "SimpleITK": "#2a7f4f",
    PIPOC: "#8a4fa3",
    "scikit-image phase correlation": "#b8860b",
    "OpenCV ECC": "#5a6f7a",
    "pystackreg": "#c56fa1",
    "no registration": "#9a9a9a",
}
INK, FAINT = "#222222", "#dddddd"


def write_plots(rows: Sequence[BenchmarkRow], folder: Path) -> list[tuple[str, Path]]:
    """Draw the plots for which there are rows; return the title and path of each picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with plt.rc_context({"font.size": 10, "text.color": INK, "axes.edgecolor": "#888888", "axes.labelcolor": INK}):
        for name, title, draw in PLOTS:
            figure = draw(rows)
            if figure is None:
                continue
            path = folder / f"benchmarks-{name}.png"
            figure.savefig(path, dpi=140, facecolor="white")
            plt.close(figure)
            written.append((title, path))
    return written


def draw_errors(rows: Sequence[BenchmarkRow]) -> Figure | None:
    """Draw the share of pairs with an error below a limit, one panel for each known motion."""
    tests = [test for test in ("easy", "roll", "hard") if _of(rows, f"known motion, {test}")]
    if not tests:
        return None
    figure, panels = _panels(len(tests), "error below, mm")
    for axes, test in zip(panels, tests, strict=True):
        for row in _of(rows, f"known motion, {test}"):
            size = np.sort(np.abs(row.data["error_mm"]))
            share = np.arange(1, len(size) + 1) / len(size)
            axes.step(
                np.maximum(size, 1e-4), 100 * share, where="post", label=f"{row.method} (n {row.n})", **_style(row)
            )
        axes.set(xscale="log", xlim=(1e-3, 1), ylim=(0, 101), title=f"known motion, {test}")
    panels[0].set_ylabel("pairs, %")
    _legend_below(figure, panels[0])
    return figure


def draw_injected(rows: Sequence[BenchmarkRow]) -> Figure | None:
    """Draw the measured against the injected change."""
    shown = [row for row in _of(rows, "injected change") if row.method in (OURS, PIPOC)]
    if not shown:
        return None
    figure, panels = _panels(len(shown), "injected, mm")
    for axes, row in zip(panels, shown, strict=True):
        reliable = row.data["reliable"].astype(bool)
        truth, found = row.data["truth_mm"], row.data["found_mm"]
        axes.plot([-0.55, 0.55], [-0.55, 0.55], color="#888888", lw=0.8, zorder=0)
        kinds = ((~reliable, "x", "#aaaaaa", "not reliable"), (reliable, ".", COLOURS[row.method], "reliable"))
        for which, mark, colour, name in kinds:
            label = f"{name}, n {which.sum()}"
            axes.plot(truth[which], found[which], mark, color=colour, label=label)
        axes.set(xlim=(-0.55, 0.55), ylim=(-0.7, 0.7), title=row.method)
        axes.legend(frameon=False, fontsize=9, loc="upper left")
    panels[0].set_ylabel("measured, mm")
    return figure


def draw_intervals(rows: Sequence[BenchmarkRow]) -> Figure | None:
    """Draw the actual against the nominal coverage of the intervals of our own method."""
    from scipy.stats import norm

    shown = [row for row in rows if row.method == OURS and "half_width_mm" in row.data]
    if not shown:
        return None
    figure, (axes,) = _panels(1, "nominal coverage, %")
    nominal = np.linspace(0.05, 0.995, 60)
    axes.plot([0, 100], [0, 100], color="#888888", lw=0.8, zorder=0)
    for row, style in zip(shown, ("-", "--", ":"), strict=False):
        z = Z95 * np.abs(row.data["error_mm"]) / row.data["half_width_mm"]
        covered = [100 * float(np.mean(z <= norm.ppf((1 + p) / 2))) for p in nominal]
        axes.plot(100 * nominal, covered, style, color=COLOURS[OURS], lw=1.8, label=f"{row.test} (n {row.n})")
    axes.axvline(95, color=FAINT, lw=1, zorder=0)
    axes.set(xlim=(0, 100), ylim=(0, 101), title="Coverage of the intervals", ylabel="actual coverage, %")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


def draw_time(rows: Sequence[BenchmarkRow]) -> Figure | None:
    """Draw the error against the time per pair."""
    ms = {row.method: row.ms for row in _of(rows, "time")}
    tests = [test for test in ("easy", "roll", "hard") if _of(rows, f"known motion, {test}")]
    if not ms or not tests:
        return None
    figure, panels = _panels(len(tests), "time, ms per pair")
    for axes, test in zip(panels, tests, strict=True):
        for row in _of(rows, f"known motion, {test}"):
            if row.method in ms and row.method != "no registration":
                at = ms[row.method], row.rmse_mm
                axes.plot(*at, "o", ms=8, color=COLOURS.get(row.method, INK), label=row.method)
                mismatch = f"{row.mismatch:.1%}" if row.mismatch > 0 else ""
                axes.annotate(mismatch, at, (7, -3), textcoords="offset points", fontsize=8)
        axes.set(xscale="log", yscale="log", xlim=(1, 5000), ylim=(0.003, 0.3), title=f"known motion, {test}")
    panels[0].set_ylabel("RMSE without mismatches, mm")
    panels[0].text(0.03, 0.04, "percentage: mismatches", transform=panels[0].transAxes, fontsize=8)
    _legend_below(figure, panels[0])
    return figure


PLOTS: tuple[tuple[str, str, Callable[[Sequence[BenchmarkRow]], Figure | None]], ...] = (
    ("errors", "Share of pairs with an error below a limit", draw_errors),
    ("injected", "Measured against injected change", draw_injected),
    ("intervals", "Coverage of the intervals", draw_intervals),
    ("time", "Error against time", draw_time),
)


def _panels(count: int, label: str) -> tuple[Figure, NDArray[Any]]:
    import matplotlib.pyplot as plt

    width = 4.2 * count + (1.2 if count == 1 else 0)
    figure, panels = plt.subplots(1, count, figsize=(width, 4.2), sharey=True, squeeze=False, layout="constrained")
    for axes in panels[0]:
        axes.grid(color=FAINT, lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(label)
    return figure, panels[0]


def _legend_below(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)


def _of(rows: Sequence[BenchmarkRow], test: str) -> list[BenchmarkRow]:
    return [row for row in rows if row.test == test]


def _style(row: BenchmarkRow) -> dict[str, Any]:
    return {"color": COLOURS.get(row.method, INK), "lw": 2.6 if row.method == OURS else 1.3}
