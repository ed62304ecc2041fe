import numpy as np
import pytest
import torch

from napari_jsn.segmentation.canvas import from_canvas, normalise, to_canvas


@pytest.mark.parametrize("shape", [(256, 256), (127, 127), (90, 60), (61, 140), (30, 30)])
def test_there_and_back_keeps_every_point_in_its_place(shape):
    row, col = np.indices(shape) / max(shape)
    found = from_canvas(to_canvas(np.stack([row, col]).astype(np.float32)), shape).numpy()
    assert found.shape == (2, *shape)
    inner = (slice(None), slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(found[inner], np.stack([row, col])[inner], atol=0.35 / min(128, max(shape)))


def test_normalised_images_do_not_depend_on_gain_and_offset():
    images = torch.rand(3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(normalise(0.3 * images + 0.2), normalise(images), atol=1e-4, rtol=0)


def test_an_even_image_gives_numbers():
    assert torch.isfinite(normalise(torch.ones(1, 1, 8, 8))).all()
