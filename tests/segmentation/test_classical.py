"""Finding the bone within a region without learning, on simulated joints."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.segmentation.classical import bone_within


@pytest.fixture(scope="module", params=[(0.3, 1), (-0.6, 2), (0.8, 3)], ids=str)
def pair(request, plain_pair):
    return plain_pair(*request.param)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def sides(masks):
    """The image parted midway along the gap."""
    to_upper, to_lower = (ndimage.distance_transform_edt(~mask) for mask in (masks.upper, masks.lower))
    return to_upper < to_lower


def test_simulated_bones_are_found_in_one_piece(pair):
    for image, masks in ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)):
        above = sides(masks)
        for region, true in ((above, masks.upper), (~above, masks.lower)):
            bone = bone_within(image, region)
            assert not (bone & ~region).any()
            assert ndimage.label(bone)[1] == 1
            assert dice(bone, true) > 0.93


def test_exposure_and_a_slope_of_soft_tissue_do_not_matter(pair):
    above, across = sides(pair.fixed_masks), np.linspace(-0.1, 0.1, 128)
    assert dice(bone_within(0.6 * pair.fixed + 0.2, above), pair.fixed_masks.upper) > 0.93
    assert dice(bone_within(np.clip(pair.fixed + across[None, :], 0, 1), above), pair.fixed_masks.upper) > 0.9


def test_a_region_without_contrast_is_kept_as_it_is():
    region = np.indices((40, 40))[0] < 20
    np.testing.assert_array_equal(bone_within(np.full((40, 40), 0.5, np.float32), region), region)
    tiny = np.zeros((40, 40), bool)
    tiny[:3, :3] = True
    np.testing.assert_array_equal(bone_within(np.random.default_rng(0).random((40, 40)), tiny), tiny)
