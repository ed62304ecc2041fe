"""Statistics by arm of a trial: a mixed model over visits, t-tests as in the paper, and a box plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.evaluation.clinical.mixed_model import fit_mixed_model

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
else:
    pd = LazyModule("pandas")

COLUMNS = (
    "visit", "arm", "reference", "patients", "joints", "mean_mm", "reference_mean_mm", "difference_mm", "ci_low_mm",
    "ci_high_mm", "mixed_p", "t", "degrees_of_freedom", "t_test_p",
)  # fmt: skip
_COLOURS = ("#0b5fa5", "#c2571a", "#3d8c40", "#7a4fa3", "#8a6d1d", "#555555")


def arm_statistics(joints: pd.DataFrame, arms: list[str]) -> pd.DataFrame:
    """Return each arm against the first one, at each visit.

    Parameters
    ----------
    joints : DataFrame
        ``patient arm visit jsn_mm``: figures that have not failed.
    arms : list of str
        In their order; the first one is the reference.

    Returns
    -------
    DataFrame
        ``difference_mm`` with its interval and ``mixed_p`` (two-sided) are of one linear mixed model with visits, arms
        and their interaction as fixed effects, and the patient as random intercept. ``t`` and ``t_test_p`` (two-sided)
        are of Welch's test with joints as independent, as in the paper. NaN where there are too few values.
    """
    from scipy import stats

    joints = joints[joints["jsn_mm"].notna() & joints["arm"].isin(arms)]
    visits = sorted(joints["visit"].unique())
    present = [arm for arm in arms if (joints["arm"] == arm).any()]
    differences = _mixed(joints, visits, present) if len(present) > 1 else {}
    rows: list[dict[str, Any]] = []
    for visit in visits:
        at_visit = joints[joints["visit"] == visit]
        reference = at_visit[at_visit["arm"] == arms[0]]["jsn_mm"].to_numpy(float)
        for arm in arms[1:]:
            of_arm = at_visit[at_visit["arm"] == arm]
            values = of_arm["jsn_mm"].to_numpy(float)
            row = dict.fromkeys(COLUMNS, float("nan")) | {"visit": visit, "arm": arm, "reference": arms[0]}
            row |= {"patients": of_arm["patient"].nunique(), "joints": len(values)}
            row["mean_mm"] = float(values.mean()) if len(values) else float("nan")
            row["reference_mean_mm"] = float(reference.mean()) if len(reference) else float("nan")
            if min(len(values), len(reference)) > 1 and np.ptp(values) + np.ptp(reference) > 0:
                test = stats.ttest_ind(values, reference, equal_var=False)
                row |= {"t": test.statistic, "degrees_of_freedom": test.df, "t_test_p": test.pvalue}
            if (visit, arm) in differences:
                effect, sd = differences[visit, arm]
                row |= {"difference_mm": effect, "ci_low_mm": effect - 1.96 * sd, "ci_high_mm": effect + 1.96 * sd}
                row["mixed_p"] = float(2 * stats.norm.sf(abs(effect) / sd))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _mixed(joints: pd.DataFrame, visits: list[Any], arms: list[str]) -> dict[tuple[Any, str], tuple[float, float]]:
    """Return difference to the first arm and its standard deviation by visit and arm; empty if it cannot be fitted."""
    counts = joints.groupby(["visit", "arm"])["jsn_mm"].size()
    columns, names = [], []
    for visit in visits:
        columns.append(joints["visit"] == visit)
        for arm in arms[1:]:
            if counts.get((visit, arm), 0) and counts.get((visit, arms[0]), 0):
                names.append((len(columns), (visit, arm)))
                columns.append((joints["visit"] == visit) & (joints["arm"] == arm))
    design = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)
    fit = fit_mixed_model(joints["jsn_mm"], design, joints["patient"])
    if fit is None:
        return {}
    sds = np.sqrt(np.diag(fit.covariance))
    return {name: (float(fit.effects[k]), float(sds[k])) for k, name in names if sds[k] > 0}


def arm_plot(joints: pd.DataFrame, arms: list[str]) -> Figure:
    """Draw the narrowing at the last visit by arm: median, quartiles and whiskers over the joints."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((max(4.2, 1.6 + 1.1 * len(arms)), 4.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    groups = [joints[joints["arm"] == arm]["jsn_mm"].dropna().to_numpy(float) for arm in arms]
    axes.axhline(0, color="#cccccc", lw=1, zorder=0)
    drawn = axes.boxplot([group if len(group) > 2 else group[:0] for group in groups], widths=0.5, patch_artist=True,
                         showfliers=False)  # fmt: skip
    rng = np.random.default_rng(0)  # the same in every run
    for k, group in enumerate(groups):
        colour = _COLOURS[k % len(_COLOURS)]
        drawn["boxes"][k].set(facecolor=f"{colour}30", edgecolor=colour)
        drawn["medians"][k].set(color=colour, lw=2)
        shown = group if len(group) <= 2000 else rng.choice(group, 2000, replace=False)
        axes.plot(k + 1 + rng.uniform(-0.16, 0.16, len(shown)), shown, "o", ms=2.4, mew=0, alpha=0.4, color=colour)
    axes.set_xticks(
        range(1, len(arms) + 1), [f"{arm}\nn = {len(group)}" for arm, group in zip(arms, groups, strict=True)]
    )
    axes.set_ylabel("joint space narrowing, mm")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure
