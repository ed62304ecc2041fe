from dataclasses import asdict

import numpy as np
import pytest
import torch

from napari_jsn.anatomy import JOINTS
from napari_jsn.scoring.automatic.total import TotalErrors
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import scheme
from napari_jsn.scoring.training import whole_hands
from napari_jsn.scoring.training.calibration import fit_all, fit_temperature, fit_totals, moments
from napari_jsn.scoring.two_stage.ordinal import grade_probabilities


def tempered(probabilities, temperature):
    raised = probabilities ** (1 / temperature)
    return raised / raised.sum(-1, keepdims=True)


def draw(probabilities, rng):
    return (probabilities.cumsum(-1) < rng.random((*probabilities.shape[:-1], 1))).sum(-1)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_a_factor_of_the_logits(factor):
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((6000, 4))
    truth = draw(grade_probabilities(torch.from_numpy(logits)).numpy(), rng)
    assert fit_temperature(factor * logits[:, None], truth) == pytest.approx(factor, rel=0.08)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
def test_the_temperature_undoes_a_power_of_the_probabilities(factor):
    rng = np.random.default_rng(0)
    sound = torch.softmax(torch.from_numpy(1.5 * rng.standard_normal((6000, 5))), 1).numpy()
    found = fit_temperature(tempered(sound, 1 / factor), draw(sound, rng), tempered)
    assert found == pytest.approx(factor, rel=0.08)
    assert tempered(sound, found).sum(1) == pytest.approx(1)


@pytest.mark.parametrize("missing", ["no joint", "some joints", "a kind"])
def test_joints_that_a_network_does_not_mark_are_left_out_of_its_calibration(missing):
    truth, stated = drawn_patients(0.0, np.random.default_rng(4), 30)
    if missing == "some joints":
        for each in stated.values():
            each[:, 5:9] = np.nan
    if missing == "a kind":
        stated["erosion"][:] = np.nan
    found = fit_all({kind: (stated[kind], truth[kind]) for kind in HIGHEST}, None, tempered)
    assert set(found) == {"temperature", "totals", "confusions"}
    for kind, highest in HIGHEST.items():
        counts = np.array(found["confusions"][kind])
        assert counts.shape == (highest + 1, highest + 1)
        assert counts.sum() == np.isfinite(stated[kind]).all(-1).sum()
        assert found["temperature"][kind] == 1.0 or counts.sum() > 0


@pytest.mark.parametrize(("kind", "other"), [("erosion", "jsn"), ("jsn", "erosion")])
def test_the_totals_of_a_kind_without_grades_have_the_default_errors(kind, other):
    truth, stated = drawn_patients(0.1, np.random.default_rng(2), 40)
    truth[kind][:] = -1
    found = fit_totals(truth, stated)
    assert found[kind] == asdict(TotalErrors()) != found[other]


def test_the_one_stage_network_is_calibrated_on_hands_of_both_samplings(monkeypatch):
    asked = []

    def graded(count, seed, grades, grader, cache, progress):
        asked.append((grades, count, seed))
        assert grader.card == {"inner_mm": 4.0} and grader.device == "cpu"
        return {kind: np.full((count, 28, highest + 1), 1 / (highest + 1)) for kind, highest in HIGHEST.items()}

    grades = np.random.default_rng(5).integers(0, 5, (20, 2, 14, 2))
    monkeypatch.setattr(whole_hands, "whole_hand_probabilities", graded)
    monkeypatch.setattr(whole_hands, "simulated_chunk", lambda seed, name, cache: {"grades": grades})
    found = whole_hands.one_stage_calibration(torch.nn.Linear(1, 1), {"inner_mm": 4.0, "name": "x"})
    assert {each[0] for each in asked} == {"uniform", "natural"}
    assert np.sum(found["confusions"]["jsn"]) == 28 * sum(count for count, _ in whole_hands.CALIBRATION.values())
    assert found["totals"]["total"]["below"] >= 1
    assert set(found["temperature"]) == set(HIGHEST)


def drawn_patients(shared, rng, count=300):
    """Probabilities that state nothing of a patient, and grades whose errors the joints of a patient may share."""
    logits = rng.standard_normal((count, 28, 5)) + 4 * shared * rng.standard_normal((count, 1, 1))
    stated = {kind: grade_probabilities(torch.from_numpy(0 * logits[..., :k])).numpy() for kind, k in HIGHEST.items()}
    return {
        kind: draw(grade_probabilities(torch.from_numpy(logits[..., :k])).numpy(), rng) for kind, k in HIGHEST.items()
    }, stated


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_errors_that_a_patient_shares_are_found(shared):
    constants = fit_totals(*drawn_patients(shared, np.random.default_rng(1)))
    assert set(constants) == {"jsn", "erosion", "total"}
    for each in constants.values():
        assert (each["correlation"] * each["factor"] ** 2 > 0.15) == (shared > 0)


@pytest.mark.parametrize("case", ["sound", "shared", "damage not seen"])
def test_intervals_hold_most_totals_of_other_patients(case):
    rng = np.random.default_rng(2)

    def patients():
        truth, stated = drawn_patients(0.4 * (case == "shared"), rng)
        if case == "damage not seen":  # the network is sure of 0, and wrong at some sites of some patients
            stated = {kind: np.where(np.arange(k + 1) == 0, 1.0, 0.0) + 0 * stated[kind] for kind, k in HIGHEST.items()}
            damaged = rng.random((300, 1)) < 0.4
            truth = {kind: (rng.random((300, 28)) < 0.2) * damaged * each for kind, each in truth.items()}
        return truth, stated

    constants = fit_totals(*patients())
    truth, stated = patients()
    for kind in HIGHEST:
        used = np.tile([joint in scheme("svdh-fingers").sites[kind] for joint in JOINTS], 2)
        errors = TotalErrors(**constants[kind])
        mean, sd = moments(stated[kind][:, used])
        ends = np.array([errors.interval(*each)[1:] for each in zip(mean, sd)])
        totals = truth[kind][:, used].sum(1)
        assert 0.91 <= ((ends[:, 0] <= totals) & (totals <= ends[:, 1])).mean() <= 0.99, (kind, errors)


def test_with_few_patients_the_defaults_are_stated():
    truth, stated = drawn_patients(0.0, np.random.default_rng(3), 5)
    assert fit_totals(truth, stated)["total"] == asdict(TotalErrors())
