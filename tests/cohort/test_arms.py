"""Statistics by arm, against statsmodels and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_jsn.cohort.arms import arm_plot, arm_statistics
from napari_jsn.evaluation.clinical.mixed_model import fit_mixed_model


def joints(patients=24, seed=1, effect=0.15, visits=(2, 3)):
    """Simulated figures of three arms, with a random intercept per patient."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(patients):
        arm, own = ("placebo", "low", "high")[k % 3], rng.normal(0, 0.1)
        for visit in visits:
            for _ in range(6):
                mean = 0.1 * visit + (arm == "high") * effect * (visit - 1) + own
                rows.append((f"P{k}", arm, visit, mean + rng.normal(0, 0.08)))
    return pd.DataFrame(rows, columns=["patient", "arm", "visit", "jsn_mm"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_mixed_model_is_that_of_statsmodels(seed):
    from statsmodels.formula.api import mixedlm

    table = joints(seed=seed)
    found = arm_statistics(table, ["placebo", "low", "high"]).set_index(["visit", "arm"])
    means = pd.get_dummies(table["visit"].astype(str) + table["arm"])  # a mean of each arm at each visit
    model = fit_mixed_model(table["jsn_mm"], means, table["patient"])
    for visit in (2, 3):
        table["visit_"] = [f"{'a' if each == visit else 'b'}{each}" for each in table["visit"]]  # the reference first
        formula = "jsn_mm ~ C(visit_) * C(arm, Treatment('placebo'))"
        fit = mixedlm(formula, table, groups=table["patient"]).fit(reml=True)
        for arm in ("low", "high"):
            name = f"C(arm, Treatment('placebo'))[T.{arm}]"
            assert found.loc[(visit, arm), "difference_mm"] == pytest.approx(fit.params[name], abs=1e-4)
            one, other = (means.columns.get_loc(f"{visit}{each}") for each in ("placebo", arm))
            variance = model.covariance[one, one] + model.covariance[other, other] - 2 * model.covariance[one, other]
            assert np.sqrt(variance) == pytest.approx(fit.bse[name], rel=0.01)
    assert found.loc[(3, "high"), "mixed_p"] < 0.01 < found.loc[(2, "low"), "mixed_p"]


@pytest.mark.parametrize("lost", [0, 5, 20])
def test_the_interval_is_that_of_a_jackknife_over_patients(lost):
    """With one visit, as many joints of each patient and two arms, the effect is a difference of means of patients."""
    table = joints(24, visits=(2,)).query("arm != 'low'")
    table = table[~((table["patient"].isin([f"P{k}" for k in range(lost)])) & (table["arm"] == "high"))]
    row = arm_statistics(table, ["placebo", "high"]).iloc[0]
    means = table.groupby(["arm", "patient"])["jsn_mm"].mean()
    high, placebo = (means[arm].to_numpy() for arm in ("high", "placebo"))
    parts = [np.delete(high, k).mean() - placebo.mean() for k in range(len(high))]
    parts += [high.mean() - np.delete(placebo, k).mean() for k in range(len(placebo))]
    effect, count = high.mean() - placebo.mean(), len(high) + len(placebo)
    if len(high) == 1:  # no variance is known
        assert np.isnan(row["difference_mm"]) and row["mean_mm"] == pytest.approx(high[0])
        return
    sd = np.sqrt((count - 1) / count * ((np.array(parts) - effect) ** 2).sum())
    assert row["difference_mm"] == pytest.approx(effect)
    shares = [means.var(ddof=1) / (len(means) - 1) for means in (high, placebo)]  # as in Welch's test
    freedom = sum(shares) ** 2 / sum(s**2 / (len(m) - 1) for s, m in zip(shares, (high, placebo), strict=True))
    assert row["ci_high_mm"] - effect == pytest.approx(stats.t.ppf(0.975, freedom) * sd, rel=1e-6)
    assert row["mixed_p"] == pytest.approx(2 * stats.t.sf(abs(effect) / sd, freedom), rel=1e-6)


@pytest.mark.parametrize("kind", ["rates", "variances"])
def test_intervals_hold_true_effects(kind):
    """Patients differ by a rate over the visits, or by a level, and more in one arm than in the other."""
    rng = np.random.default_rng(3)
    patients, visits, hits = 20, np.array([2, 3, 4]), []
    index = pd.MultiIndex.from_product([range(patients), visits, range(3)], names=["patient", "visit", "joint"])
    table = index.to_frame(index=False)
    table["arm"] = np.where(table["patient"] % 2 == 0, "placebo", "drug")
    time, drug = table["visit"].to_numpy() - 1, (table["arm"] == "drug").to_numpy()
    for _ in range(100):
        own = rng.normal(0, 0.05, patients)[table["patient"]]
        own = own * {"rates": time, "variances": 1 + 2 * drug}[kind]
        table["jsn_mm"] = 0.05 * time - 0.02 * time * drug + own + rng.normal(0, 0.04, len(table))
        found = arm_statistics(table, ["placebo", "drug"])
        truth = -0.02 * (found["visit"] - 1)
        hits.append((found["ci_low_mm"] <= truth) & (truth <= found["ci_high_mm"]))
    assert (np.mean(hits, axis=0) >= 0.9).all() and (np.mean(hits, axis=0) <= 0.99).all()


def test_the_t_test_takes_joints_as_independent():
    table = joints()
    row = arm_statistics(table, ["placebo", "high"]).set_index("visit").loc[3]
    one, two = (table.query("visit == 3 and arm == @arm")["jsn_mm"] for arm in ("high", "placebo"))
    test = stats.ttest_ind(one, two, equal_var=False)
    assert (row["t"], row["t_test_p"]) == (pytest.approx(test.statistic), pytest.approx(test.pvalue))
    assert (row["patients"], row["joints"], row["mean_mm"]) == (8, 48, pytest.approx(one.mean()))


@pytest.mark.parametrize("way", ["no reference at a visit", "one patient an arm", "one value", "none", "no variance"])
def test_too_few_values_give_no_figure(way):
    table = joints(3 if way == "one patient an arm" else 24)
    if way == "no reference at a visit":
        table = table[(table["visit"] == 2) | (table["arm"] != "placebo")]
    if way == "one value":
        table = table.groupby("arm").head(1)
    if way == "none":
        table = table[:0]
    if way == "no variance":
        table["jsn_mm"] = 0.25
    found = arm_statistics(table, ["placebo", "low", "high"])
    assert len(found) == (0 if way == "none" else 2 * table["visit"].nunique())
    if way in ("one value", "no variance"):
        assert found[["difference_mm", "t"]].isna().all(axis=None)
    if way == "no reference at a visit":
        assert found.set_index("visit")["difference_mm"].notna().tolist() == [True, True, False, False]
    assert len(arm_plot(table, ["placebo", "low", "high"]).axes) == 1
