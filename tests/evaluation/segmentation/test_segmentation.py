import numpy as np
import pytest

from napari_jsn.evaluation.page import BEGIN, END, replace_measured
from napari_jsn.evaluation.segmentation.agreement import (
    TABLE,
    agreement_table,
    hd95,
    mask_agreement,
    summarize_agreements,
)
from napari_jsn.evaluation.segmentation.report import SegmentationEvaluation, overlays, segmentation_table
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.found_bones import FoundBones
from napari_jsn.segmentation.training.data import LabelledJoint


def masks(shift=0, kind=BoneMasks, size=128):
    upper, lower = np.zeros((2, size, size), bool)
    upper[: size // 2 - 4, 40 + shift : 80 + shift] = True
    lower[size // 2 + 4 :, 40 + shift : 80 + shift] = True
    return kind(upper, lower)


def test_equal_masks_agree_fully():
    found = mask_agreement(masks(), masks())
    assert set(found.measures) == set(TABLE)
    assert all((values == 1).all() for values in found.measures.values())
    assert (found.hd95_px == 0).all()


def test_measures_are_those_of_their_definition():
    found, truth = masks(4), masks()
    got = mask_agreement(found, truth)
    both, area, ground = 60 * 36, 60 * 40, 128 * 128 - 60 * 40
    expected = {"mIoU": both / (2 * area - both), "SEN": both / area, "SPC": (ground - 240) / ground,
                "DSC": both / area, "ACC": (both + ground - 240) / 128**2}  # fmt: skip
    for name, value in expected.items():
        assert got.measures[name] == pytest.approx(value, abs=1e-6)
    np.testing.assert_allclose(got.hd95_px, 8)  # 4 px of 128 are 8 of 256


def test_where_the_image_cuts_the_bone_is_no_outline():
    whole, ragged = masks().upper, masks().upper.copy()
    ragged[0] = False
    ragged[1:3, 40:44] = False
    assert hd95(whole, ragged) == 0
    assert hd95(whole, np.zeros_like(whole)) == np.inf


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        mask_agreement(masks(), masks(size=96))


def evaluated():
    rng = np.random.default_rng(0)
    shifts, names = (0, 1, 5), ("PIP2", "PIP4", "IP1")
    joints = [LabelledJoint(rng.random((128, 128), np.float32), masks(), name, name) for name in names]
    found = [masks(shift, FoundBones) for shift in shifts]
    return SegmentationEvaluation(
        joints, found, [mask_agreement(f, j.masks) for f, j in zip(found, joints, strict=True)], 0.02
    )


def test_the_summary_and_its_table():
    got = summarize_agreements(evaluated().agreements)
    assert got.images == 3 and got.means["DSC"] == pytest.approx(np.mean([1, 39 / 40, 35 / 40]))
    assert got.hd95_px[0] == pytest.approx(2)
    lines = agreement_table([("all", got)]).splitlines()
    assert lines[2].startswith("| all | 3 | 0.9") and all(line.count("|") == 11 for line in lines)


def test_each_kind_of_joint_has_its_row():
    lines = segmentation_table([("simulated", evaluated())]).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["**simulated**", "simulated: IP1", "simulated: PIP"]


def test_pictures_of_best_median_and_worst():
    each = evaluated()
    assert each.order == [0, 1, 2] and each.unreliable == 0
    pictures = overlays(each, "real")
    assert list(pictures) == ["real-best.png", "real-median.png", "real-worst.png"]
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())


def test_only_the_part_between_the_markers_is_replaced():
    page = replace_measured("# Page\n", "one")
    assert page.startswith("# Page") and "one" in page
    again = replace_measured(page + "\nMore.\n", "two")
    assert "one" not in again and again.count(BEGIN) == again.count(END) == 1 and again.endswith("More.\n")
