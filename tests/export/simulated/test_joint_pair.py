import pandas as pd
import pytest

from napari_jsn.common.files import write_files
from napari_jsn.export.simulated.joint_pair import FIXED, FIXED_MASK, MOVING, MOVING_MASK, TRUTH, pair_files
from napari_jsn.joint.read_masks import read_masks
from napari_jsn.radiograph import read_radiograph
from napari_jsn.viewer.file_readers.readers import find_pair


@pytest.fixture
def folder(simulated, tmp_path):
    write_files(tmp_path, pair_files(simulated))
    return tmp_path


def test_images_and_masks_read_back(simulated, folder):
    for image, masks, pixels, truth in (
        (FIXED, FIXED_MASK, simulated.fixed, simulated.fixed_masks),
        (MOVING, MOVING_MASK, simulated.moving, simulated.moving_masks),
    ):
        assert read_radiograph(folder / image).pixels == pytest.approx(pixels, abs=0.5 / 255 + 1e-6)
        assert (read_masks(folder / masks).labels == truth.labels).all()


def test_the_truth_of_both_visits_stands_beside_them(simulated, folder):
    baseline, followup = pd.read_csv(folder / TRUTH).itertuples()
    assert (baseline.file, baseline.visit, followup.file, followup.visit) == (FIXED, 1, MOVING, 2)
    assert (followup.joint, followup.side, followup.spacing_mm) == ("MCP2", "L", 0.175)
    assert (baseline.jsn_mm, baseline.jsn_projected_mm) == (0, 0)
    assert followup.jsn_mm == pytest.approx(0.3)
    assert followup.jsn_projected_mm == pytest.approx(simulated.jsn_projected_mm, rel=1e-5)
    assert followup.lower_dy_px == pytest.approx(simulated.lower.dy, rel=1e-5)
    assert (baseline.centre_x_px, baseline.axis_x) == pytest.approx((simulated.point[0], simulated.axis[0]), rel=1e-4)


def test_the_viewer_opens_them_as_a_pair(folder):
    roles = {"fixed": FIXED, "moving": MOVING, "fixed_masks": FIXED_MASK, "moving_masks": MOVING_MASK}
    assert find_pair(str(folder)) == {role: str(folder / name) for role, name in roles.items()}
