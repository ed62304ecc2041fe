import numpy as np
import torch

from napari_jsn.localization.canvas import normalise, sample_square, upright_view, whole_view
from napari_jsn.localization.mean_hand import fit_similarity, mean_hand, transform_points


def test_the_whole_radiograph_lies_in_the_middle_of_the_square():
    pixels = np.full((512, 256), 0.5, np.float32)
    pixels[256:, :] = 1
    image, inside = sample_square(pixels, whole_view(pixels.shape))
    assert image.shape == inside.shape == (256, 256)
    assert not inside[:, :64].any() and inside[:, 64:192].all() and not inside[:, 192:].any()
    assert image[100, 128] == 0.5 and image[200, 128] == 1


def test_pixels_that_are_not_square_become_square():
    matrix = whole_view((100, 200), (2.0, 1.0))
    np.testing.assert_allclose(matrix[0, 0], 2 * matrix[1, 1])


def test_the_upright_view_shows_a_hand_at_one_size():
    model = mean_hand()
    for rotation, scale in ((30, 0.6), (-40, 3.0)):
        angle = np.deg2rad(rotation)
        points = scale * model @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + (300, 90)
        upright = transform_points(upright_view(fit_similarity(model, points, np.ones(14))), points)
        np.testing.assert_allclose(upright - upright.mean(0), 1.3 * model, atol=1e-6)
        assert (upright > 5).all() and (upright < 250).all()


def test_gain_and_offset_do_not_matter_and_bright_borders_leave_the_local_contrast():
    rng = np.random.default_rng(0)
    inside = torch.ones(1, 1, 256, 256, dtype=torch.bool)
    inside[..., :50] = False
    image = torch.from_numpy(rng.random((1, 1, 256, 256)).astype(np.float32)) * 0.1
    first, second = normalise(image, inside), normalise(5 * image + 2, inside)
    assert first.shape == (1, 2, 256, 256)
    torch.testing.assert_close(first, second, atol=1e-3, rtol=1e-3)
    assert (first[..., :50] == 0).all()
    bright = image.clone()
    bright[..., 230:] = 1
    local = normalise(bright, inside)[0, 1, 60:180, 80:180]
    assert local.std() > 0.6 * first[0, 1, 60:180, 80:180].std()
