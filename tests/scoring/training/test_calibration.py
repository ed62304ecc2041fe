import numpy as np
import pytest
import torch

from napari_jsn.scoring.training.calibration import fit_temperature, fit_totals
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities


def draw(probabilities, rng):
    return (probabilities.cumsum(-1) < rng.random((*probabilities.shape[:-1], 1))).sum(-1)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_a_factor_of_the_logits(factor):
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((6000, 4))
    truth = draw(grade_probabilities(torch.from_numpy(logits)).numpy(), rng)
    assert fit_temperature(factor * logits, truth) == pytest.approx(factor, rel=0.08)


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_errors_that_a_patient_shares_are_found(shared):
    rng = np.random.default_rng(1)
    logits = rng.standard_normal((300, 28, 5)) + 4 * shared * rng.standard_normal((300, 1, 1))
    found = {
        "jsn": grade_probabilities(torch.from_numpy(0 * logits[..., :4])).numpy(),
        "erosion": grade_probabilities(torch.from_numpy(0 * logits)).numpy(),
    }
    truth = {
        "jsn": draw(grade_probabilities(torch.from_numpy(logits[..., :4])).numpy(), rng),
        "erosion": draw(grade_probabilities(torch.from_numpy(logits)).numpy(), rng),
    }
    constants = fit_totals(truth, found)
    assert set(constants) == {"jsn", "erosion", "total"}
    for each in constants.values():
        assert (each["correlation"] > 0.2) == (shared > 0)
