"""The width of bone edges: it follows blur and edge enhancement, and neither contrast nor curve nor noise."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.width.edge_width import edge_widths_mm, sharpness_change

MM = 0.175


def sharpened(pixels):
    return np.clip(2 * pixels - ndimage.gaussian_filter(pixels, 2), 0, 1)


def change(pairs, changed):
    """Change of the edge width where the images of joints are changed."""
    before, now = (
        {k: edge_widths_mm(f(pair.fixed).astype(np.float32), pair.fixed_masks, MM) for k, pair in enumerate(pairs)}
        for f in (lambda a: a, changed)
    )
    return sharpness_change({str(k): v for k, v in before.items()}, {str(k): v for k, v in now.items()})


@pytest.fixture(scope="module")
def pairs(plain_pair):
    return [plain_pair(0.0, seed, joint) for seed, joint in ((1, "MCP2"), (2, "PIP3"), (3, "MCP4"))]


@pytest.mark.parametrize(("blur_px", "least", "most"), [(0.75, 0.04, 0.3), (1.0, 0.08, 0.4), (1.5, 0.15, 0.8)])
def test_blur_widens_edges(pairs, blur_px, least, most):
    assert least < change(pairs, lambda a: ndimage.gaussian_filter(a, blur_px)) < most


def test_edge_enhancement_narrows_edges(pairs):
    assert change(pairs, sharpened) < -0.1


@pytest.mark.parametrize(
    "same",
    [
        lambda a: a**0.7,
        lambda a: a**1.5,
        lambda a: 0.2 + 0.6 * a,
        lambda a: np.clip(a + 0.01 * np.random.default_rng(0).standard_normal(a.shape), 0, 1),
        lambda a: a,
    ],
)
def test_curve_contrast_and_noise_change_little(pairs, same):
    assert abs(change(pairs, same)) < 0.06


def test_the_width_of_a_drawn_edge_is_found():
    """An edge that is a Gaussian step rises over sqrt(2 pi) standard deviations at its steepest slope."""
    cols = np.arange(160)
    masks = BoneMasks(*(np.zeros((160, 160), bool) for _ in range(2)))
    masks.upper[:70, 50:110], masks.lower[90:, 50:110] = True, True
    for sd_px in (2.0, 3.0, 4.0):
        step = ndimage.gaussian_filter1d(((cols >= 50) & (cols < 110)).astype(float), sd_px)
        pixels = np.broadcast_to(0.2 + 0.6 * step, (160, 160)).astype(np.float32)
        widths = edge_widths_mm(pixels, masks, 0.1)
        assert len(widths) == 4
        np.testing.assert_allclose(list(widths.values()), 0.1 * sd_px * np.sqrt(2 * np.pi), rtol=0.06)


@pytest.mark.parametrize("kind", ["no bone", "at the border", "flat"])
def test_edges_out_of_view_have_no_width(kind):
    masks = BoneMasks(*(np.zeros((160, 160), bool) for _ in range(2)))
    if kind != "no bone":
        masks.upper[:70], masks.lower[90:] = kind == "at the border", kind == "at the border"
        masks.upper[:70, 50:110], masks.lower[90:, 50:110] = True, True
    assert edge_widths_mm(np.full((160, 160), 0.5, np.float32), masks, 0.1) == {}
    assert np.isnan(sharpness_change({}, {}))
    assert np.isnan(sharpness_change({"MCP2": {("upper", "left"): 0.5}}, {"MCP2": {("upper", "left"): 1.0}}))
