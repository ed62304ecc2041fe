"""Write the tables and plots of the registration of simulated joints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.statistics import rmse, share
from napari_jsn.evaluation.page import table
from napari_jsn.evaluation.simulator.accuracy import (
    CONDITIONS,
    CURVE_CONDITIONS,
    CURVE_KINDS,
    JSN_MM,
    KINDS,
    MISMATCH_MM,
    MeasuredPair,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

#: Colour of each kind of joint in the plots.
COLOURS = dict(zip(KINDS, ("#0b5fa5", "#8a4fa3", "#c1440e", "#b8860b", "#2a7f4f"), strict=True))
#: Percentiles in the table of absolute errors.
PERCENTILES = (50, 80, 90, 95, 99)
#: Bounds of the depth of the overlap of the bones, in mm.
OVERLAPS = {"no overlap": (0.0, 1e-9), "under 0.5 mm": (1e-9, 0.5), "0.5 to 1 mm": (0.5, 1.0), "over 1 mm": (1.0, 99.0)}
IDENTITY, VISITS = CONDITIONS[0].name, CONDITIONS[-1].name
#: Width of the running mean of the curve, in mm.
_RUNNING_MM = 0.2


def simulator_lines(measured: Sequence[MeasuredPair], curve: Sequence[MeasuredPair]) -> list[str]:
    """Return all tables in Markdown."""
    each = [(kind, lambda one, kind=kind: one.kind == kind) for kind in KINDS]
    return [
        f"{len(measured)} pairs, narrowing uniform within +-{JSN_MM} mm, one change at a time; the truth is "
        "`jsn_projected_mm`, and the masks are the true ones. *mismatch*: an error over "
        f"{MISMATCH_MM} mm; bias and RMSE are without mismatches. *RMSE at the same point*: against the truth at the "
        "point and along the axis of the measurement. *space minus projection*: root mean square of "
        "`jsn_mm - jsn_projected_mm`.",
        "",
        *table(
            (
                "condition",
                "n",
                "mismatch",
                "bias mm",
                "RMSE mm",
                "RMSE at the same point",
                "reliable",
                "RMSE of the reliable",
                "in 95 % interval",
                "space minus projection",
            ),
            [_row(condition.name, _of(measured, condition.name)) for condition in CONDITIONS],
        ),  # fmt: skip
        "",
        *_by_kind("RMSE, mm (bias, mm)", measured, each, lambda some: f"{_rmse(some):.3f} ({_bias(some):+.3f})"),
        *_by_kind("In 95 % interval", measured, each, lambda some: f"{share(_covered(some)):.0%}"),
        *_by_kind("Reliable (mismatches)", measured, each, _reliable_cell),
        "Percentiles of the absolute error in mm, as between visits: of all pairs, and of the reliable pairs.",
        "",
        *table(("", "n", *(f"{percent} %" for percent in PERCENTILES)), _percentiles(measured)),
        "",
        "By the depth of the overlap of the bones at baseline, without motion and as between visits: RMSE, mm (share "
        "of the pairs inside their 95 % interval; n).",
        "",
        *table(("condition", *OVERLAPS), [_by_overlap(measured, name) for name in (IDENTITY, VISITS)]),
        "",
        f"The curve: narrowing from -1 to 1 mm, {len(curve)} pairs. Slope of measured over true narrowing, by a "
        "straight line through the reliable pairs.",
        "",
        *table(("", "n", "reliable", "slope", "bias mm", "RMSE mm"), _curve_rows(curve)),
    ]


def _of(measured: Sequence[MeasuredPair], condition: str, kind: str | None = None) -> list[MeasuredPair]:
    return [one for one in measured if one.condition == condition and kind in (None, one.kind)]


def errors(some: Sequence[MeasuredPair]) -> Values:
    """Return the errors in mm."""
    return np.array([one.error_mm for one in some])


def matched(some: Sequence[MeasuredPair]) -> list[MeasuredPair]:
    """Return the pairs that are not mismatches."""
    return [one for one in some if abs(one.error_mm) <= MISMATCH_MM]


def reliable(some: Sequence[MeasuredPair]) -> list[MeasuredPair]:
    """Return the pairs that the measurement calls reliable."""
    return [one for one in some if one.reliable]


def _rmse(some: Sequence[MeasuredPair]) -> float:
    return rmse(errors(matched(some)))


def _bias(some: Sequence[MeasuredPair]) -> float:
    found = errors(matched(some))
    return float(found.mean()) if len(found) else float("nan")


def _covered(some: Sequence[MeasuredPair]) -> list[bool]:
    return [abs(one.error_mm) <= one.half_width_mm for one in some]


def _mismatch(some: Sequence[MeasuredPair]) -> float:
    return 1 - len(matched(some)) / len(some)


def _reliable_cell(some: Sequence[MeasuredPair]) -> str:
    return f"{share([one.reliable for one in some]):.0%} ({_mismatch(some):.0%})"


def _row(name: str, some: Sequence[MeasuredPair]) -> list[str]:
    out_of_plane = rmse([one.jsn_mm - one.projected_mm for one in some])
    at_point = [one.measured_mm - one.truth_at_point_mm for one in matched(some)]
    return [
        name, str(len(some)), f"{_mismatch(some):.1%}", f"{_bias(some):+.4f}", f"{_rmse(some):.4f}",
        f"{rmse(at_point):.4f}",
        f"{share([one.reliable for one in some]):.1%}", f"{_rmse(reliable(some)):.4f}", f"{share(_covered(some)):.1%}",
        f"{out_of_plane:.4f}",
    ]  # fmt: skip


def _by_kind(title: str, measured: Sequence[MeasuredPair], each: Sequence, cell: Callable) -> list[str]:
    rows = []
    for condition in CONDITIONS:
        some = _of(measured, condition.name)
        rows.append([condition.name, *(cell([one for one in some if of_kind(one)]) for _, of_kind in each)])
    return [f"{title}, by kind of joint:", "", *table(("condition", *KINDS), rows), ""]


def _percentiles(measured: Sequence[MeasuredPair]) -> list[list[str]]:
    rows = []
    for kind in (None, *KINDS):
        for suffix, some in (("", _of(measured, VISITS, kind)), (", reliable", reliable(_of(measured, VISITS, kind)))):
            size = np.abs(errors(some))
            cells = [f"{np.percentile(size, percent):.3f}" if len(size) else "" for percent in PERCENTILES]
            rows.append([f"{kind or 'all'}{suffix}", str(len(some)), *cells])
    return rows


def _by_overlap(measured: Sequence[MeasuredPair], condition: str) -> list[str]:
    cells = []
    for low, high in OVERLAPS.values():
        some = [one for one in _of(measured, condition) if low <= one.overlap_mm < high]
        cells.append(f"{_rmse(some):.3f} ({share(_covered(some)):.0%}; {len(some)})" if some else "(0)")
    return [condition, *cells]


def _curve_rows(curve: Sequence[MeasuredPair]) -> list[list[str]]:
    rows = []
    for condition in CURVE_CONDITIONS:
        for kind in CURVE_KINDS:
            some = _of(curve, condition.name, kind)
            good = matched(reliable(some))
            truth, found = (np.array([getattr(one, name) for one in good]) for name in ("projected_mm", "measured_mm"))
            slope = f"{np.polyfit(truth, found, 1)[0]:.4f}" if len(good) > 2 else ""
            rows.append([f"{kind}, {condition.name}", str(len(some)), f"{share([o.reliable for o in some]):.0%}", slope,
                         f"{_bias(good):+.4f}", f"{_rmse(good):.4f}"])  # fmt: skip
    return rows


def draw_simulator_plots(
    measured: Sequence[MeasuredPair], curve: Sequence[MeasuredPair], folder: Path
) -> list[tuple[str, Path]]:
    """Draw the plots; return the title and path of each picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with plt.rc_context({"font.size": 9, "axes.edgecolor": "#888888"}):
        for name, title, figure in (
            ("error-by-condition", "Error by condition", draw_conditions(measured)),
            ("error-by-jsn", "Error against true narrowing", draw_curve(curve)),
            ("error-distribution", "Distribution of the error", draw_distribution(measured)),
        ):
            path = folder / f"simulator-{name}.png"
            figure.savefig(path, dpi=130, facecolor="white")
            plt.close(figure)
            written.append((title, path))
    return written


