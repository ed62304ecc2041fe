import json

import numpy as np
import pytest

from napari_jsn.anatomy import JOINTS
from napari_jsn.common.errors import InputError
from napari_jsn.localization.mean_hand import mean_hand
from napari_jsn.localization.training.task import LocalizationTask
from napari_jsn.networks.ram_h1200 import (
    BONES_FILE,
    PROXIMAL_MM,
    decoded,
    file_of_part,
    hands_with_bones,
    has_bones,
    images_of_hands,
)
from napari_jsn.segmentation.training.task import SegmentationTask
from napari_jsn.training.tasks import task_from_folder
from tests.networks.ram_h1200_folder import NAMES, make_folder, segmentation_of


@pytest.fixture(scope="module")
def ram(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ram")
    return folder, make_folder(folder)


@pytest.mark.parametrize("form", ["text", "numbers", "polygon"])
def test_masks_of_every_form_are_read(form):
    mask = np.zeros((37, 53), bool)
    mask[5:30, 8:40] = True
    if form == "polygon":
        given = [[8, 5, 39, 5, 39, 29, 8, 29]]
        assert (decoded(given, mask.shape) != mask).mean() < 0.04
        return
    for each in (mask, ~mask, mask & (np.random.default_rng(0).random(mask.shape) < 0.5)):
        assert np.array_equal(decoded(segmentation_of(each, form), mask.shape), each)


def test_joints_lie_between_their_bones(ram):
    folder, made = ram
    for split, name in NAMES.items():
        (hand,) = hands_with_bones(folder, split, [])
        assert (hand.name, hand.patient, hand.side) == (name, name[:7], name[-1])
        places = hand.joints()
        assert set(places) == set(JOINTS)
        for truth in made[split].truths:
            centre, axis = np.array(truth.centre), np.array(truth.axis)
            if hand.side == "R":
                centre, axis = centre * (-1, 1) + (hand.pixels.shape[1] - 1, 0), axis * (-1, 1)
            assert np.hypot(*(places[truth.joint].centre - centre)) * made[split].spacing_mm < 1.5
            assert places[truth.joint].axis @ axis > 0.96


def test_the_lengths_are_those_of_the_mean_hand():
    hand = mean_hand()
    for ray, length in PROXIMAL_MM.items():
        ends = (hand[JOINTS.index(f"{kind}{ray}")] for kind in ("MCP", "PIP"))
        assert np.hypot(*np.subtract(*ends)) == pytest.approx(length, abs=0.1)


def test_segmentation_is_trained_on_the_bones_with_the_sets_own_parts(ram):
    folder, made = ram
    task = task_from_folder("segmentation", folder, "default", simulated=False)
    assert isinstance(task, SegmentationTask)
    used = {(each.patient, each.validated) for each in task.inputs.images}
    assert used == {("HUH_001", False), ("HUH_002", True)} and len(task.inputs.images) == 28
    (images, masks) = next(iter(task.validation_batches()))
    assert len(images) == 14 and ((masks > 0.5).flatten(2).float().mean(2) > 0.05).all()
    upper, lower = masks[:, 0], masks[:, 1]
    rows = np.arange(masks.shape[-1])
    heights = [(each.sum(2).numpy() * rows).sum(1) / each.sum((1, 2)).numpy() for each in (upper, lower)]
    assert (heights[0] < heights[1]).all()  # the distal bone is above
    assert "RAM-H1200" in task.card()["training_data"][0]["source"]


def test_localization_is_trained_on_the_places_of_joints(ram):
    folder, _ = ram
    task = task_from_folder("localization", folder, "default", simulated=False)
    assert isinstance(task, LocalizationTask)
    assert {(each.patient, each.validated) for each in task.inputs.images} == {("HUH_001", False), ("HUH_002", True)}
    assert task.card()["validation"]["radiographs not trained on"] == [NAMES["val"]]


@pytest.mark.parametrize("place", [".", "Segmentation", "SvdH_Scoring/SvdH_BE_Scoring"])
def test_files_are_found_in_the_folders_of_the_set(tmp_path, place):
    part = tmp_path / place / "validation" / "HUH_001_20200101_1_L"
    part.mkdir(parents=True)
    for name in ("HUH_001_20200101_1_L.bmp", "MCP-I.bmp"):
        (part / name).touch()
    (part.parent / "scores.json").touch()
    assert file_of_part(tmp_path, "val", "scores.json") == part.parent / "scores.json"
    assert file_of_part(tmp_path, "train", "scores.json") is None and not has_bones(tmp_path)
    assert list(images_of_hands(tmp_path)) == ["HUH_001_20200101_1_L"]


@pytest.mark.parametrize("wrong", ["size", "text", "no counts", "negative", "image", "name"])
def test_a_hand_that_cannot_be_read_is_left_out_with_its_name(ram, tmp_path, wrong):
    folder, _ = ram
    source = file_of_part(folder, "train", BONES_FILE)
    content = json.loads(source.read_text())
    part = tmp_path / "train"
    part.mkdir()
    image = NAMES["train"] + ".bmp"
    (part / image).write_bytes((source.parent / image).read_bytes())
    segmentation = content["annotations"][0]["segmentation"]
    if wrong == "size":
        segmentation["size"] = [10, 10]
    elif wrong == "text":
        segmentation["counts"] = "01"
    elif wrong == "no counts":
        del segmentation["counts"]
    elif wrong == "negative":
        segmentation["counts"] = [-1, 5]
    else:
        content["images"][0]["file_name"] = {"image": "HUH_009_20200101_1_L.bmp", "name": "hand.bmp"}[wrong]
    (part / BONES_FILE).write_text(json.dumps(content))
    left_out = []
    assert list(hands_with_bones(tmp_path, "train", left_out)) == []
    (one,) = left_out
    assert one.name == content["images"][0]["file_name"] and one.reason


@pytest.mark.parametrize(
    "content", ["", "[]", '{"images": []}', '{"images": [1], "categories": [], "annotations": []}']
)
def test_a_file_that_is_no_coco_file_is_refused(tmp_path, content):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / BONES_FILE).write_text(content)
    with pytest.raises(InputError, match="COCO"):
        list(hands_with_bones(tmp_path, "train", []))
    with pytest.raises(InputError, match="val/"):
        list(hands_with_bones(tmp_path, "val", []))
