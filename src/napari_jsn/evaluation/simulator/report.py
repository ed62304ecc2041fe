"""The tables and plots of the measurement on simulated joints."""

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
    Outcome,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]

#: One colour a kind of joint in every plot.
COLOURS = dict(zip(KINDS, ("#0b5fa5", "#8a4fa3", "#c1440e", "#b8860b", "#2a7f4f"), strict=True))
#: Shares of pairs in the table of how often which error.
OFTEN = (50, 80, 90, 95, 99)
#: Bounds of how deep the bones overlap, in mm.
OVERLAPS = {"no overlap": (0.0, 1e-9), "under 0.5 mm": (1e-9, 0.5), "0.5 to 1 mm": (0.5, 1.0), "over 1 mm": (1.0, 99.0)}
STILL, VISITS = CONDITIONS[0].name, CONDITIONS[-1].name
#: Width of the running mean of the curve, in mm.
_RUNNING_MM = 0.2


def lines(outcomes: Sequence[Outcome], curve: Sequence[Outcome]) -> list[str]:
    """Markdown of all tables."""
    each = [(kind, lambda one, kind=kind: one.kind == kind) for kind in KINDS]
    return [
        f"{len(outcomes)} pairs, narrowing uniform within {JSN_MM} mm either way, one thing changed at a time; the "
        "truth is `jsn_projected_mm`, the masks are the true ones. *mismatch*: an error over "
        f"{MISMATCH_MM} mm; bias and RMSE leave mismatches out. *read at the same place*: RMSE against the truth at "
        "the point and axis that the measurement found itself. *space less projection*: root mean square of "
        "`jsn_mm - jsn_projected_mm`.",
        "",
        *table(
            (
                "condition",
                "n",
                "mismatch",
                "bias mm",
                "RMSE mm",
                "read at the same place",
                "reliable",
                "RMSE of the reliable",
                "in 95 % interval",
                "space less projection",
            ),
            [_row(condition.name, _of(outcomes, condition.name)) for condition in CONDITIONS],
        ),  # fmt: skip
        "",
        *_by_kind("RMSE, mm (bias, mm)", outcomes, each, lambda some: f"{_rmse(some):.3f} ({_bias(some):+.3f})"),
        *_by_kind("In 95 % interval", outcomes, each, lambda some: f"{share(_held(some)):.0%}"),
        *_by_kind("Called reliable (mismatches)", outcomes, each, _trust),
        "Errors below, in mm, as between visits: of all pairs, and of those called reliable.",
        "",
        *table(("", "n", *(f"{often} %" for often in OFTEN)), _often(outcomes)),
        "",
        "By how deep the bones overlap at baseline, still and as between visits: RMSE, mm (share of the pairs inside "
        "their 95 % interval; n).",
        "",
        *table(("condition", *OVERLAPS), [_by_overlap(outcomes, name) for name in (STILL, VISITS)]),
        "",
        f"The curve: narrowing from -1 to 1 mm, {len(curve)} pairs. Slope of found over true, by a straight line "
        "through the reliable ones.",
        "",
        *table(("", "n", "reliable", "slope", "bias mm", "RMSE mm"), _curve_rows(curve)),
    ]


def _of(outcomes: Sequence[Outcome], condition: str, kind: str | None = None) -> list[Outcome]:
    return [one for one in outcomes if one.condition == condition and kind in (None, one.kind)]


def errors(some: Sequence[Outcome]) -> Values:
    """Errors in mm."""
    return np.array([one.error_mm for one in some])


def matched(some: Sequence[Outcome]) -> list[Outcome]:
    """Those that are no mismatch."""
    return [one for one in some if abs(one.error_mm) <= MISMATCH_MM]


def reliable(some: Sequence[Outcome]) -> list[Outcome]:
    """Those that the measurement calls reliable."""
    return [one for one in some if one.reliable]


def _rmse(some: Sequence[Outcome]) -> float:
    return rmse(errors(matched(some)))


def _bias(some: Sequence[Outcome]) -> float:
    found = errors(matched(some))
    return float(found.mean()) if len(found) else float("nan")


