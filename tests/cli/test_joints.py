"""The commands ``find-joints`` and ``segment``: from radiographs to joint images to label images."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import napari_jsn as jsn
from napari_jsn.cli import main
from napari_jsn.export.joint_files import joint_image_bytes
from napari_jsn.joint import JointImage

BASELINE, FOLLOWUP = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))


@pytest.fixture
def run(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as left:
            main([*map(str, words)])
        printed = capsys.readouterr()
        assert not left.value.code, printed.err
        return printed.out

    return run


@pytest.fixture(scope="module")
def crops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crops")
    with pytest.raises(SystemExit) as left:
        main(["find-joints", str(BASELINE.parent), "--crops", str(folder), "--joints", "MCP2,DIP3"])
    assert not left.value.code
    return folder


def test_the_joints_of_a_folder_become_images_with_a_table(crops):
    names = ["1_L_DIP3.png", "1_L_MCP2.png", "2_L_DIP3.png", "2_L_MCP2.png"]
    assert sorted(path.name for path in crops.iterdir()) == [*names, "joints.csv", "run.json"]
    table = pd.read_csv(crops / "joints.csv")
    assert sorted(table["file"]) == names and "source" not in table and set(table["side"]) == {"L"}
    joint = next(each for each in jsn.find_joints(BASELINE) if each.name == "MCP2")
    image = jsn.joint_image(BASELINE, joint)
    row = table[table["file"] == "1_L_MCP2.png"].iloc[0]
    assert (row["row"], row["col"]) == pytest.approx(joint.centre, abs=0.01)
    assert row["spacing_mm"] == pytest.approx(image.spacing_mm, abs=1e-6)
    assert (row["row_3"], row["col_3"]) == pytest.approx(tuple(joint.box[2]), abs=0.01)
    with Image.open(crops / "1_L_MCP2.png") as written:
        values = np.asarray(written)
        assert 25.4 / written.info["dpi"][0] == pytest.approx(image.spacing_mm, rel=1e-3)
    assert values.dtype == np.uint16 or values.max() > 255
    np.testing.assert_allclose(values / 65535, image.pixels, atol=1e-5)


@pytest.mark.parametrize("spacing_mm", [0.1, 0.1437, None])
@pytest.mark.parametrize("name", ["joint.png", "joint.tif"])
def test_joint_images_keep_values_and_pixel_size(name, spacing_mm, tmp_path):
    pixels = np.random.default_rng(0).random((40, 30), np.float32)
    (tmp_path / name).write_bytes(joint_image_bytes(JointImage(pixels, spacing_mm), name))
    with Image.open(tmp_path / name) as image:
        np.testing.assert_allclose(np.asarray(image) / 65535, pixels, atol=1e-5)
        if spacing_mm is None:
            assert "dpi" not in image.info or image.info["dpi"] == (1, 1)
        else:
            assert 25.4 / float(image.info["dpi"][0]) == pytest.approx(spacing_mm, rel=1e-3)


def test_a_table_on_screen_says_what_is_missing_and_no_name_of_a_file(run):
    out = run("find-joints", BASELINE, "--joints", "PIP")
    assert [line.split()[1] for line in out.splitlines() if line.startswith(" L")] == ["PIP2", "PIP3", "PIP4", "PIP5"]
    assert "Radiograph 1: 14 joints" in out and BASELINE.name not in out
    assert BASELINE.name in run("find-joints", BASELINE, "--keep-identity")


@pytest.mark.parametrize("keep_identity", [(), ("--keep-identity",)])
def test_joints_as_json(run, keep_identity):
    content = json.loads(run("find-joints", BASELINE, "--spacing-mm", "0.2", "--json", *keep_identity))
    (about,) = content["radiographs"]
    assert about["sides"] == ["L"] and about["spacing_mm"] == 0.2 and about["reliable"] and about["model"]
    assert len(content["joints"]) == 14 and content["joints"][0]["joint"] == "MCP1" and content["files"] == []
    assert (about.get("source") == BASELINE.name) == bool(keep_identity) == ("source" in content["joints"][0])


def test_an_image_without_a_hand_gives_a_reason_and_no_files(run, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 60, (300, 200), np.uint8)).save(tmp_path / "noise.png")
    out = run("find-joints", tmp_path / "noise.png", "--crops", tmp_path / "crops")
    assert "Radiograph 1: 0 joints" in out and "Nothing was written" in out and not (tmp_path / "crops").exists()


@pytest.mark.parametrize("format", ["png", "tiff"])
def test_label_images_are_masks_that_can_be_read(run, crops, tmp_path, format):
    given = [crops / "1_L_MCP2.png", crops / "2_L_MCP2.png"]
    kept = ["--keep-identity"] if format == "tiff" else []
    out = run("segment", *given, "--out", tmp_path, "--format", format, *kept)
    names = [f"{path.stem}_bones.tif" for path in given] if kept else ["1_bones.png", "2_bones.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names, "run.json", "segmentation.csv"]
    table = pd.read_csv(tmp_path / "segmentation.csv")
    assert list(table["file"]) == names and table["reliable"].all() and out.count("good") == 2
    assert (given[0].name in out) == bool(kept)
    found = jsn.segment(jsn.read_radiograph(given[0]).pixels)
    masks = jsn.read_masks(tmp_path / names[0])
    assert (masks.upper == found.upper).all() and (masks.lower == found.lower).all()


@pytest.mark.parametrize("as_json", [False, True])
def test_bones_that_are_not_found_have_reasons(run, tmp_path, as_json):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 100), np.uint8)).save(tmp_path / "noise.png")
    out = run("segment", tmp_path / "noise.png", *(["--json"] if as_json else []))
    if as_json:
        (image,) = json.loads(out)["images"]
        assert not image["reliable"] and image["reason"].endswith(".")
        assert image["reasons"].startswith(("BONE", "OUTLINE"))  # which one depends on the weights
    else:
        assert "failed" in out and "Image 1: The " in out and "noise" not in out
