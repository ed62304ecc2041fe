import numpy as np
import pytest

from napari_jsn.evaluation.scoring.figures import calibration_error
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.one_stage.context import Context, calibrated, fit_context


def drawn_hands(rng, count, damaged):
    """Hands of which the network sees some of the truth, and graded as if all grades were equally frequent."""
    given, truth = {}, {}
    for kind, highest in HIGHEST.items():
        shares = np.full(highest + 1, damaged / highest)
        shares[0] = 1 - damaged
        truth[kind] = rng.choice(highest + 1, (count, 14), p=shares)
        seen = truth[kind][..., None] + 0.8 * rng.standard_normal((count, 14, 1)) - np.arange(highest + 1)
        likelihood = np.exp(-(seen**2) / (2 * 0.8**2))
        given[kind] = likelihood / likelihood.sum(-1, keepdims=True)
    return given, truth


@pytest.fixture(scope="module")
def contexts():
    rng = np.random.default_rng(0)
    parts = [drawn_hands(rng, 300, damaged) for damaged in (0.12, 0.8)]
    given, truth = ({kind: np.concatenate([part[k][kind] for part in parts]) for kind in HIGHEST} for k in (0, 1))
    return fit_context(given, truth, np.ones(600))


@pytest.mark.parametrize("damaged", [0.12, 0.8])
def test_probabilities_are_right_among_hands_with_little_and_with_much_damage(contexts, damaged):
    kind = "jsn"
    given, truth = drawn_hands(np.random.default_rng(1), 400, damaged)
    found = calibrated(given, contexts)[kind]
    assert found.sum(-1) == pytest.approx(1)
    error = calibration_error(truth[kind].ravel(), found.reshape(-1, found.shape[-1]))
    assert error < 0.04
    if damaged < 0.5:
        before = calibration_error(truth[kind].ravel(), given[kind].reshape(-1, found.shape[-1]))
        assert error < before / 3


def test_erosion_has_a_temperature_alone(contexts):
    assert not contexts["erosion"].coefficients.any()
    assert contexts["erosion"].temperature != 1
    assert contexts["jsn"].coefficients.all()


def test_a_joint_that_is_not_marked_has_no_grade_and_no_influence(contexts):
    given, truth = drawn_hands(np.random.default_rng(2), 3, 0.5)
    less = {kind: each.copy() for kind, each in given.items()}
    for each in less.values():
        each[:, 4] = np.nan
    found = calibrated(less, contexts)
    for kind in HIGHEST:
        assert np.isnan(found[kind][:, 4]).all() and np.isfinite(found[kind][:, :4]).all()
    alone = {kind: np.where(np.arange(14)[:, None] == 2, each, np.nan) for kind, each in given.items()}
    assert np.isfinite(calibrated(alone, contexts)["jsn"][:, 2]).all()


def test_a_card_without_a_context_states_the_temperature_alone():
    given, _ = drawn_hands(np.random.default_rng(3), 2, 0.5)
    card = {"temperature": {"jsn": 0.5}}
    found = calibrated(given, {kind: Context.of_card(card, kind) for kind in HIGHEST})
    squared = given["jsn"] ** 2
    assert found["jsn"] == pytest.approx(squared / squared.sum(-1, keepdims=True), abs=1e-6)
    assert found["erosion"] == pytest.approx(given["erosion"], abs=1e-6)


def test_what_is_fitted_is_read_from_a_card(contexts):
    card = {
        "temperature": {kind: each.temperature for kind, each in contexts.items()},
        "context": {kind: each.coefficients.tolist() for kind, each in contexts.items()},
    }
    for kind, each in contexts.items():
        read = Context.of_card(card, kind)
        assert read.temperature == each.temperature and np.array_equal(read.coefficients, each.coefficients)


def test_without_any_grade_nothing_is_changed():
    given, truth = drawn_hands(np.random.default_rng(4), 2, 0.5)
    none = {kind: np.full_like(each, -1) for kind, each in truth.items()}
    for each in fit_context(given, none, np.ones(2)).values():
        assert each.temperature == 1 and not each.coefficients.any()
