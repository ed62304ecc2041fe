"""The regions of the bones of a batch."""

import pytest
import torch
import torch.nn.functional as F

from napari_jsn.networks.layers import moving_maximum


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 11, 15])
def test_a_moving_maximum_is_that_of_a_square(size):
    stack = torch.rand(3, 21, 17, generator=torch.Generator().manual_seed(size))
    assert torch.equal(moving_maximum(stack, size), F.max_pool2d(stack[:, None], size, 1)[:, 0])
