import numpy as np
import pytest
from PIL import Image

from napari_jsn.cli import main
from napari_jsn.common.errors import InputError
from napari_jsn.evaluation.scoring.stability import Exposures, read_exposures, stability, stability_lines
from napari_jsn.scoring.crops.site_image import kept_of_joint_image
from tests.scoring.small_model import save_small_model


class Bright:
    """A network whose grade is the mean grey level over 10; black images cannot be graded."""

    def probabilities(self, images, there):
        level = images.mean((2, 3)) // 10
        grades = {"jsn": np.eye(5), "erosion": np.eye(6)}
        return {kind: each[level.astype(int).clip(0, 4)] for kind, each in grades.items()}, (level > 0) * 1.0


def exposures(*levels, side="L"):
    return Exposures("a", side, "MCP3", np.stack([np.full((120, 120), 10 * each, np.uint8) for each in levels]))


def test_pairs_of_images_of_one_joint_are_compared():
    found = stability([exposures(1, 2, 4), exposures(3, 3, side="R"), exposures(0, 2)], Bright())
    assert (found.joints, found.images, found.pairs) == (3, 7, 4)
    assert found.scored == pytest.approx(6 / 7)
    assert found.within_one["jsn"] == pytest.approx(2 / 4) and found.same["erosion"] == pytest.approx(1 / 4)
    assert found.grades["jsn"].tolist() == pytest.approx([0, 1 / 6, 2 / 6, 2 / 6, 1 / 6])
    assert "not accuracy" in stability_lines(found)[0]


@pytest.mark.parametrize("side", ["L", "R"])
def test_the_picture_of_a_joint_is_scaled_to_the_kept_side(side):
    picture = np.zeros((256, 256), np.float32)
    picture[:, :128] = 1.0  # bright on the left
    for mm in (20.0, 24.0, 30.0):
        kept = kept_of_joint_image(picture, side, 24.0, mm)
        assert kept.shape == (120, 120)
        assert (kept[60, 30] > kept[60, 90]) == (side == "L")


def test_the_command_reads_a_folder_of_joints(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, count in (("1_L_2", 2), ("1_R_13", 2), ("2_L_5", 1), ("notes", 2)):
        (tmp_path / "joints" / name).mkdir(parents=True)
        for k in range(count):
            Image.fromarray(rng.integers(0, 255, (64, 64), dtype=np.uint8)).save(
                tmp_path / "joints" / name / f"{k}.jpg"
            )
    assert [(each.side, each.joint) for each in read_exposures(tmp_path / "joints")] == [("L", "MCP3"), ("R", "MCP1")]
    model = save_small_model(tmp_path / "model")
    words = [
        "evaluate",
        "scoring",
        "--exposures",
        str(tmp_path / "joints"),
        "--model",
        model,
        "--out",
        str(tmp_path / "out"),
    ]
    with pytest.raises(SystemExit, match="0"):
        main(words)
    assert "4 images of 2 real joints" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--images", str(tmp_path)])
    assert "--images" in capsys.readouterr().err


def test_a_folder_without_joints_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError) as error:
            read_exposures(folder)
        assert error.value.argument == "exposures"
