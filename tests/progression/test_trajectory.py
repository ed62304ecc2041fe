"""The course of a joint from the narrowings between its visits."""

from itertools import combinations

import numpy as np
import pytest

from napari_jsn.progression.trajectory import VISIT_SHARE, PairwiseNarrowing, fit_trajectory

TRUE = np.array([0.0, 0.1, 0.3, 0.25])


def pairs_of(true, sd=0.02, error=None, reliable=None):
    error, reliable = error or {}, reliable or {}
    return [
        PairwiseNarrowing(i, j, true[j] - true[i] + error.get((i, j), 0.0), sd, reliable.get((i, j), True))
        for i, j in combinations(range(len(true)), 2)
    ]


def test_two_visits_give_the_direct_figure():
    found = fit_trajectory(2, [PairwiseNarrowing(0, 1, 0.12, 0.03)])
    assert found.jsn == pytest.approx([0, 0.12])
    assert found.sd == pytest.approx([0, 0.03])
    assert found.joined.all() and not found.open.any() and np.isnan(found.closure).all()
    wider = fit_trajectory(2, [PairwiseNarrowing(0, 1, 0.12, 0.03)], visit_variance=0.04**2)
    assert wider.jsn == pytest.approx([0, 0.12])
    assert wider.sd == pytest.approx([0, 0.05])


def test_two_visits_that_are_not_reliable_give_the_direct_figure_too():
    found = fit_trajectory(2, [PairwiseNarrowing(0, 1, 0.12, 0.03, reliable=False)])
    assert found.jsn == pytest.approx([0, 0.12]) and found.sd == pytest.approx([0, 0.03])
    assert not found.joined[1]


@pytest.mark.parametrize("visits", [3, 4])
def test_it_is_unbiased_and_its_covariance_is_that_of_its_errors(visits):
    rng, true, tau = np.random.default_rng(0), TRUE[:visits], 0.015
    pairs = list(combinations(range(visits), 2))
    sd = 0.02 * np.linspace(0.7, 1.4, len(pairs))
    found = []
    for _ in range(1500):
        outline, laid, own = rng.standard_normal(visits), rng.standard_normal(visits), rng.standard_normal(len(pairs))
        steps = []
        for k, (i, j) in enumerate(pairs):
            error = np.sqrt(VISIT_SHARE / 2) * (outline[j] - outline[i]) + np.sqrt(1 - VISIT_SHARE) * own[k]
            error = sd[k] * error + tau / np.sqrt(2) * (laid[j] - laid[i])
            steps.append(PairwiseNarrowing(i, j, true[j] - true[i] + error, sd[k]))
        found.append(fit_trajectory(visits, steps, tau**2))
    jsn = np.array([each.jsn for each in found if not each.open.any()])
    assert len(jsn) > 1490
    np.testing.assert_allclose(jsn.mean(0), true, atol=0.002)
    stated = found[0].covariance
    np.testing.assert_allclose(np.cov(jsn.T), stated, atol=0.1 * stated.max())
    covered = np.abs(jsn - true)[:, 1:] < 1.96 * found[0].sd[1:]
    assert covered.mean() == pytest.approx(0.95, abs=0.02)


def test_visits_in_between_add_to_what_is_known():
    alone, followed = (
        fit_trajectory(2, [PairwiseNarrowing(0, 1, 0.1, 0.02)]),
        fit_trajectory(3, pairs_of(TRUE[:3])),
    )
    assert followed.sd[1] < alone.sd[1]
    assert followed.covariance[1, 2] > 0  # they share the baseline


def test_a_step_that_is_not_reliable_is_left_out_where_others_lead():
    steps = pairs_of(TRUE, error={(0, 2): 1.0}, reliable={(0, 2): False})
    found = fit_trajectory(4, steps)
    assert found.jsn == pytest.approx(TRUE)
    assert found.joined.all() and not found.open.any()


def test_a_visit_that_no_reliable_step_reaches_has_a_figure_all_the_same():
    bad = {(i, 3): False for i in range(3)}
    found = fit_trajectory(4, pairs_of(TRUE, reliable=bad))
    assert found.jsn == pytest.approx(TRUE)
    assert found.joined.tolist() == [True, True, True, False]


def test_the_one_step_that_opens_several_triangles_is_left_out():
    found = fit_trajectory(4, pairs_of(TRUE, error={(1, 3): 0.5}))
    assert found.jsn == pytest.approx(TRUE)
    assert not found.open.any() and found.closure == pytest.approx(np.zeros(4), abs=1e-12)


def test_an_open_triangle_puts_its_visits_in_doubt():
    found = fit_trajectory(3, pairs_of(TRUE[:3], error={(0, 1): 0.2}))
    assert found.open.all()
    assert found.closure == pytest.approx([0.2] * 3)


def test_a_visit_that_no_step_reaches_is_unknown():
    found = fit_trajectory(3, [PairwiseNarrowing(0, 1, 0.1, 0.02)])
    assert found.jsn[:2] == pytest.approx([0, 0.1])
    assert np.isnan(found.jsn[2]) and np.isnan(found.sd[2]) and not found.joined[2]
    nothing = fit_trajectory(2, [])
    assert nothing.jsn[0] == 0 and np.isnan(nothing.jsn[1])
