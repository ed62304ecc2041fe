import numpy as np
import PIL.Image
import pytest
from scipy import ndimage

from napari_jsn import InputError, Joint, Radiograph, joint_image


@pytest.fixture(scope="module")
def pixels():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).random((240, 200)), 3)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


@pytest.mark.parametrize(("spacing", "side"), [(None, 60), (0.2, 60), ((0.4, 0.2), 60)])
def test_it_is_the_radiograph_seen_through_its_matrix(pixels, spacing, side):
    size = 60.0 if spacing is None else tuple(12 / np.broadcast_to(spacing, (2,)))
    joint = Joint.around("PIP3", "L", (110.3, 95.7), (0.9, 0.4), size)
    image = joint_image(Radiograph(pixels, spacing_mm=spacing), joint)
    assert image.pixels.shape == (side, side) and image.pixels.dtype == np.float32
    assert image.spacing_mm == (None if spacing is None else 0.2)
    matrix = image.to_radiograph
    np.testing.assert_allclose(matrix @ (29.5, 29.5, 1), (95.7, 110.3, 1))
    down = matrix[:2, 1] * np.broadcast_to(1.0 if spacing is None else spacing, (2,))[::-1]
    np.testing.assert_allclose(down / np.hypot(*down), np.array([0.4, 0.9]) / np.hypot(0.4, 0.9), atol=1e-9)
    for x, y in ((3, 5), (40, 17), (58, 59)):
        col, row, _ = matrix @ (x, y, 1)
        assert image.pixels[y, x] == pytest.approx(
            ndimage.map_coordinates(pixels, [[row], [col]], order=3, mode="nearest")[0], abs=1e-3
        )


def test_an_upright_box_on_whole_pixels_changes_nothing(pixels):
    joint = Joint.around("PIP3", "L", (99.5, 79.5), (1, 0), 40)
    np.testing.assert_allclose(joint_image(pixels, joint).pixels, pixels[80:120, 60:100], atol=1e-5)


def test_the_border_is_repeated_outside(pixels):
    image = joint_image(pixels, Joint.around("DIP3", "L", (5, 100), (1, 0), 40))
    np.testing.assert_allclose(image.pixels[0], image.pixels[5], atol=0.05)


@pytest.mark.parametrize(
    ("centre", "size", "words"),
    [((100, 100), 10, "only 10 x 10 pixels"), ((-500, 100), 60, "lies outside the radiograph")],
)
def test_boxes_that_cannot_be_cropped_are_reported(pixels, centre, size, words):
    with pytest.raises(InputError, match=words):
        joint_image(pixels, Joint.around("MCP2", "L", centre, (1, 0), size))


def test_a_path_an_array_and_a_radiograph_give_the_same_image(pixels, tmp_path):
    stored = (255 * pixels).round().astype(np.uint8)
    PIL.Image.fromarray(stored).save(tmp_path / "hand.png")
    joint = Joint.around("PIP3", "L", (110.3, 95.7), (0.9, 0.4), 60)
    expected = joint_image(Radiograph(stored, spacing_mm=0.2), joint)
    for given in (tmp_path / "hand.png", str(tmp_path / "hand.png"), stored, Radiograph(stored)):
        image = joint_image(given, joint, spacing_mm=0.2)
        assert image.spacing_mm == 0.2
        np.testing.assert_array_equal(image.pixels, expected.pixels)


def test_a_given_column_spacing_respects_the_pixel_aspect(pixels):
    joint = Joint.around("PIP3", "L", (110.3, 95.7), (1.0, 0.0), (30, 60))
    radiograph = Radiograph(pixels, pixel_aspect=2.0)
    expected = joint_image(radiograph, joint, spacing_mm=(0.4, 0.2))
    np.testing.assert_array_equal(joint_image(radiograph, joint, spacing_mm=0.2).pixels, expected.pixels)


@pytest.mark.parametrize(
    ("given", "words"), [("missing.png", "no file"), (np.zeros((40, 40)), "contrast"), (np.zeros(40), "The radiograph")]
)
def test_what_is_not_a_radiograph_is_reported(given, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        joint_image(given, Joint.around("PIP3", "L", (20, 20), (1, 0), 30))


@pytest.mark.parametrize(("pixel_mm", "step"), [(0.04, 1), (0.03, 2), (0.02, 3), ((0.03, 0.015), 4)])
def test_fine_pixels_are_averaged(pixel_mm, step):
    """Blobs are where the matrix says, whatever the size of a pixel; the image has 350 to 700 pixels."""
    size = np.broadcast_to(pixel_mm, (2,))
    rows, cols = np.indices(tuple((24 / size).astype(int)), dtype=np.float32) * size[:, None, None]
    blob = np.exp(-((rows - 14.5) ** 2 + (cols - 9.2) ** 2) / (2 * 0.6**2)).astype(np.float32)
    joint = Joint.around("PIP3", "L", tuple(12 / size), (1.0, 0.0), tuple(22.2 / size))
    image = joint_image(Radiograph(blob, spacing_mm=pixel_mm), joint)
    assert image.spacing_mm == pytest.approx(step * size.min())
    assert 350 <= image.pixels.shape[0] < 700 and image.pixels.shape[0] == image.pixels.shape[1]
    weights = image.pixels / image.pixels.sum()
    y, x = (weights * np.indices(weights.shape)).reshape(2, -1).sum(axis=1)
    np.testing.assert_allclose((image.to_radiograph @ (x, y, 1))[1::-1] * size, (14.5, 9.2), atol=2e-3)


def test_pixels_of_unknown_size_are_kept():
    image = joint_image(np.random.default_rng(1).random((900, 900)), Joint.around("PIP3", "L", (450, 450), (1, 0), 800))
    assert image.pixels.shape == (800, 800)
