"""Write the tables and plots that compare real joints with simulated ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.evaluation.page import table
from napari_jsn.evaluation.realism import measures
from napari_jsn.evaluation.realism.compare import JSN_SD_MM, MCPS, RESIDUAL_NAMES, JointSample

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A figure with at least this separation (area under the ROC curve) is listed as a difference.
CLEAR_SEPARATION = 0.75

REAL, SIMULATED = "#222222", "#c1440e"


def realism_lines(real: JointSample, simulated: JointSample) -> list[str]:
    """Return all tables in Markdown."""
    residual = RESIDUAL_NAMES["residual"]
    return [
        f"{len(real.joints)} real joints at two visits against {len(simulated.joints)} simulated ones "
        f"(narrowing drawn with sd {JSN_SD_MM} mm), 256 x 256 pixels of 0.0867 mm.",
        "",
        "### Residual after registration",
        "",
        "Median [quartiles] of the residual of local contrast.",
        "",
        *table(
            ("", "all", *MCPS),
            [_quartiles_by_joint(sample, residual, name) for name, sample in _named_samples(real, simulated)],
        ),
        "",
        "### Remaining differences",
        "",
        *_differences(real, simulated),
        "",
        "### All figures",
        "",
        "*separation*: how well this figure alone distinguishes simulated joints from real ones: area under the ROC "
        "curve; 50 % is no separation, 100 % is complete. Median [quartiles].",
        "",
        *table(("figure", "real", "simulated", "separation"), _figures(real, simulated)),
        "",
        "Medians by joint, real / simulated.",
        "",
        *table(("figure", *MCPS), _medians(real, simulated)),
        "",
        "Intensities from 0 to 1: Wasserstein distance of the pooled histograms; for comparison, that between two "
        "halves of the real joints.",
        "",
        *table(("region", "all", *MCPS, "real to real"), _distances(real, simulated)),
        "",
        "Power of simulated over real joints (geometric mean over joints), by band in cycles/mm.",
        "",
        *table(("", *(f"{low}-{high}" for low, high in measures.BANDS)), _ratios(real, simulated)),
    ]


def separation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: the share of pairs with ``b`` above ``a``; ties count half."""
    from scipy.stats import rankdata

    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        return float("nan")
    ranks = rankdata(np.concatenate([a, b]))
    return float((ranks[len(a) :].sum() - len(b) * (len(b) + 1) / 2) / (len(a) * len(b)))


