"""Finding the two bones without learning, on simulated joints."""

import numpy as np
import pytest
from scipy import ndimage

from napari_jsn.joint import BoneMasks
from napari_jsn.registration.frame import facing_margins
from napari_jsn.segmentation.classical import bone_within, find_gap, separate


@pytest.fixture(scope="module", params=[(0.3, 1), (-0.6, 2), (0.8, 3)], ids=str)
def pair(request, plain_pair):
    return plain_pair(*request.param)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def alike(found, true, least=0.93):
    assert dice(found.upper, true.upper) > least
    assert dice(found.lower, true.lower) > least


def test_simulated_bones_are_found(pair):
    for image, true in ((pair.fixed, pair.fixed_masks), (pair.moving, pair.moving_masks)):
        found = separate(image)
        assert isinstance(found, BoneMasks) and found.shape == image.shape
        alike(found, true)
        assert not (found.upper & found.lower).any()


def test_the_gap_runs_between_the_bones_where_they_do_not_overlap(pair):
    gap = find_gap(pair.moving)
    bottom, top = facing_margins(pair.moving_masks)
    columns = np.indices(gap.shape)[0]
    open_ = (abs(columns - 64) < 24) & (top > bottom)
    assert gap.shape == (128,)
    assert open_.sum() > 15
    assert ((gap >= bottom - 2) & (gap <= top + 2))[open_].all()
    assert (np.abs(np.diff(gap)) <= 1).all()


def test_exposure_and_a_slope_of_soft_tissue_do_not_matter(pair):
    across = np.linspace(-0.1, 0.1, 128)
    alike(separate(0.6 * pair.fixed + 0.2), pair.fixed_masks)
    alike(separate(np.clip(pair.fixed + across[None, :], 0, 1)), pair.fixed_masks, 0.9)


def test_other_resolutions(pair):
    for zoom in (0.6, 2.0):
        image = np.clip(ndimage.zoom(pair.fixed, zoom, order=3), 0, 1)
        true = [
            ndimage.zoom(mask.astype(float), zoom, order=1) > 0.5
            for mask in (pair.fixed_masks.upper, pair.fixed_masks.lower)
        ]
        alike(separate(image), BoneMasks(*true), 0.9)


def test_a_mirrored_image_has_mirrored_bones(pair):
    found, mirrored = separate(pair.fixed), separate(pair.fixed[:, ::-1])
    alike(BoneMasks(mirrored.upper[:, ::-1], mirrored.lower[:, ::-1]), found, 0.98)


def test_the_bone_lies_within_its_region_and_in_one_piece(pair):
    region = np.indices((128, 128))[0] < find_gap(pair.fixed)[None, :]
    bone = bone_within(pair.fixed, region)
    assert not (bone & ~region).any()
    assert ndimage.label(bone)[1] == 1
    assert dice(bone, pair.fixed_masks.upper) > 0.93


def test_a_region_without_contrast_is_kept_as_it_is():
    region = np.indices((40, 40))[0] < 20
    np.testing.assert_array_equal(bone_within(np.full((40, 40), 0.5, np.float32), region), region)
    tiny = np.zeros((40, 40), bool)
    tiny[:3, :3] = True
    np.testing.assert_array_equal(bone_within(np.random.default_rng(0).random((40, 40)), tiny), tiny)


@pytest.mark.parametrize("image", [np.zeros((64, 64), np.float32), np.random.default_rng(0).random((64, 48))])
def test_images_without_a_joint_are_separated_all_the_same(image):
    found = separate(image)
    assert found.shape == image.shape and found.upper.dtype == bool
    assert not (found.upper & found.lower).any()
