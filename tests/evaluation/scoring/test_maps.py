import numpy as np
import pytest

from napari_jsn.evaluation.scoring import maps
from napari_jsn.evaluation.scoring.maps import check_maps, maps_table
from napari_jsn.scoring.two_stage.grader import TwoStageGrader
from tests.scoring.small_model import save_small_model
from tests.scoring.training.test_task import patients


@pytest.fixture(scope="module")
def grader(tmp_path_factory):
    return TwoStageGrader(save_small_model(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture(scope="module")
def eroded():
    """Patients whose erosions all lie in one corner of the images."""
    some = patients(1, 2)
    masks = np.zeros((1, 2, 14, 60, 60), np.uint8)
    masks[..., 10:14, 10:14] = 255
    return some.__class__(**{**vars(some), "erosions": masks})


def test_maps_that_point_at_the_erosion_are_near(eroded, grader, monkeypatch):
    def pointing(used, images, there, token, kind, method):
        shown = np.zeros((96, 96), np.float32)
        row = 12 if used is grader else 80
        shown[row, 12] = 1.0
        return shown

    monkeypatch.setattr(maps, "joint_map", pointing)
    (found,) = check_maps(eroded, grader, ["areas"], 5)
    assert found.joints == 5
    assert (found.near, found.near_random) == (1, 0)
    assert 0 < found.by_chance < 0.2


def test_each_method_is_checked(eroded, grader):
    found = check_maps(eroded, grader, ["areas", "grad-cam"], 2)
    assert [each.method for each in found] == ["areas", "grad-cam"]
    assert all(0 <= each.near <= 1 for each in found)
    assert len(maps_table(found)) == 4