def wasserstein(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the Wasserstein distance of two histograms of intensities from 0 to 1."""
    return float(np.abs(np.cumsum(a) - np.cumsum(b)).sum() / len(a))


def _named_samples(
    real: JointSample, simulated: JointSample
) -> tuple[tuple[str, JointSample], tuple[str, JointSample]]:
    return ("real", real), ("simulated", simulated)


def _quartiles_by_joint(sample: JointSample, figure: str, name: str) -> list[str]:
    return [name, *(_quartiles(sample.select(joint).numbers()[figure]) for joint in (None, *MCPS))]


def _quartiles(values: NDArray[np.float64]) -> str:
    low, middle, high = np.nanpercentile(values, (25, 50, 75))
    digits = 2 if abs(middle) >= 0.1 else 4
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _figures(real: JointSample, simulated: JointSample) -> list[list[str]]:
    simulated_numbers = simulated.numbers()
    rows = []
    for name, values in real.numbers().items():
        area = separation(values, simulated_numbers[name])
        rows.append(
            [name, _quartiles(values), _quartiles(simulated_numbers[name]), f"{100 * max(area, 1 - area):.0f} %"]
        )
    return rows


def _medians(real: JointSample, simulated: JointSample) -> list[list[str]]:
    parts = [(real.select(joint).numbers(), simulated.select(joint).numbers()) for joint in MCPS]
    return [
        [name, *(f"{np.nanmedian(a[name]):.3g} / {np.nanmedian(b[name]):.3g}" for a, b in parts)]
        for name in parts[0][0]
    ]


def _differences(real: JointSample, simulated: JointSample) -> list[str]:
    """Return the table of figures with a clear separation, the clearest first."""
    simulated_numbers, real_numbers = simulated.numbers(), real.numbers()
    areas = {name: separation(values, simulated_numbers[name]) for name, values in real_numbers.items()}
    clear = [name for name, area in areas.items() if max(area, 1 - area) >= CLEAR_SEPARATION]
    found = sorted(clear, key=lambda name: -abs(areas[name] - 0.5))
    if not found:
        return [f"No figure has a separation of {100 * CLEAR_SEPARATION:.0f} % or more."]
    rows = []
    for name in found:
        area = areas[name]
        medians = (f"{np.nanmedian(numbers[name]):.3g}" for numbers in (real_numbers, simulated_numbers))
        rows.append([name, "higher" if area > 0.5 else "lower", *medians, f"{100 * max(area, 1 - area):.0f} %"])
    return table(("figure", "in simulated joints", "real", "simulated", "separation"), rows)


def pooled(sample: JointSample, region: str) -> NDArray[np.float64]:
    """Return the mean histogram of a region; each joint image has the same weight."""
    return np.nanmean([one.histograms[region] for one in sample.measures], axis=0)


def _distances(real: JointSample, simulated: JointSample) -> list[list[str]]:
    rows = []
    for region in measures.REGIONS:
        cells = [
            wasserstein(pooled(real.select(j), region), pooled(simulated.select(j), region)) for j in (None, *MCPS)
        ]
        cells.append(wasserstein(pooled(real.half(0), region), pooled(real.half(1), region)))
        rows.append([region, *(f"{cell:.3f}" for cell in cells)])
    return rows


def _ratios(real: JointSample, simulated: JointSample) -> list[list[str]]:
    rows = []
    for part in ("whole", "inside bone"):
        means = [_mean_power(sample, part) for sample in (real, simulated)]
        log_ratio = means[1] - means[0]
        frequency = measures.FREQUENCIES
        bands = [(frequency >= low) & (frequency < high) for low, high in measures.BANDS]
        cells = [np.exp(np.nanmean(log_ratio[band])) for band in bands]
        rows.append([part, *(f"{cell:.2f}" for cell in cells)])
    return rows


def _mean_power(sample: JointSample, part: str) -> NDArray[np.float64]:
    """Return the log of the geometric mean spectrum."""
    return np.nanmean(np.log([one.spectra[part] for one in sample.measures]), axis=0)


def draw_realism_plots(real: JointSample, simulated: JointSample, folder: Path) -> list[tuple[str, Path]]:
    """Draw the comparisons; return the title and path of each picture."""
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with plt.rc_context({"font.size": 9, "axes.edgecolor": "#888888"}), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about bands and profiles that have no values
        for name, title, draw in PLOTS:
            figure = draw(real, simulated)
            path = folder / f"simulator-{name}.png"
            figure.savefig(path, dpi=130, facecolor="white")
            plt.close(figure)
            written.append((title, path))
    return written


def draw_histograms(real: JointSample, simulated: JointSample) -> Figure:
    """Draw the intensities by region and by MCP."""
    columns = (None, *MCPS)
    figure, panels = _panels(len(measures.REGIONS), len(columns), (13, 7.5), sharey="row", sharex=True)
    intensities = (np.arange(measures.BINS) + 0.5) / measures.BINS
    for row, region in zip(panels, measures.REGIONS, strict=True):
        for axes, joint in zip(row, columns, strict=True):
            for (name, sample), colour in zip(_named_samples(real, simulated), (REAL, SIMULATED), strict=True):
                density = measures.BINS * pooled(sample.select(joint), region)
                axes.plot(intensities, density, color=colour, lw=1.4, label=name)
            axes.set(title=(joint or "all") if region == measures.REGIONS[0] else "", yticks=[])
        row[0].set_ylim(bottom=0)
        row[0].set_ylabel(region)
    _add_labels_and_legend(figure, panels, "intensity")
    return figure


def draw_curves(real: JointSample, simulated: JointSample) -> Figure:
    """Draw spectra, profiles, noise and autocorrelation: median and quartiles over joint images."""
    frequencies = measures.FREQUENCIES
    shown: Sequence[tuple[str, str, NDArray[np.float64], Callable, dict[str, str]]] = (
        ("radial spectrum, whole image", "cycles/mm", frequencies, lambda one: one.spectra["whole"], _LOGS),
        ("radial spectrum, inside bone", "cycles/mm", frequencies, lambda one: one.spectra["inside bone"], _LOGS),
        ("across the shaft's cortex", "mm from mask border", measures.ACROSS_CORTEX_MM, lambda one: one.cortex, {}),
        ("across the joint space", "mm from its centre", measures.ACROSS_GAP_MM, lambda one: one.gap, {}),
        ("noise", "intensity", measures.NOISE_AT, lambda one: one.noise, {}),
        ("trabecular bone, along the bone", "lag, mm", measures.LAGS_MM, lambda one: one.along, {}),
        ("trabecular bone, across the bone", "lag, mm", measures.LAGS_MM, lambda one: one.across, {}),
    )  # fmt: skip
    figure, panels = _panels(2, 4, (13, 6.4))
    for axes, (title, xlabel, x, curve_of, scales) in zip(panels.ravel(), shown, strict=False):
        for (name, sample), colour in zip(_named_samples(real, simulated), (REAL, SIMULATED), strict=True):
            curves = np.array([curve_of(one) for one in sample.measures])
            low, middle, high = np.nanpercentile(curves, (25, 50, 75), axis=0)
            axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
            axes.plot(x, middle, color=colour, lw=1.5, label=name)
        axes.set(title=title, xlabel=xlabel, **scales)
    panels.ravel()[-1].set_axis_off()
    _add_labels_and_legend(figure, panels, "")
    return figure


def draw_residuals(real: JointSample, simulated: JointSample) -> Figure:
    """Draw the residual after registration by MCP, and the motion of the bones."""
    shown = ("residual", "ncc", "roll_sd_px", "rotation_deg")
    figure, panels = _panels(1, len(shown), (13, 3.6))
    groups = (None, *MCPS)
    for axes, name in zip(panels[0], shown, strict=True):
        for k, ((label, sample), colour) in enumerate(
            zip(_named_samples(real, simulated), (REAL, SIMULATED), strict=True)
        ):
            values = [sample.select(joint).numbers()[RESIDUAL_NAMES[name]] for joint in groups]
            boxes = axes.boxplot(values, positions=np.arange(len(groups)) + 0.36 * k, widths=0.3, showfliers=False)
            for part in ("boxes", "whiskers", "caps", "medians"):
                for line in boxes[part]:
                    line.set(color=colour, lw=1.3)
            axes.plot([], [], color=colour, label=label)
        axes.set_xticks(np.arange(len(groups)) + 0.18, ["all", *MCPS])
        axes.set_title(RESIDUAL_NAMES[name].replace("after registration", "after\nregistration"), fontsize=9)
    _add_labels_and_legend(figure, panels, "")
    return figure


_LOGS = {"xscale": "log", "yscale": "log"}
PLOTS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("residual", "Residual after the registration of two visits", draw_residuals),
    ("intensity", "Intensities by region", draw_histograms),
    ("curves", "Spectra, edges, noise and texture", draw_curves),
)


def _panels(rows: int, columns: int, size: tuple[float, float], **shared: Any) -> tuple[Figure, NDArray[Any]]:
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **shared)
    for axes in panels.ravel():
        axes.grid(color="#dddddd", lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _add_labels_and_legend(figure: Any, panels: Any, xlabel: str) -> None:
    if xlabel:
        for axes in panels[-1]:
            axes.set_xlabel(xlabel)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
