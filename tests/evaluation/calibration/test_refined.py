"""The card of the method ``refined``."""

import numpy as np
import pytest

from napari_jsn.evaluation.calibration.refined import (
    PIXELS_MM,
    PairErrors,
    calibrate,
    card_content,
    pair_errors,
    simulated_at_sizes,
)
from napari_jsn.evaluation.registration.known_motion import make_pair
from napari_jsn.networks.weights import CARD_HASH, card
from napari_jsn.registration.quality import TERMS


def made_up(weights, seed, pairs=4000, exposed=False):
    """Errors with a given variance; sharpness and curve differ in ``exposed`` pairs only."""
    rng = np.random.default_rng(seed)
    terms = rng.exponential(0.01, (pairs, len(TERMS))) + 1e-5
    terms[:, -2:] *= exposed
    return PairErrors(terms, np.sqrt(terms @ weights) * rng.standard_t(8, pairs))


TRUE = np.array([3.0, 0.5, 1.0, 0.2, 2.0, 4.0])


@pytest.fixture(scope="module")
def fitted():
    return calibrate(made_up(TRUE, 0), made_up(TRUE, 1, exposed=True), made_up(TRUE / 4, 2))


def test_intervals_hold_pairs_between_visits_and_of_another_exposure(fitted):
    assert set(fitted.weights) == set(TERMS) and fitted.pairs == 4000
    assert fitted.coverage["simulated"] == pytest.approx(0.96, abs=0.002)
    assert fitted.coverage["other_exposure"] == pytest.approx(0.96, abs=0.015)
    unseen = made_up(TRUE, 3, exposed=True)
    sd = np.sqrt(unseen.terms @ np.array([fitted.weights[term] for term in TERMS]))
    assert np.mean(np.abs(unseen.errors) <= 1.96 * sd) == pytest.approx(0.96, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.25, 4.0])
def test_known_motion_changes_no_weight(fitted, share):
    """Its errors are smaller than those between visits; fitted to both, the intervals were too narrow."""
    again = calibrate(made_up(TRUE, 0), made_up(TRUE, 1, exposed=True), made_up(TRUE * share, 2, pairs=200))
    assert again.weights == fitted.weights


def test_errors_are_those_of_pairs_that_have_not_failed(simulated):
    rng = np.random.default_rng(0)
    known = [make_pair(simulated.fixed, simulated.fixed_masks, 0.175, rng, preset) for preset in ("easy", "roll")]
    noise = known[0].__class__(**{**vars(known[0]), "moving": rng.random(simulated.fixed.shape, dtype=np.float32)})
    measured = pair_errors([*known, noise], found=False)
    assert measured.terms.shape == (2, len(TERMS)) and measured.errors.shape == (2,)
    assert np.abs(measured.errors).max() < 0.5 and (measured.terms >= 0).all()


def test_pairs_are_simulated_at_every_pixel_size():
    pairs = simulated_at_sizes(1, 5)
    assert [pair.spacing_mm for pair in pairs] == pytest.approx(PIXELS_MM, rel=0.15)
    assert [pair.fixed.shape[0] * size for pair, size in zip(pairs, PIXELS_MM, strict=True)] == pytest.approx(
        [22.4, 22.4], abs=0.1
    )


def test_the_content_has_the_keys_of_the_shipped_card(fitted):
    content, shipped = card_content(fitted, 140, 560, 160, 901), card("registration-refined")
    assert [*content, CARD_HASH] == list(shipped)
    assert content["command"] == shipped["command"] and content["data"] == shipped["data"]


def test_the_card_has_a_weight_for_every_term():
    weights = card("registration-refined")["variance_weights"]
    assert set(weights) >= set(TERMS)
    assert all(weights[term] >= 0 for term in TERMS)
