"""Block means and resampling to finer pixels."""

import numpy as np

from napari_jsn.joint.similarity import pixel_scaling
from napari_jsn.radiograph.resampling import block_mean, resample


def test_block_mean_omits_incomplete_blocks():
    values = np.arange(35.0).reshape(5, 7)
    means = block_mean(values, 3)
    np.testing.assert_allclose(means, [[values[:3, :3].mean(), values[:3, 3:6].mean()]])
    assert means.dtype == np.float32


def test_block_mean_of_a_mask_is_a_share():
    np.testing.assert_array_equal(block_mean(np.eye(4, dtype=bool), 2), [[0.5, 0], [0, 0.5]])


def test_resample_agrees_with_pixel_scaling():
    rows, cols = np.indices((20, 30))
    fine = resample((cols / 60 + rows / 80).astype(np.float32), (2, 2))
    assert fine.shape == (40, 60)
    x, y, _ = np.linalg.inv(pixel_scaling(2)) @ (25, 17, 1)
    np.testing.assert_allclose(fine[17, 25], x / 60 + y / 80, atol=1e-4)


def test_resample_keeps_a_mask_within_zero_and_one():
    shares = resample(np.eye(12, dtype=bool), (1.5, 2.0))
    assert shares.shape == (18, 24) and shares.min() >= 0 and shares.max() <= 1
