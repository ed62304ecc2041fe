import numpy as np
import pytest

from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.training.data import TrainingHand
from napari_jsn.localization.training.scenes import draw_scene, draw_scene_of_foot


@pytest.fixture(scope="module")
def hands():
    """Dark radiographs with a bright dot on every joint."""
    made = []
    for seed in range(3):
        points = 1.4 * mean_hand() + (115, 120) + np.random.default_rng(seed).normal(0, 2, (14, 2))
        image = np.full((330, 235), 40, np.uint8)
        for x, y in np.rint(points).astype(int):
            image[y - 2 : y + 3, x - 2 : x + 3] = 250
        made.append(TrainingHand(image, points, group=str(seed), name=str(seed)))
    return made


@pytest.mark.parametrize("kind", ["whole", "upright", "two"])
def test_joints_lie_where_they_are_said_to(hands, kind):
    rng = np.random.default_rng(4)
    bright, sides = [], set()
    for k in range(30):
        made = draw_scene(hands, k % 3, rng, kind)
        assert made.image.shape == made.inside.shape == (256, 256) and made.points.shape == (28, 2)
        for which, (x, y) in enumerate(made.points):
            if np.isfinite(x):
                sides.add(which // 14)
                assert made.inside[round(y), round(x)]
                near = made.image[max(0, round(y) - 3) : round(y) + 4, max(0, round(x) - 3) : round(x) + 4]
                bright.append(float(np.ptp(near)))
    assert sides == {0, 1}
    assert np.median(bright) > 0.2 and np.mean(np.array(bright) > 0.05) > 0.95


def test_some_scenes_show_no_joint_and_chance_is_repeatable(hands):
    assert all(np.isnan(draw_scene(hands, 0, np.random.default_rng(k), "none").points).all() for k in range(12))
    first, again = (draw_scene(hands, 1, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.points, again.points)


def test_fingers_are_cut_off_now_and_then(hands):
    rng = np.random.default_rng(0)
    seen = [np.isfinite(draw_scene(hands, 0, rng, "upright").points[:, 0]).sum() for _ in range(40)]
    assert max(seen) == 14 and min(seen) < 14


def test_a_scene_of_a_foot_shows_the_foot_and_no_joint(hands):
    for seed in range(6):
        scene = draw_scene_of_foot(hands[seed % 3], np.random.default_rng(seed))
        assert scene.points.shape == (28, 2) and np.isnan(scene.points).all()
        assert np.ptp(scene.image) > 0.2 and scene.inside.any()
