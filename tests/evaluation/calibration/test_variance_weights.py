"""The fit finds the weights that the errors were made with, and reaches its coverage."""

import numpy as np
import pytest

from napari_jsn.evaluation.calibration.variance_weights import fit_added_weights, fit_weights


def simulated_errors(weights, pairs=3000, seed=0, degrees_of_freedom=8.0):
    """Variance terms of many pairs, and errors simulated from them."""
    rng = np.random.default_rng(seed)
    terms = rng.exponential(0.01, (pairs, len(TRUE))) + 1e-5
    return terms, np.sqrt(terms @ weights) * rng.standard_t(degrees_of_freedom, pairs)


TRUE = np.array([3.0, 0.5, 1.0, 0.2])


def test_weights_are_found_again():
    terms, errors = simulated_errors(TRUE)
    weights, coverage = fit_weights(terms, errors)
    assert coverage == pytest.approx(0.96, abs=1e-3)
    assert (weights >= 0).all()
    ratio = np.sqrt((terms @ weights) / (terms @ TRUE))
    assert np.percentile(ratio, 95) / np.percentile(ratio, 5) < 1.35  # the order of the pairs by uncertainty


def test_intervals_cover_errors_that_were_not_fitted():
    weights, _ = fit_weights(*simulated_errors(TRUE))
    terms, errors = simulated_errors(TRUE, seed=1)
    assert np.mean(np.abs(errors) <= 1.96 * np.sqrt(terms @ weights)) == pytest.approx(0.96, abs=0.015)


def test_errors_twice_as_large_make_weights_four_times_as_large():
    terms, errors = simulated_errors(TRUE, pairs=500)
    once, twice = fit_weights(terms, errors)[0], fit_weights(terms, 2 * errors)[0]
    np.testing.assert_allclose(terms @ twice, 4 * (terms @ once), rtol=0.05)


@pytest.mark.parametrize("true", [[1.0, 4.0], [0.3, 0.0], [2.0, 0.5]])
def test_added_weights_hold_the_errors_of_the_pairs_that_they_change_most(true):
    rng = np.random.default_rng(0)
    terms, variance = rng.exponential(0.02, (4000, 2)), rng.exponential(0.005, 4000) + 1e-4
    errors = np.sqrt(variance + terms @ true) * rng.standard_t(8, 4000)
    found = fit_added_weights(terms, variance, errors)
    ratio = np.sqrt((variance + terms @ found) / (variance + terms @ true))
    assert np.percentile(ratio, 95) / np.percentile(ratio, 5) < 1.5
    held = np.abs(errors) <= 1.96 * np.sqrt(variance + terms @ found)
    share = terms @ found / variance
    assert held[share >= np.median(share)].mean() == pytest.approx(0.96, abs=0.01)
    assert held.mean() > 0.93


@pytest.mark.parametrize("shift", [0.5, 1.0, 2.0])
def test_errors_of_one_sign_are_held_where_most_is_added(shift):
    """As those of a blurred image: their mean is not zero."""
    rng = np.random.default_rng(1)
    terms, variance = rng.exponential(0.02, (2000, 2)) * rng.integers(0, 2, (2000, 1)), np.full(2000, 0.004)
    errors = np.sqrt(variance) * rng.standard_normal(2000) - shift * np.sqrt(terms.sum(axis=1))
    held = np.abs(errors) <= 1.96 * np.sqrt(variance + terms @ fit_added_weights(terms, variance, errors))
    assert held[terms.any(axis=1)].mean() > 0.95
