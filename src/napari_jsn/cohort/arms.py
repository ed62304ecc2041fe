"""Statistics by arm of a trial: a mixed model over visits, t-tests as in the paper, and a box plot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.evaluation.clinical.mixed_model import Floats, fit_mixed_model

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
        ``difference_mm`` is of one linear mixed model with visits, arms and their interaction as fixed effects, and the
        patient as random intercept. Its interval and ``mixed_p`` (two-sided) are of a jackknife over patients: they
        hold whatever the figures of one patient have in common, such as a rate of its own. ``t`` and ``t_test_p``
        (two-sided) are of Welch's test with joints as independent, as in the paper. NaN where an arm has too few
        patients or values.
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
                effect, sd, freedom = differences[visit, arm]
                half = float(stats.t.ppf(0.975, freedom)) * sd
                row |= {"difference_mm": effect, "ci_low_mm": effect - half, "ci_high_mm": effect + half}
                row["mixed_p"] = float(2 * stats.t.sf(abs(effect) / sd, freedom))
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _mixed(
    joints: pd.DataFrame, visits: list[Any], arms: list[str]
) -> dict[tuple[Any, str], tuple[float, float, float]]:
    """Return by visit and arm the difference to the first arm, its standard deviation and degrees of freedom.

    Empty if the model cannot be fitted. Arms with one patient at a visit are left out there.
    """
    patients = joints.groupby(["visit", "arm"])["patient"].nunique()
    several = patients[patients > 1]
    joints = joints[pd.MultiIndex.from_frame(joints[["visit", "arm"]]).isin(several.index)]
    columns, names = [], []
    for visit in visits:
        present = [arm for arm in arms if (visit, arm) in several.index]
        for arm in present:
            if arm == present[0]:  # the mean of this arm; the other columns are differences to it
                columns.append(joints["visit"] == visit)
                continue
            if present[0] == arms[0]:
                names.append((len(columns), (visit, arm)))
            columns.append((joints["visit"] == visit) & (joints["arm"] == arm))
    if not names:
        return {}
    design = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)
    fit = fit_mixed_model(joints["jsn_mm"], design, joints["patient"])
    if fit is None:
        return {}
    ratio = fit.between / fit.within
    values, of_arms = joints["jsn_mm"].to_numpy(float), joints["arm"].to_numpy()
    sds, freedoms = _jackknife(values, design, joints["patient"].to_numpy(), of_arms, ratio)
    return {name: (float(fit.effects[k]), float(sds[k]), float(freedoms[k])) for k, name in names if sds[k] > 0}


def _jackknife(
    values: Floats, design: Floats, patients: NDArray[Any], arms: NDArray[Any], ratio: float
) -> tuple[Floats, Floats]:
    """Return the standard deviation of each effect and its degrees of freedom, by leaving out one patient at a time.

    The degrees of freedom are those of Satterthwaite for arms whose patients vary differently.

    Parameters
    ----------
    values : (n,) array
    design : (n, p) array
        See :func:`~napari_jsn.evaluation.clinical.mixed_model.fit_mixed_model`.
    patients, arms : (n,) arrays
    ratio : float
        Variance between patients over that within them.

    References
    ----------
    Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with multi-stage samples. Survey
    Methodology 2002;28:169-181.
    """
    codes = np.unique(patients.astype(str), return_inverse=True)[1]
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    values = values - values.mean()
    normals, rights = [], []
    for own in rows:
        x, y = design[own], values[own]
        weight = ratio / (1 + ratio * len(own))
        normals.append(x.T @ x - weight * np.outer(x.sum(axis=0), x.sum(axis=0)))
        rights.append(x.T @ y - weight * x.sum(axis=0) * y.sum())
    normal, right = np.sum(normals, axis=0), np.sum(rights, axis=0)
    effects = np.linalg.solve(normal, right)
    without = [np.linalg.solve(normal - one, right - other) for one, other in zip(normals, rights, strict=True)]
    squares = (np.stack(without) - effects) ** 2
    of_patients = np.array([arms[own[0]] for own in rows])
    parts = [squares[of_patients == arm] for arm in np.unique(of_patients)]
    total = squares.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        lost = sum(part.sum(axis=0) ** 2 / np.maximum((part > 0).sum(axis=0) - 1, 1) for part in parts)
        return np.sqrt((len(rows) - 1) / len(rows) * total), total**2 / lost


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