def draw_conditions(measured: Sequence[MeasuredPair]) -> Figure:
    """Draw RMSE and coverage by condition and kind."""
    figure, (left, right) = _panels(2, (13, 4.2))
    names = [condition.name for condition in CONDITIONS]
    for k, (kind, colour) in enumerate(COLOURS.items()):
        at = np.arange(len(names)) + 0.15 * (k - 2)
        some = [_of(measured, name, kind) for name in names]
        left.plot(at, [_rmse(one) for one in some], "o", color=colour, label=kind)
        right.plot(at, [100 * share(_covered(one)) for one in some], "o", color=colour)
    left.set(title="RMSE without mismatches", ylabel="mm", ylim=(0, None))
    right.set(title="Truths inside the 95 % interval", ylabel="%", ylim=(None, 101))
    right.axhline(95, color="#888888", lw=0.8)
    for axes in (left, right):
        axes.set_xticks(np.arange(len(names)), names, rotation=50, ha="right")
    _legend(figure, left)
    return figure


def draw_curve(curve: Sequence[MeasuredPair]) -> Figure:
    """Draw the error against true narrowing, with a running mean and standard deviation of the reliable pairs."""
    figure, panels = _panels(len(CURVE_CONDITIONS) * len(CURVE_KINDS), (13, 3.8), sharey=True)
    shown = [(condition, kind) for condition in CURVE_CONDITIONS for kind in CURVE_KINDS]
    for axes, (condition, kind) in zip(panels, shown, strict=True):
        some = _of(curve, condition.name, kind)
        for is_reliable, mark, colour, label in (
            (False, "x", "#aaaaaa", "not reliable"),
            (True, ".", COLOURS[kind], kind),
        ):
            these = [one for one in some if one.reliable is is_reliable]
            axes.plot([one.projected_mm for one in these], errors(these), mark, color=colour, ms=4, label=label)
        at, mean, sd = running(matched(reliable(some)))
        axes.plot(at, mean, color="#222222", lw=1.5, label="running mean")
        axes.fill_between(at, mean - sd, mean + sd, color="#222222", alpha=0.12, lw=0, label="+- sd")
        axes.set(title=f"{kind}, {condition.name}", xlabel="true narrowing, mm", ylim=(-0.2, 0.2))
    panels[0].set_ylabel("measured minus true, mm (beyond 0.2 not shown)")
    _legend(figure, panels[0])
    return figure


