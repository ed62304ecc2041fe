"""Statistics by arm, against statsmodels and scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_jsn.cohort.arms import arm_plot, arm_statistics


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
    for visit in (2, 3):
        table["visit_"] = [f"{'a' if each == visit else 'b'}{each}" for each in table["visit"]]  # the reference first
        formula = "jsn_mm ~ C(visit_) * C(arm, Treatment('placebo'))"
        fit = mixedlm(formula, table, groups=table["patient"]).fit(reml=True)
        for arm in ("low", "high"):
            name = f"C(arm, Treatment('placebo'))[T.{arm}]"
            row = found.loc[(visit, arm)]
            assert row["difference_mm"] == pytest.approx(fit.params[name], abs=1e-4)
            half = (row["ci_high_mm"] - row["ci_low_mm"]) / 2
            assert half == pytest.approx(1.96 * fit.bse[name], rel=0.01)
    assert found.loc[(3, "high"), "mixed_p"] < 0.01 < found.loc[(2, "low"), "mixed_p"]


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
