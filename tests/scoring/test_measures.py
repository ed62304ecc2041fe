import numpy as np
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import krippendorff_alpha
from napari_jsn.scoring.measures import MEASURES

#: Four observers, twelve units (Krippendorff 2011); 0 is missing.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ],
    dtype=float,
)


@pytest.mark.parametrize("level, expected", [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_published_alpha(level, expected):
    grades = np.where(KRIPPENDORFF == 0, np.nan, KRIPPENDORFF)
    assert round(krippendorff_alpha(grades, level), 3) == expected


@pytest.mark.parametrize("grades, level", [([1, 2], "nominal"), ([[1, np.inf]], "nominal"), ([[1, 2]], "ratio")])
def test_wrong_input_of_alpha(grades, level):
    with pytest.raises(InputError, match=r"Alpha needs|level of alpha"):
        krippendorff_alpha(grades, level)


@pytest.mark.parametrize("name, weights", [("kappa_linear", "linear"), ("kappa_quadratic", "quadratic")])
def test_kappa_equals_its_formula_and_statsmodels(name, weights):
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    for seed in range(5):
        confusion = np.random.default_rng(seed).integers(0, 30, (5, 5)).astype(float)
        found = MEASURES[name](confusion)
        assert found == pytest.approx(inter_rater.cohens_kappa(confusion, wt=weights).kappa)
        p = confusion / confusion.sum()
        distance = np.abs(np.subtract.outer(range(5), range(5))) ** (1 if weights == "linear" else 2)
        expected = 1 - (p * distance).sum() / (np.outer(p.sum(1), p.sum(0)) * distance).sum()
        assert found == pytest.approx(expected)


def test_the_measures_by_hand():
    confusion = np.array([[8, 2, 0], [0, 1, 1], [2, 0, 2]], dtype=float)
    found = {name: float(measure(confusion)) for name, measure in MEASURES.items()}
    assert found["exact"] == pytest.approx(11 / 16) and found["within_one"] == pytest.approx(14 / 16)
    assert found["balanced"] == pytest.approx((0.8 + 0.5 + 0.5) / 3)
    assert found["within_one_balanced"] == pytest.approx((1 + 1 + 0.5) / 3)


def test_a_grade_that_does_not_occur_has_no_part_in_balanced_measures():
    confusion = np.diag([4.0, 0, 2, 0, 0])
    assert MEASURES["balanced"](confusion) == 1 and MEASURES["within_one_balanced"](confusion) == 1


def test_one_grade_only_has_no_kappa_and_an_empty_matrix_has_no_measure():
    assert np.isnan(MEASURES["kappa_linear"](np.diag([5.0, 0, 0])))
    assert all(np.isnan(measure(np.zeros((5, 5)))) for measure in MEASURES.values())


def test_many_matrices_at_once():
    many = np.random.default_rng(0).integers(0, 9, (7, 6, 6)).astype(float)
    for measure in MEASURES.values():
        np.testing.assert_allclose(measure(many), [measure(each) for each in many])
