"""Calibration finds the weights that errors were made with, and reaches its coverage."""

import numpy as np
import pytest

from napari_jsn.evaluation.calibration.refined_fit import as_pair, calibrate, fit_weights
from napari_jsn.evaluation.registration.known_motion import make_pair
from napari_jsn.networks.weights import card
from napari_jsn.registration.quality import TERMS


def made(weights, pairs=3000, seed=0, tail=8.0):
    """Variance terms of many pairs, and errors simulated from them."""
    rng = np.random.default_rng(seed)
    terms = rng.exponential(0.01, (pairs, len(TERMS))) + 1e-5
    return terms, np.sqrt(terms @ weights) * rng.standard_t(tail, pairs)


TRUE = np.array([3.0, 0.5, 1.0, 0.2])


def test_weights_are_found_again():
    terms, errors = made(TRUE)
    weights, coverage = fit_weights(terms, errors)
    assert coverage == pytest.approx(0.96, abs=1e-3)
    assert (weights >= 0).all()
    ratio = np.sqrt((terms @ weights) / (terms @ TRUE))
    assert np.percentile(ratio, 95) / np.percentile(ratio, 5) < 1.35  # which pair is surer than which


def test_intervals_cover_errors_that_were_not_fitted():
    weights, _ = fit_weights(*made(TRUE))
    terms, errors = made(TRUE, seed=1)
    assert np.mean(np.abs(errors) <= 1.96 * np.sqrt(terms @ weights)) == pytest.approx(0.96, abs=0.015)


def test_errors_twice_as_large_make_weights_four_times_as_large():
    terms, errors = made(TRUE, pairs=500)
    once, twice = fit_weights(terms, errors)[0], fit_weights(terms, 2 * errors)[0]
    np.testing.assert_allclose(terms @ twice, 4 * (terms @ once), rtol=0.05)


@pytest.fixture(scope="module")
def known(simulated):
    rng = np.random.default_rng(0)
    return [
        make_pair(simulated.fixed, simulated.fixed_masks, 0.175, rng, preset)
        for preset in ("easy", "roll")
        for _ in range(4)
    ]


def test_known_pairs_are_calibrated_on(known):
    found = calibrate(known)
    assert set(found.weights) == set(TERMS)
    assert all(np.isfinite(weight) and weight >= 0 for weight in found.weights.values())
    assert found.pairs == len(known)
    assert 0.8 <= found.coverage <= 1


def test_a_known_pair_is_asked_without_its_answer(known):
    pair = as_pair(known[0])
    assert pair.fixed is known[0].fixed and pair.moving_masks is known[0].moving_masks
    assert pair.spacing_mm == 0.175
    assert not hasattr(pair, "upper")


def test_the_card_has_a_weight_for_every_term():
    weights = card("registration-refined")["variance_weights"]
    assert set(weights) >= set(TERMS)
    assert all(weights[term] >= 0 for term in TERMS)
