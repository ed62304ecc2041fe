import pytest
import torch

from napari_jsn.networks.canvas import centred_padding, pad_to_square, pixel_points, sample_planes


@pytest.mark.parametrize(
    ("shape", "padding"), [((4, 7), (0, 0, 1, 2)), ((2, 7, 4), (1, 2, 0, 0)), ((6, 6), (0, 1, 0, 1))]
)
def test_an_image_lies_in_the_middle_of_its_square(shape, padding):
    assert centred_padding(shape, 7) == padding


def test_border_pixels_fill_the_square():
    square = pad_to_square(torch.tensor([[[[1.0, 2.0, 3.0]]]]), 3)
    torch.testing.assert_close(square[0, 0], torch.tensor([[1.0, 2.0, 3.0]]).expand(3, 3))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_points_are_pixel_centres_at_integers(mode):
    planes = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    points = pixel_points(16, planes).expand(2, -1, -1, -1)
    assert points[0, 2, 5].tolist() == [5.0, 2.0]
    torch.testing.assert_close(sample_planes(planes, points, mode=mode), planes, atol=1e-5, rtol=0)
    shifted = sample_planes(planes, points + torch.tensor([1.0, 0.0]), "zeros", mode)
    torch.testing.assert_close(shifted[..., :-1], planes[..., 1:], atol=1e-5, rtol=0)
    assert shifted[..., -1].abs().max() < 1e-5


def test_planes_averaged_over_blocks_keep_their_place():
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    blocks = torch.nn.functional.avg_pool2d(ramp, 2)
    points = pixel_points(16, ramp)[None, 4:12, 4:12]
    torch.testing.assert_close(sample_planes(blocks, points, step=2)[0, 0], points[0, ..., 0])
