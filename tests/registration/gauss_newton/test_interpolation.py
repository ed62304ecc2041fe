"""Images between their pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_jsn.registration.gauss_newton.interpolation import linear, spline, spline_coefficients


def test_spline_is_the_one_of_scipy():
    rng = np.random.default_rng(3)
    image = rng.normal(size=(40, 50))
    row, col = rng.uniform(4, 35, (2, 6, 7)) * [[[1]], [[1.2]]]
    images = torch.tensor(np.stack([image, image[::-1].copy()]))
    points = (torch.tensor(np.stack([each, each])) for each in (col, row))
    found = spline(spline_coefficients(images), *points)
    for k, one in enumerate((image, image[::-1])):
        # it differs beyond the border only
        assert found[k].numpy() == pytest.approx(ndimage.map_coordinates(one, [row, col], order=3), abs=5e-3)


def test_spline_passes_through_every_pixel():
    images = torch.tensor(np.random.default_rng(4).normal(size=(1, 12, 9)))
    row, col = torch.meshgrid(torch.arange(12.0), torch.arange(9.0), indexing="ij")
    found = spline(spline_coefficients(images), col[None].double(), row[None].double())
    assert found.numpy() == pytest.approx(images.numpy(), abs=1e-9)


@pytest.mark.parametrize("part", [0.1, 0.25, 0.5, 0.8])
def test_a_slope_is_read_where_it_was_asked(part):
    """torch's bicubic shows what lies 0.05 px off at a quarter of a pixel."""
    slope = torch.arange(40.0)[None, :, None].expand(1, 40, 40).contiguous()
    at = torch.full((1, 3, 3), 20.0)
    assert spline(spline_coefficients(slope), at, at + part).numpy() == pytest.approx(20 + part, abs=1e-4)
    assert linear(slope, at, at + part).numpy() == pytest.approx(20 + part, abs=1e-4)
