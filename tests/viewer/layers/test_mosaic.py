"""Joint images laid on whole films and read back."""

import numpy as np
import pytest
from napari.layers import Image

from napari_jsn.joint import Joint
from napari_jsn.joint.crop import joint_image
from napari_jsn.joint.similarity import affine_rc
from napari_jsn.viewer.layers.mosaic import Mosaic, PixelGrid
from napari_jsn.viewer.layers.radiograph import read_radiograph_layer, separate_layers, transform_points, world_matrix

MM = {"scale": (0.2, 0.2), "units": ("mm", "mm")}


@pytest.fixture
def film():
    rows, cols = np.mgrid[:120, :90] / 120
    return read_radiograph_layer(Image((rows + cols**2) / 2, translate=(3, 4), **MM), 1)


def cut(film, centre, turn_deg, size=30):
    """A joint's image, and the matrix from it to the screen."""
    axis = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    image = joint_image(film.pixels, Joint.around("MCP2", "L", centre, axis, size))
    return image.pixels, film.to_world @ affine_rc(image.to_radiograph)


def test_a_layer_lies_where_napari_puts_it():
    layer = Image(np.zeros((5, 6)), scale=(2, 3), translate=(10, 20), rotate=30)
    np.testing.assert_allclose(transform_points(world_matrix(layer), (4, 5)), layer.data_to_world((4, 5)))


def test_the_sheet_over_one_film_is_its_own_grid(film):
    sheet = PixelGrid.covering([film])
    assert sheet.shape == (120, 90)
    np.testing.assert_allclose(sheet.scale, (0.2, 0.2))
    np.testing.assert_allclose(sheet.translate, (3, 4))


def test_the_sheet_over_two_films_has_the_finer_pixels(film):
    other = read_radiograph_layer(Image(np.eye(50), scale=(0.4, 0.4), translate=(1, 30), units=("mm", "mm")), 1)
    sheet = PixelGrid.covering([film, other])
    np.testing.assert_allclose(sheet.scale, (0.2, 0.2))
    np.testing.assert_allclose(sheet.translate, (1, 4))
    corner = transform_points(sheet.to_world, np.array(sheet.shape) - 1)
    np.testing.assert_allclose(corner, (26.8, 49.6), atol=0.2)


def test_joint_images_come_back_to_the_pixels_they_were_cut_from(film):
    cuts = [cut(film, (40, 40), 20), cut(film, (80, 45), -35)]
    mosaic = Mosaic(PixelGrid.covering([film]), [(matrix, pixels.shape) for pixels, matrix in cuts])
    whole = mosaic.compose([pixels for pixels, _ in cuts])
    laid = np.isfinite(whole)
    assert 1500 < laid.sum() < 1900 and not laid[0, 0]
    np.testing.assert_allclose(whole[laid], film.pixels[laid], atol=0.004)
    assert np.isnan(mosaic.compose([None, cuts[1][0]])[40, 40])


def test_where_images_overlap_each_has_what_lies_nearest(film):
    cuts = [cut(film, (60, 40), 0), cut(film, (60, 56), 0)]
    mosaic = Mosaic(PixelGrid.covering([film]), [(matrix, pixels.shape) for pixels, matrix in cuts])
    whole = mosaic.compose([np.full(pixels.shape, k + 1) for k, (pixels, _) in enumerate(cuts)], empty=0, order=0)
    assert whole[60, 47] == 1 and whole[60, 49] == 2
    painted = whole.copy()
    painted[55:58, 50:53] = 3
    assert mosaic.changed_pixels(whole, painted, 0) is None
    changed = mosaic.changed_pixels(whole, painted, 1)
    assert changed.sum() == 9 and changed[55, 50]


def test_paint_comes_back_to_the_joint_image(film):
    pixels, matrix = cut(film, (60, 40), 25)
    mosaic = Mosaic(PixelGrid.covering([film]), [(matrix, pixels.shape)])
    labels = np.zeros(pixels.shape, np.uint8)
    labels[5:14, 8:20], labels[16:25, 8:20] = 1, 2
    back = mosaic.sample(mosaic.compose([labels], empty=0, order=0), matrix, labels.shape)
    assert (back != labels).mean() < 0.06  # nearest pixels there and back move edges by half a pixel


def test_a_joint_at_the_border_of_the_film(film):
    pixels, matrix = cut(film, (2, 3), 10)
    whole = Mosaic(PixelGrid.covering([film]), [(matrix, pixels.shape)]).compose([pixels])
    assert np.isfinite(whole[2, 3]) and np.isfinite(whole).sum() < pixels.size / 2


def test_films_over_each_other_are_laid_apart():
    films = [Image(np.eye(20), **MM) for _ in range(3)]
    films[2].translate = (0, 50)
    separate_layers(films)
    lows, highs = zip(*(film.extent.world[:, 1] for film in films))
    assert highs[0] < lows[1] and highs[1] < lows[2] and lows[2] == pytest.approx(50)
