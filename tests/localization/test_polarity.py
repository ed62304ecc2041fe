"""The polarity of a radiograph by its joints: made-up fingers, and the shipped hands and their negatives."""

import numpy as np
import pytest

from napari_jsn import Radiograph, find_joints, read_radiograph, sample_folder
from napari_jsn.common.reasons import ReasonCode
from napari_jsn.joint import Joint
from napari_jsn.localization.polarity import bones_are_dark

SAMPLES = [*sorted(sample_folder("hand_pair").glob("*.dcm")), *sorted(sample_folder("both_hands").glob("*.dcm"))][1:4]


def fingers(bones, tissue=0.4, air=0.1):
    """Return an image of vertical fingers with a shaft each, and the joint of each."""
    pixels = np.full((120, 60 * len(bones)), air)
    joints = []
    for k, bone in enumerate(bones):
        middle = 30 + 60 * k
        pixels[:, middle - 18 : middle + 18] = tissue
        pixels[:, middle - 7 : middle + 7] = bone
        joints.append(Joint.around(f"PIP{k + 2}", "L", (60, middle), (1.0, 0.1), 50))
    return pixels.astype(np.float32), joints


@pytest.mark.parametrize("bones", [[0.8] * 4, [0.45] * 5, [0.8, 0.8, 0.8, 0.3], [0.8, 0.8, 0.3, 0.3]])
def test_bright_and_mixed_bones_are_no_negative(bones):
    assert not bones_are_dark(*fingers(bones))


@pytest.mark.parametrize("bones", [[0.2] * 4, [0.35] * 5, [0.2, 0.2, 0.2, 0.6]])
def test_dark_bones_are_a_negative(bones):
    assert bones_are_dark(*fingers(bones, air=0.9))


def test_few_joints_or_joints_out_of_view_show_no_polarity():
    assert not bones_are_dark(*fingers([0.2] * 3, air=0.9))
    pixels, joints = fingers([0.2] * 4, air=0.9)
    away = [Joint(joint.name, joint.side, joint.box + (500, 0)) for joint in joints]
    assert not bones_are_dark(pixels, away)
    assert not bones_are_dark(pixels, [])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_negative_is_reported_and_a_sound_hand_is_not(path):
    radiograph = read_radiograph(path)
    assert ReasonCode.BONES_DARK not in {reason.code for reason in find_joints(radiograph).reasons}
    negative = find_joints(Radiograph(1 - radiograph.pixels, radiograph.spacing_mm))
    assert [reason.code for reason in negative.reasons] == [ReasonCode.BONES_DARK]


@pytest.mark.parametrize("change", [lambda a: a**0.4, lambda a: a**3, lambda a: np.clip(1.6 * a - 0.3, 0, 1)])
def test_another_intensity_curve_is_no_negative(change):
    radiograph = read_radiograph(SAMPLES[0])
    for pixels, dark in ((change(radiograph.pixels), False), (change(1 - radiograph.pixels), True)):
        changed = Radiograph(pixels.astype(np.float32), radiograph.spacing_mm)
        assert bones_are_dark(changed.pixels, find_joints(radiograph)) is dark
