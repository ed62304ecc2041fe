import numpy as np
import pytest

from napari_jsn.evaluation.scoring.figures import (
    GradedSites,
    calibration_error,
    figures,
    ranked_probability_score,
)


def sites(truth, probabilities):
    zeros = np.zeros(len(truth), int)
    return GradedSites(np.array(truth), np.array(probabilities, float), zeros, zeros)


def test_perfect_grades_have_no_error():
    truth = [0, 1, 2, 3, 4, 4]
    found = figures(sites(truth, np.eye(5)[truth]))
    assert found["balanced"] == found["within_one"] == found["kappa_quadratic"] == 1
    assert found["rmse"] == found["rps"] == found["ece"] == found["rmse_weighted"] == found["mae"] == 0
    assert found["macro_f1"] == 1


def test_macro_f1_and_absolute_error_by_hand():
    found = figures(sites([0, 0, 0, 2], np.eye(5)[[0, 0, 1, 2]]))
    assert found["mae"] == pytest.approx(0.25)
    assert found["macro_f1"] == pytest.approx((0.8 + 0 + 1) / 3)  # grade 1 is found but does not occur


def test_the_weighted_error_counts_each_grade_equally_by_default():
    truth = [0] * 90 + [4] * 10
    found = figures(sites(truth, np.eye(5)[[0] * 100]))
    assert found["rmse"] == pytest.approx(np.sqrt(1.6))
    assert found["rmse_nonzero"] == pytest.approx(4)
    assert found["rmse_weighted"] == pytest.approx(np.sqrt(8))
    assert figures(sites(truth, np.eye(5)[[0] * 100]), {0: 1.0})["rmse_weighted"] == 0


@pytest.mark.parametrize(("confidence", "right", "error"), [(0.9, 0.9, 0.0), (0.9, 0.5, 0.4), (0.6, 1.0, 0.4)])
def test_the_calibration_error_is_the_gap_of_confidence_and_share_right(confidence, right, error):
    truth = np.array([0] * round(1000 * right) + [1] * round(1000 * (1 - right)))
    probabilities = np.tile([confidence, 1 - confidence], (1000, 1))
    assert calibration_error(truth, probabilities) == pytest.approx(error, abs=1e-6)


def test_the_ranked_probability_score_punishes_distance():
    near, far = np.eye(6)[[1]], np.eye(6)[[5]]
    truth = np.array([0])
    assert ranked_probability_score(truth, near) == pytest.approx(0.2)
    assert ranked_probability_score(truth, far) == 1