def _held(some: Sequence[Outcome]) -> list[bool]:
    return [abs(one.error_mm) <= one.half_width_mm for one in some]


def _mismatch(some: Sequence[Outcome]) -> float:
    return 1 - len(matched(some)) / len(some)


def _trust(some: Sequence[Outcome]) -> str:
    return f"{share([one.reliable for one in some]):.0%} ({_mismatch(some):.0%})"


def _row(name: str, some: Sequence[Outcome]) -> list[str]:
    unseen = rmse([one.jsn_mm - one.projected_mm for one in some])
    read = [one.found_mm - one.read_truth_mm for one in matched(some)]
    return [
        name, str(len(some)), f"{_mismatch(some):.1%}", f"{_bias(some):+.4f}", f"{_rmse(some):.4f}",
        f"{rmse(read):.4f}",
        f"{share([one.reliable for one in some]):.1%}", f"{_rmse(reliable(some)):.4f}", f"{share(_held(some)):.1%}",
        f"{unseen:.4f}",
    ]  # fmt: skip


def _by_kind(title: str, outcomes: Sequence[Outcome], each: Sequence, cell: Callable) -> list[str]:
    rows = []
    for condition in CONDITIONS:
        some = _of(outcomes, condition.name)
        rows.append([condition.name, *(cell([one for one in some if of_kind(one)]) for _, of_kind in each)])
    return [f"{title}, by kind of joint:", "", *table(("condition", *KINDS), rows), ""]


def _often(outcomes: Sequence[Outcome]) -> list[list[str]]:
    rows = []
    for kind in (None, *KINDS):
        for words, some in (("", _of(outcomes, VISITS, kind)), (", reliable", reliable(_of(outcomes, VISITS, kind)))):
            size = np.abs(errors(some))
            cells = [f"{np.percentile(size, often):.3f}" if len(size) else "" for often in OFTEN]
            rows.append([f"{kind or 'all'}{words}", str(len(some)), *cells])
    return rows


def _by_overlap(outcomes: Sequence[Outcome], condition: str) -> list[str]:
    cells = []
    for low, high in OVERLAPS.values():
        some = [one for one in _of(outcomes, condition) if low <= one.overlap_mm < high]
        cells.append(f"{_rmse(some):.3f} ({share(_held(some)):.0%}; {len(some)})" if some else "(0)")
    return [condition, *cells]


def _curve_rows(curve: Sequence[Outcome]) -> list[list[str]]:
    rows = []
    for condition in CURVE_CONDITIONS:
        for kind in CURVE_KINDS:
            some = _of(curve, condition.name, kind)
            good = matched(reliable(some))
            truth, found = (np.array([getattr(one, name) for one in good]) for name in ("projected_mm", "found_mm"))
            slope = f"{np.polyfit(truth, found, 1)[0]:.4f}" if len(good) > 2 else ""
            rows.append([f"{kind}, {condition.name}", str(len(some)), f"{share([o.reliable for o in some]):.0%}", slope,
                         f"{_bias(good):+.4f}", f"{_rmse(good):.4f}"])  # fmt: skip
    return rows