def running(some: Sequence[MeasuredPair]) -> tuple[Values, Values, Values]:
    """Return positions, mean and standard deviation of the errors in a window that moves along the true narrowing."""
    truth, error = np.array([one.projected_mm for one in some]), errors(some)
    at = np.linspace(-1, 1, 81)
    near = [error[np.abs(truth - middle) <= _RUNNING_MM / 2] for middle in at]
    mean, sd = (np.array([f(e) if len(e) > 2 else np.nan for e in near]) for f in (np.mean, np.std))
    return at, mean, sd


def draw_distribution(measured: Sequence[MeasuredPair]) -> Figure:
    """Draw the cumulative share of pairs by error, and the histogram of errors."""
    figure, panels = _panels(3, (13, 4.0))
    shown = (IDENTITY, VISITS)
    for axes, condition in zip(panels, shown, strict=False):
        for kind, colour in COLOURS.items():
            for style, some in (("-", _of(measured, condition, kind)), (":", reliable(_of(measured, condition, kind)))):
                size = np.sort(np.abs(errors(some)))
                label = f"{kind}{'' if style == '-' else ', reliable'}"
                axes.step(np.maximum(size, 1e-4), 100 * np.arange(1, len(size) + 1) / max(1, len(size)), style,
                          where="post", color=colour, lw=1.4, label=label)  # fmt: skip
        axes.set(xscale="log", xlim=(1e-3, 1), ylim=(0, 101), title=condition, xlabel="error below, mm")
    panels[0].set_ylabel("pairs, %")
    bins = np.linspace(-0.2, 0.2, 41)
    for kind, colour in COLOURS.items():
        panels[2].hist(np.clip(errors(_of(measured, shown[1], kind)), -0.2, 0.2), bins, histtype="step", color=colour)
    panels[2].set(title=f"{shown[1]}: errors", xlabel="measured minus true, mm (the last bins include larger errors)",
                  ylabel="pairs")  # fmt: skip
    _legend(figure, panels[0])
    return figure


def _panels(count: int, size: tuple[float, float], **shared: Any) -> tuple[Figure, NDArray[Any]]:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, count, figsize=size, squeeze=False, layout="constrained", **shared)
    for axes in panels[0]:
        axes.grid(color="#dddddd", lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels[0]


def _legend(figure: Any, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
