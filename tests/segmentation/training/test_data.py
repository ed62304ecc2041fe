import numpy as np
import pytest

from napari_jsn import InputError
from napari_jsn.segmentation.training.data import samples, simulated_joints, simulated_samples


def test_a_split_keeps_groups_together(joint):
    made = samples([joint(seed=seed, group=f"g{seed // 3}") for seed in range(30)], 32)
    rest, taken = made.split(0.2)
    assert (len(rest), len(taken)) == (24, 6)
    assert not set(rest.groups) & set(taken.groups)
    assert len(rest + taken) == 30


def test_masks_reach_the_border_where_the_image_cuts_the_bone(joint):
    drawn = joint(256)
    drawn.masks.upper[:2] = False
    drawn.masks.upper[2:4, ::2] = False
    small = samples([drawn], 128)
    assert small.images.shape == (1, 1, 128, 128) and small.masks.shape == (1, 2, 128, 128)
    np.testing.assert_array_equal(small.masks[0, 0, 0], small.masks[0, 0, 10])


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(InputError, match="no joint images"):
        samples([])


def test_simulated_joints_are_kept_for_the_next_time(tmp_path):
    made = simulated_samples(3, 5, tmp_path, 32)
    (path,) = tmp_path.iterdir()
    assert (len(made), made.joints[0], path.suffix) == (3, made.joints[1], ".npz")
    again = simulated_samples(3, 5, tmp_path, 32)
    np.testing.assert_array_equal(again.masks, made.masks)
    assert again.groups == made.groups


def test_simulated_joints_are_of_the_kinds_asked_for():
    found = list(simulated_joints(4, 0, ("IP1", "DIP3")))
    assert [each.joint for each in found] == ["IP1", "IP1", "DIP3", "DIP3"]
    for each in found:
        assert each.masks.upper.mean() > 0.05 and each.masks.lower.mean() > 0.05
