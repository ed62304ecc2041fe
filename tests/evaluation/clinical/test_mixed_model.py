"""The mixed model against the dense likelihood and statsmodels, at its boundary, and for many tables."""

import warnings

import numpy as np
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.regression.mixed_linear_model import MixedLM

from napari_jsn.evaluation.clinical.mixed_model import fit_random_intercept

PATIENTS = np.repeat(np.arange(12), 14)


def table(between, seed):
    rng = np.random.default_rng(seed)
    raised = rng.random(len(PATIENTS)) < 0.3
    return 0.1 * raised + rng.normal(0, between, 12)[PATIENTS] + rng.normal(0, 0.05, len(PATIENTS)), raised


def deviance(y, raised, between, within):
    """-2 log restricted likelihood with the whole covariance matrix."""
    x = np.stack([np.ones(len(y)), raised], axis=1).astype(float)
    inverse = np.linalg.inv(within * np.eye(len(y)) + between * (PATIENTS[:, None] == PATIENTS))
    normal = x.T @ inverse @ x
    rest = y - x @ np.linalg.solve(normal, x.T @ inverse @ y)
    return -np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(normal)[1] + rest @ inverse @ rest


@pytest.mark.parametrize("between", [0.02, 0.05, 0.3])
def test_the_fit_is_that_of_statsmodels_or_likelier(between):
    y, raised = table(between, 1)
    fit = fit_random_intercept(y, raised, PATIENTS)
    design = np.stack([np.ones(len(y)), raised], axis=1).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = MixedLM(y, design, groups=PATIENTS).fit(reml=True)
    assert (fit.effect, fit.sd) == pytest.approx((other.params[1], other.bse[1]), abs=2e-4)
    ours = deviance(y, raised, fit.between, fit.within)
    assert ours <= deviance(y, raised, float(other.cov_re[0, 0]), other.scale) + 1e-9
    for factor in (0.9, 1.1):
        assert ours < deviance(y, raised, factor * fit.between, fit.within)


def test_at_the_boundary_it_is_the_model_of_independent_joints():
    fits = [(seed, fit_random_intercept(*table(0.0, seed), PATIENTS)) for seed in range(12)]
    at = [(seed, fit) for seed, fit in fits if fit.at_boundary]
    assert 3 <= len(at) <= 9  # about half of the tables without variance between patients
    for seed, fit in at:
        y, raised = table(0.0, seed)
        plain = OLS(y, np.stack([np.ones(len(y)), raised], axis=1).astype(float)).fit()
        assert (fit.effect, fit.sd, fit.between) == pytest.approx((plain.params[1], plain.bse[1], 0.0))
    for seed, fit in fits:
        y, raised = table(0.0, seed)
        steps = [deviance(y, raised, fit.within * share, fit.within) for share in (0.0, 1e-4)]
        assert fit.at_boundary == (steps[1] > steps[0])


def test_no_interval_of_many_tables_is_wide():
    fits = [fit_random_intercept(*table((0.0, 0.02, 0.1, 0.5)[seed % 4], seed), PATIENTS) for seed in range(200)]
    assert max(2 * 1.96 * fit.sd for fit in fits) < 0.1
    assert not any(fit.at_boundary for fit in fits[2::4] + fits[3::4])  # no sound fit is called a boundary


@pytest.mark.parametrize(
    ("values", "raised"), [([1.0] * 4, [0, 1, 0, 1]), ([1.0, 2.0, 3.0, 4.0], [1] * 4), ([1.0, 2.0], [0, 1])]
)
def test_what_cannot_be_fitted_is_none(values, raised):
    assert fit_random_intercept(values, raised, ["A", "A", "B", "B"][: len(values)]) is None
