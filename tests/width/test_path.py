import numpy as np

from napari_jsn.width.path import best_path, peak


def test_a_path_follows_a_line_and_bridges_a_column_without_it():
    rows = np.arange(40)[:, None]
    truth = 15 + 4 * np.sin(np.linspace(0, 3, 30))
    score = np.exp(-(((rows - truth) / 2) ** 2))
    score[:, 12] = 0
    score[35, 12] = 1.0  # far off
    path = best_path(score, np.ones_like(score, bool), stiffness=0.05)
    assert np.abs(path - truth).max() < 1.2
    fine = peak(score, path)
    np.testing.assert_allclose(np.delete(fine, 12), np.delete(truth, 12), atol=0.05)


def test_a_path_stays_where_it_may_go():
    score = np.zeros((20, 10))
    score[5] = 1
    allowed = np.arange(20)[:, None].repeat(10, 1) >= 9
    assert best_path(score, allowed, 0.05).min() >= 9