def plots(outcomes: Sequence[Outcome], curve: Sequence[Outcome], folder: Path) -> list[tuple[str, Path]]:
    """Draw; returns the title and path of each picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with plt.rc_context({"font.size": 9, "axes.edgecolor": "#888888"}):
        for name, title, figure in (
            ("error-by-condition", "Error by what changes between the visits", draw_conditions(outcomes)),
            ("error-by-jsn", "Error against true narrowing", draw_curve(curve)),
            ("error-often", "How often which error", draw_often(outcomes)),
        ):
            path = folder / f"simulator-{name}.png"
            figure.savefig(path, dpi=130, facecolor="white")
            plt.close(figure)
            written.append((title, path))
    return written


def draw_conditions(outcomes: Sequence[Outcome]) -> Figure:
    """RMSE and coverage by condition and kind."""
    figure, (left, right) = _panels(2, (13, 4.2))
    names = [condition.name for condition in CONDITIONS]
    for k, (kind, colour) in enumerate(COLOURS.items()):
        at = np.arange(len(names)) + 0.15 * (k - 2)
        some = [_of(outcomes, name, kind) for name in names]
        left.plot(at, [_rmse(one) for one in some], "o", color=colour, label=kind)
        right.plot(at, [100 * share(_held(one)) for one in some], "o", color=colour)
    left.set(title="RMSE without mismatches", ylabel="mm", ylim=(0, None))
    right.set(title="Truths inside the 95 % interval", ylabel="%", ylim=(None, 101))
    right.axhline(95, color="#888888", lw=0.8)
    for axes in (left, right):
        axes.set_xticks(np.arange(len(names)), names, rotation=50, ha="right")
    _legend(figure, left)
    return figure


def draw_curve(curve: Sequence[Outcome]) -> Figure:
    """Error against true narrowing, with a running mean and standard deviation of the reliable ones."""
    figure, panels = _panels(len(CURVE_CONDITIONS) * len(CURVE_KINDS), (13, 3.8), sharey=True)
    asked = [(condition, kind) for condition in CURVE_CONDITIONS for kind in CURVE_KINDS]
    for axes, (condition, kind) in zip(panels, asked, strict=True):
        some = _of(curve, condition.name, kind)
        for trusted, mark, colour, label in ((False, "x", "#aaaaaa", "not reliable"), (True, ".", COLOURS[kind], kind)):
            these = [one for one in some if one.reliable is trusted]
            axes.plot([one.projected_mm for one in these], errors(these), mark, color=colour, ms=4, label=label)
        at, mean, sd = running(matched(reliable(some)))
        axes.plot(at, mean, color="#222222", lw=1.5, label="running mean")
        axes.fill_between(at, mean - sd, mean + sd, color="#222222", alpha=0.12, lw=0, label="+- sd")
        axes.set(title=f"{kind}, {condition.name}", xlabel="true narrowing, mm", ylim=(-0.2, 0.2))
    panels[0].set_ylabel("found less true, mm (beyond 0.2 not shown)")
    _legend(figure, panels[0])
    return figure


def running(some: Sequence[Outcome]) -> tuple[Values, Values, Values]:
    """Mean and standard deviation of the errors in a window that slides along the true narrowing."""
    truth, error = np.array([one.projected_mm for one in some]), errors(some)
    at = np.linspace(-1, 1, 81)
    near = [error[np.abs(truth - middle) <= _RUNNING_MM / 2] for middle in at]
    mean, sd = (np.array([f(e) if len(e) > 2 else np.nan for e in near]) for f in (np.mean, np.std))
    return at, mean, sd


def draw_often(outcomes: Sequence[Outcome]) -> Figure:
    """Cumulative share of pairs by error, and the histogram of errors."""
    figure, panels = _panels(3, (13, 4.0))
    shown = (STILL, VISITS)
    for axes, condition in zip(panels, shown, strict=False):
        for kind, colour in COLOURS.items():
            for style, some in (("-", _of(outcomes, condition, kind)), (":", reliable(_of(outcomes, condition, kind)))):
                size = np.sort(np.abs(errors(some)))
                label = f"{kind}{'' if style == '-' else ', reliable'}"
                axes.step(np.maximum(size, 1e-4), 100 * np.arange(1, len(size) + 1) / max(1, len(size)), style,
                          where="post", color=colour, lw=1.4, label=label)  # fmt: skip
        axes.set(xscale="log", xlim=(1e-3, 1), ylim=(0, 101), title=condition, xlabel="error below, mm")
    panels[0].set_ylabel("pairs, %")
    bins = np.linspace(-0.2, 0.2, 41)
    for kind, colour in COLOURS.items():
        panels[2].hist(np.clip(errors(_of(outcomes, shown[1], kind)), -0.2, 0.2), bins, histtype="step", color=colour)
    panels[2].set(title=f"{shown[1]}: errors", xlabel="found less true, mm (the ends hold what lies beyond)",
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
