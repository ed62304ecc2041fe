"""The card of the method ``refined``."""

import numpy as np
import pytest

from napari_jsn.evaluation.calibration.refined import calibrate, card_content
from napari_jsn.evaluation.calibration.variance_weights import with_other_exposure
from napari_jsn.evaluation.registration.known_motion import make_pair
from napari_jsn.networks.weights import CARD_HASH, card
from napari_jsn.registration.quality import TERMS


@pytest.fixture(scope="module")
def fitted(simulated):
    rng = np.random.default_rng(0)
    known = [
        make_pair(simulated.fixed, simulated.fixed_masks, 0.175, rng, preset)
        for preset in ("easy", "roll")
        for _ in range(4)
    ]
    return calibrate(known, with_other_exposure(known, 0))


def test_weights_are_fitted_to_known_pairs(fitted):
    assert set(fitted.weights) == set(TERMS)
    assert all(np.isfinite(weight) and weight >= 0 for weight in fitted.weights.values())
    assert fitted.pairs == 8
    assert 0.8 <= fitted.coverage <= 1


def test_the_content_has_the_keys_of_the_shipped_card(fitted):
    content, shipped = card_content(fitted, 700, 350, 80, 20), card("registration-refined")
    assert [*content, CARD_HASH] == list(shipped)
    assert content["command"] == shipped["command"] and content["data"] == shipped["data"]


def test_the_card_has_a_weight_for_every_term():
    weights = card("registration-refined")["variance_weights"]
    assert set(weights) >= set(TERMS)
    assert all(weights[term] >= 0 for term in TERMS)
