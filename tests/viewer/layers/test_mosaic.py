"""Joint images composed on whole radiographs, and sampled again."""

import numpy as np
import pytest
from napari.layers import Image

from napari_jsn.joint import Joint
from napari_jsn.joint.crop import joint_image
from napari_jsn.joint.similarity import affine_rc
from napari_jsn.viewer.layers.mosaic import Mosaic, PixelGrid
from napari_jsn.viewer.layers.radiograph import read_radiograph_layer, separate_layers, transform_points
from napari_jsn.viewer.layers.read_layer import world_matrix

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


@pytest.fixture
def radiograph():
    rows, cols = np.mgrid[:120, :90] / 120
    return read_radiograph_layer(Image((rows + cols**2) / 2, translate=(3, 4), **MM), 1)


def cut(radiograph, centre, rotation_deg, size=30):
    """Return a joint image and the matrix from it to world coordinates."""
    axis = np.cos(np.deg2rad(rotation_deg)), np.sin(np.deg2rad(rotation_deg))
    image = joint_image(radiograph.pixels, Joint.around("MCP2", "L", centre, axis, size))
    return image.pixels, radiograph.to_world @ affine_rc(image.to_radiograph)


def test_the_world_matrix_is_that_of_napari():
    layer = Image(np.zeros((5, 6)), scale=(2, 3), translate=(10, 20), rotate=30)
    np.testing.assert_allclose(transform_points(world_matrix(layer), (4, 5)), layer.data_to_world((4, 5)))


def test_the_grid_over_one_radiograph_is_that_of_its_pixels(radiograph):
    grid = PixelGrid.covering([radiograph])
    assert grid.shape == (120, 90)
    np.testing.assert_allclose(grid.scale, (0.2, 0.2))
    np.testing.assert_allclose(grid.translate, (3, 4))


def test_the_grid_over_two_radiographs_has_the_finer_pixels(radiograph):
    other = read_radiograph_layer(Image(np.eye(50), scale=(0.4, 0.4), translate=(1, 30), units=("mm", "mm")), 1)
    grid = PixelGrid.covering([radiograph, other])
    np.testing.assert_allclose(grid.scale, (0.2, 0.2))
    np.testing.assert_allclose(grid.translate, (1, 4))
    corner = transform_points(grid.to_world, np.array(grid.shape) - 1)
    np.testing.assert_allclose(corner, (26.8, 49.6), atol=0.2)


def test_joint_images_are_composed_where_they_were_cut(radiograph):
    cuts = [cut(radiograph, (40, 40), 20), cut(radiograph, (80, 45), -35)]
    mosaic = Mosaic(PixelGrid.covering([radiograph]), [(matrix, pixels.shape) for pixels, matrix in cuts])
    whole = mosaic.compose([pixels for pixels, _ in cuts])
    filled = np.isfinite(whole)
    assert 1500 < filled.sum() < 1900 and not filled[0, 0]
    np.testing.assert_allclose(whole[filled], radiograph.pixels[filled], atol=0.004)
    assert np.isnan(mosaic.compose([None, cuts[1][0]])[40, 40])


def test_where_images_overlap_each_pixel_is_of_the_nearest_joint(radiograph):
    cuts = [cut(radiograph, (60, 40), 0), cut(radiograph, (60, 56), 0)]
    mosaic = Mosaic(PixelGrid.covering([radiograph]), [(matrix, pixels.shape) for pixels, matrix in cuts])
    whole = mosaic.compose([np.full(pixels.shape, k + 1) for k, (pixels, _) in enumerate(cuts)], empty=0, order=0)
    assert whole[60, 47] == 1 and whole[60, 49] == 2
    painted = whole.copy()
    painted[55:58, 50:53] = 3
    assert mosaic.changed_pixels(whole, painted, 0) is None
    changed = mosaic.changed_pixels(whole, painted, 1)
    assert changed.sum() == 9 and changed[55, 50]


def test_painted_labels_are_sampled_on_the_joint_image(radiograph):
    pixels, matrix = cut(radiograph, (60, 40), 25)
    mosaic = Mosaic(PixelGrid.covering([radiograph]), [(matrix, pixels.shape)])
    labels = np.zeros(pixels.shape, np.uint8)
    labels[5:14, 8:20], labels[16:25, 8:20] = 1, 2
    back = mosaic.sample(mosaic.compose([labels], empty=0, order=0), matrix, labels.shape)
    assert (back != labels).mean() < 0.06  # nearest pixels there and back move edges by half a pixel


def test_a_joint_at_the_border_of_the_radiograph(radiograph):
    pixels, matrix = cut(radiograph, (2, 3), 10)
    whole = Mosaic(PixelGrid.covering([radiograph]), [(matrix, pixels.shape)]).compose([pixels])
    assert np.isfinite(whole[2, 3]) and np.isfinite(whole).sum() < pixels.size / 2


def test_layers_that_overlap_are_separated():
    radiographs = [Image(np.eye(20), **MM) for _ in range(3)]
    radiographs[2].translate = (0, 50)
    separate_layers(radiographs, radiographs[0].units)
    lows, highs = zip(*(radiograph.extent.world[:, 1] for radiograph in radiographs))
    assert highs[0] < lows[1] and highs[1] < lows[2] and lows[2] == pytest.approx(50)
