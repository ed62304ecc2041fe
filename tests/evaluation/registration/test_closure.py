"""Closure: perfect sets close, injected errors come back as they were put in."""

import numpy as np
import pytest

from napari_jsn.evaluation.registration.closure import Series, closure


def additive(positions):
    """Narrowings between visits at these true positions, without error."""
    at = np.asarray(positions, float)
    return at[None, :] - at[:, None]


def test_what_adds_up_closes():
    found = closure([Series(additive([0, 0.2, 0.5, 0.4]))])
    assert (found.joints, found.pairs, found.triangles, found.measured) == (1, 6, 4, 6)
    assert found.sigma_mm == pytest.approx(0) and found.pair_sd_mm == pytest.approx(0)
    assert found.reliable == 1 and found.inconsistent == 0


def test_three_visits_give_half_of_the_triangles_closure():
    jsn = additive([0, 0.1, 0.3])
    jsn[0, 2] += 0.06
    jsn[2, 0] -= 0.06
    found = closure([Series(jsn)])
    assert found.sigma_mm == pytest.approx(0.03)
    assert found.pair_sd_mm == pytest.approx(0.06 / np.sqrt(3))
    assert found.inconsistent == 0


def test_the_pair_sd_is_unbiased():
    rng = np.random.default_rng(0)
    series = []
    for _ in range(400):
        error = np.triu(0.05 * rng.standard_normal((4, 4)), 1)
        series.append(Series(additive(rng.uniform(0, 1, 4)) + error - error.T))
    assert closure(series).pair_sd_mm == pytest.approx(0.05, rel=0.05)


def test_an_inconsistent_pair_counts_and_leaves_the_published_sigma():
    bad = additive([0, 0, 0])
    bad[0, 1], bad[1, 0] = 0.4, -0.4
    found = closure([Series(bad), Series(additive([0, 0.1, 0.2]))])
    assert found.inconsistent == pytest.approx(0.5)
    assert found.sigma_mm == pytest.approx(0.1)  # three deviations of 0.2 and three of 0
    assert found.pooled_sigma_mm == pytest.approx(0.2 / np.sqrt(2))
    assert found.consistent_sigma_mm == pytest.approx(0)


def test_pairs_called_unreliable_leave_the_sums_but_not_the_share():
    jsn = additive([0, 0.1, 0.2, 0.3])
    jsn[0, 1] += 5
    reliable = np.ones((4, 4), bool)
    reliable[0, 1] = False
    found = closure([Series(jsn, reliable)])
    assert found.reliable == pytest.approx(5 / 6)
    assert found.sigma_mm == pytest.approx(0)
    assert found.triangles == 2


def test_one_way_is_enough_and_predict_both_directions_are_halved():
    one_way = np.full((3, 3), np.nan)
    one_way[0, 1], one_way[1, 2], one_way[0, 2] = 0.1, 0.1, 0.2
    assert Series(one_way).jsn_mm[1, 0] == pytest.approx(-0.1)
    both = additive([0, 0.1])
    both[0, 1] += 0.02
    assert Series(both).jsn_mm[0, 1] == pytest.approx(0.11)


def test_too_few_visits_say_nan_not_zero():
    found = closure([Series(additive([0, 0.1]))])
    assert found.pairs == 0 and found.measured == 1
    assert np.isnan(found.sigma_mm) and np.isnan(found.pair_sd_mm) and np.isnan(found.inconsistent)
