"""Starting poses of refinement: the network's prediction, and a correlation search where the NCC stays low."""

import numpy as np
import pytest
import torch

from napari_jsn.evaluation.registration.known_motion import KnownMotion, make_pair
from napari_jsn.registration.gauss_newton import solve as solver
from napari_jsn.registration.gauss_newton.bone_batch import Pose, build_bone_batch
from napari_jsn.registration.gauss_newton.start import correlation_search, network_pose
from napari_jsn.registration.methods import PreparedPair

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def far(simulated):
    """A follow-up with a large known motion: the motion, the pair and its batch."""
    motion = KnownMotion(rotation_deg=12.0, scale=0.06, translation_px=12.0, noise=0.03)
    rng = np.random.default_rng(3)
    known = make_pair(simulated.fixed, simulated.fixed_masks, simulated.spacing_mm, rng, motion)
    pair = PreparedPair(
        known.fixed, known.moving, known.fixed_masks, known.moving_masks, known.point, known.axis, known.spacing_mm
    )  # fmt: skip
    return known, pair, build_bone_batch([pair], CPU, torch.float32)


def distance_px(batch, pose, known):
    """Distance of each bone's centre under the pose from its true position."""
    found = batch.maps(pose)
    middle = (batch.origin + batch.centre).double().numpy()
    truth = [known.upper, np.linalg.inv(known.upper), known.lower, np.linalg.inv(known.lower)]
    there = [(a - b) @ (*point, 1.0) for a, b, point in zip(found, truth, middle, strict=True)]
    return np.linalg.norm(np.array(there)[:, :2], axis=1)


def test_the_network_starts_near_where_images_lie_far_apart(far):
    known, pair, batch = far
    identity = solver._identity([pair], batch)
    assert distance_px(batch, identity, known).max() > 5
    assert distance_px(batch, network_pose([pair], batch), known).max() < 2.5


def test_each_pair_is_started_independently(far, simulated):
    _, pair, batch = far
    masks = simulated.fixed_masks
    other = PreparedPair(simulated.fixed, simulated.fixed, masks, masks, pair.point, pair.axis, pair.spacing_mm)
    both = network_pose([other, pair], build_bone_batch([other, pair], CPU, torch.float32))
    alone = network_pose([pair], batch)
    torch.testing.assert_close(both.linear[4:], alone.linear, atol=1e-4, rtol=0)


def test_a_search_helps_where_the_network_is_wrong(far):
    known, _, batch = far
    wrong = Pose(torch.eye(2).repeat(4, 1, 1), correlation_search(batch).translation + 40)
    pose = solver.full_pose(solver._start(batch, batch.halved(), wrong))
    assert distance_px(batch, pose, known)[:2].max() < 0.5  # the search finds the upper bone of this pair


def test_selected_registrations_equal_those_of_the_batch(far):
    _, _, batch = far
    chosen = torch.tensor([False, True, False, True])
    some = batch.select(chosen)
    assert len(some) == 2
    torch.testing.assert_close(some.contrast, batch.contrast[chosen])
    torch.testing.assert_close(some.coefficients, batch.coefficients[chosen])
