"""Where refinement starts: what the network says, and a search where that leaves the images unlike."""

import numpy as np
import pytest
import torch

from napari_jsn.evaluation.registration.known_motion import KnownMotion, make_pair
from napari_jsn.registration.gauss_newton import solve as solutions
from napari_jsn.registration.gauss_newton.bone_batch import Pose, build
from napari_jsn.registration.gauss_newton.start import learned, search
from napari_jsn.registration.methods import Pair

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def far(simulated):
    """A follow-up that lies far off, and the question it asks."""
    motion = KnownMotion(rotation_deg=12.0, scale=0.06, translation_px=12.0, noise=0.03)
    rng = np.random.default_rng(3)
    known = make_pair(simulated.fixed, simulated.fixed_masks, simulated.spacing_mm, rng, motion)
    pair = Pair(
        known.fixed, known.moving, known.fixed_masks, known.moving_masks, known.point, known.axis, known.spacing_mm
    )  # fmt: skip
    return known, pair, build([pair], CPU, torch.float32)


def distance_px(problems, pose, known):
    """How far each pose takes the middle of its bone from where it truly lies."""
    found = problems.maps(pose)
    middle = (problems.origin + problems.centre).double().numpy()
    truth = [known.upper, np.linalg.inv(known.upper), known.lower, np.linalg.inv(known.lower)]
    there = [(a - b) @ (*point, 1.0) for a, b, point in zip(found, truth, middle, strict=True)]
    return np.linalg.norm(np.array(there)[:, :2], axis=1)


def test_the_network_starts_near_where_images_lie_far_apart(far):
    known, pair, problems = far
    still = solutions._unmoved([pair], problems)
    assert distance_px(problems, still, known).max() > 5
    assert distance_px(problems, learned([pair], problems), known).max() < 2.5


def test_each_problem_is_started_by_itself(far, simulated):
    _, pair, problems = far
    masks = simulated.fixed_masks
    other = Pair(simulated.fixed, simulated.fixed, masks, masks, pair.point, pair.axis, pair.spacing_mm)
    both = learned([other, pair], build([other, pair], CPU, torch.float32))
    alone = learned([pair], problems)
    torch.testing.assert_close(both.linear[4:], alone.linear, atol=1e-4, rtol=0)


def test_a_search_helps_where_the_network_is_wrong(far):
    known, _, problems = far
    wrong = Pose(torch.eye(2).repeat(4, 1, 1), search(problems).shift + 40)
    pose = solutions.full_pose(solutions._start(problems, problems.halved(), wrong))
    assert distance_px(problems, pose, known)[:2].max() < 0.5  # of this pair the search finds the upper bone


def test_some_of_the_problems_are_those_problems(far):
    _, _, problems = far
    chosen = torch.tensor([False, True, False, True])
    some = problems.of(chosen)
    assert len(some) == 2
    torch.testing.assert_close(some.contrast, problems.contrast[chosen])
    torch.testing.assert_close(some.coefficients, problems.coefficients[chosen])
