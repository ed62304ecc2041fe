"""Draw the plots of the clinical assessment; each states the number of joints and patients."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_jsn.drawing.labels import plain_label
from napari_jsn.evaluation.clinical.assess import Assessment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SAME, _ROSE, _INK, _FAINT = "#5a6f7a", "#c1440e", "#222222", "#dddddd"
_DPI = 150


def clinical_plots(found: Assessment) -> dict[str, bytes]:
    """Return PNG files by name; the Bland-Altman plot only where joints were read twice."""
    drawn = {
        "clinical-box.png": box_plot(found),
        "clinical-score.png": score_plot(found),
        "clinical-cumulative.png": cumulative_plot(found),
    }
    if found.bland_altman is not None:
        drawn["clinical-bland-altman.png"] = bland_altman_plot(found)
    return {name: _png(figure) for name, figure in drawn.items()}


def box_plot(found: Assessment) -> Figure:
    """Draw the narrowing of joints without and with a change of score (Wang et al. 2023, Fig. 8)."""
    figure, axes = _figure(found, 4.6)
    groups = [found.unchanged, found.changed]
    labels = [f"no change\nof score\nn = {len(groups[0])}", f"score\nrose\nn = {len(groups[1])}"]
    _boxes(axes, groups, labels, [_SAME, _ROSE])
    top = max(map(np.max, groups))
    bottom = min(map(np.min, groups))
    at = top + 0.06 * (top - bottom)
    axes.plot([1, 1, 2, 2], [at - 0.02 * (top - bottom), at, at, at - 0.02 * (top - bottom)], color=_INK, lw=1)
    axes.text(
        1.5,
        at + 0.015 * (top - bottom),
        f"t-test, one-tailed: {format_p(found.p)}",
        ha="center",
        va="bottom",
        fontsize=9,
    )
    axes.set_ylim(top=at + 0.1 * (top - bottom))
    axes.set_ylabel("joint space narrowing, mm")
    return figure


def score_plot(found: Assessment) -> Figure:
    """Draw the narrowing by change of score, with Pearson's r."""
    score = found.joints["score_change"].to_numpy(float)
    jsn = found.joints["jsn_mm"].to_numpy(float)
    levels = np.unique(score)
    groups = [jsn[score == level] for level in levels]
    figure, axes = _figure(found, max(4.6, 1.5 + 0.9 * len(levels)))
    labels = [
        f"{level:+g}\nn = {len(group)}" if level else f"0\nn = {len(group)}" for level, group in zip(levels, groups)
    ]
    _boxes(axes, groups, labels, [_ROSE if level > 0 else _SAME for level in levels])
    axes.set(xlabel="change of score", ylabel="joint space narrowing, mm")
    low, high = found.r_ci95
    axes.set_title(f"Pearson r = {found.r:.2f} (95 % {low:.2f} to {high:.2f})", fontsize=9.5, loc="left")
    return figure


def cumulative_plot(found: Assessment) -> Figure:
    """Draw the cumulative probability of narrowing, with the smallest detectable change."""
    figure, axes = _figure(found, 5.6)
    for values, group, colour in (
        (found.unchanged, "no change of score", _SAME),
        (found.changed, "score rose", _ROSE),
    ):
        at = 100 * (np.arange(1, len(values) + 1) - 0.5) / len(values)
        axes.plot(
            at, np.sort(values), "o", ms=3.2, mew=0, alpha=0.8, color=colour, label=f"{group} (n = {len(values)})"
        )
    axes.axhline(0, color=_FAINT, lw=1, zorder=0)
    if np.isfinite(found.sdc_mm):
        axes.axhspan(-found.sdc_mm, found.sdc_mm, color="#0b5fa5", alpha=0.10, lw=0, zorder=0)
        axes.plot([], [], color="#0b5fa5", alpha=0.3, lw=6, label=f"within the SDC of {found.sdc_mm:.3f} mm")
    axes.set(xlabel="cumulative probability, %", ylabel="joint space narrowing, mm", xlim=(0, 100))
    axes.legend(frameon=False, fontsize=8.5, loc="upper left")
    return figure


def bland_altman_plot(found: Assessment) -> Figure:
    """Draw the difference of the first two readings against their mean, with limits of agreement and intervals."""
    compared = found.bland_altman
    assert compared is not None
    figure, axes = _figure(found, 5.6, joints=len(compared.mean), patients=found.patients_read)
    axes.plot(compared.mean, compared.difference, "o", ms=3.5, mew=0, alpha=0.7, color=_SAME)
    lines = (
        (compared.bias, compared.bias_ci95, "mean", _INK),
        (compared.limits[0], compared.low_ci95, "mean - 1.96 SD", _ROSE),
        (compared.limits[1], compared.high_ci95, "mean + 1.96 SD", _ROSE),
    )
    for value, interval, name, colour in lines:
        axes.axhspan(*interval, color=colour, alpha=0.12, lw=0)
        axes.axhline(value, color=colour, lw=1, ls="-" if name == "mean" else "--")
        axes.text(
            1.01,
            value,
            f"{name}\n{value:+.3f}",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=colour,
        )
    axes.set_xlabel("mean of both readings, mm")
    axes.set_ylabel(f"{plain_label(found.readings[0])}\nminus {plain_label(found.readings[1])}, mm")
    return figure


def format_p(p: float) -> str:
    """Return a p-value as papers print it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _boxes(axes: Axes, groups: list[NDArray[np.float64]], labels: list[str], colours: list[str]) -> None:
    """Draw box plots (median, quartiles, whiskers to 1.5 interquartile ranges) over the single joints."""
    rng = np.random.default_rng(0)  # horizontal jitter, the same in every run
    axes.axhline(0, color=_FAINT, lw=1, zorder=0)
    boxed = [group if len(group) > 2 else group[:0] for group in groups]  # no box for one or two joints
    drawn = axes.boxplot(boxed, widths=0.5, showfliers=False, patch_artist=True)
    axes.set_xticks(range(1, len(groups) + 1), labels)
    for k, (group, colour) in enumerate(zip(groups, colours, strict=True)):
        drawn["boxes"][k].set(facecolor=f"{colour}30", edgecolor=colour)
        drawn["medians"][k].set(color=colour, lw=2)
        for line in (*drawn["whiskers"][2 * k : 2 * k + 2], *drawn["caps"][2 * k : 2 * k + 2]):
            line.set(color=colour)
        jittered = k + 1 + rng.uniform(-0.16, 0.16, len(group))
        axes.plot(jittered, group, "o", ms=3, mew=0, alpha=0.55, color=colour)


def _figure(
    found: Assessment, width: float, joints: int | None = None, patients: int | None = None
) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, 4.4), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    n, of = joints or len(found.joints), patients or found.patients
    figure.suptitle(f"{n} joints of {of} patient{'s' * (of != 1)}", fontsize=9, color="#666666", x=0.99, ha="right")
    return figure, axes


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=_DPI)
    return written.getvalue()
