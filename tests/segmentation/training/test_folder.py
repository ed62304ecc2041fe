import numpy as np
import pytest
from PIL import Image

from napari_jsn import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.segmentation.training.folder import labelled_joints


def write(folder, name, joint, image_kind=".png", mask="_mask.png"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(255 * joint.image).astype(np.uint8)).save(folder / f"{name}{image_kind}")
    Image.fromarray(joint.masks.labels).save(folder / f"{name}{mask}")


def test_masks_are_found_beside_their_images(tmp_path, joint):
    write(tmp_path, "one", joint(seed=1))
    write(tmp_path / "patient", "PIP3_L", joint(seed=2), ".jpg", ".png")
    write(tmp_path / "patient", "IP1_L", joint(seed=3), ".bmp", "-labels.tif")
    Image.new("L", (64, 64), 9).save(tmp_path / "without.png")
    found = labelled_joints(tmp_path)
    assert [(each.group, each.joint) for each in found] == [("one", ""), ("patient", "IP1"), ("patient", "PIP3")]
    np.testing.assert_array_equal(found[2].masks.upper, joint(seed=2).masks.upper)


def test_useless_masks_are_left_out(tmp_path, joint):
    good, same = joint(seed=1), joint(seed=2)
    write(tmp_path, "good", good)
    write(tmp_path, "same", LabelledJoint(same.image, BoneMasks(same.masks.upper, same.masks.upper), ""))
    write(tmp_path, "halves", LabelledJoint(same.image, BoneMasks(same.masks.upper, ~same.masks.upper), ""))
    assert [each.name for each in labelled_joints(tmp_path)] == ["good/good"]


def test_a_folder_without_masks_or_of_wrong_shapes_is_refused(tmp_path, joint):
    with pytest.raises(InputError, match="no folder"):
        labelled_joints(tmp_path / "none")
    Image.fromarray((255 * joint().image).astype(np.uint8)).save(tmp_path / "one.png")
    with pytest.raises(InputError, match="NAME_mask"):
        labelled_joints(tmp_path)
    Image.fromarray(joint(32).masks.labels).save(tmp_path / "one_mask.png")
    with pytest.raises(InputError, match="another shape"):
        labelled_joints(tmp_path)


def test_public_joints_for_testing_are_never_trained_on(tmp_path, joint):
    names = [f"{number:05}_L_{kind}" for number in range(12) for kind in (2, 13)]
    for name in names:
        write(tmp_path / name, "0", joint(), ".jpg", ".png")
    parts = [{each.group for each in labelled_joints(tmp_path, part)} for part in ("training", "test", "all")]
    assert parts[0] | parts[1] == parts[2] == set(names)
    assert parts[0] and parts[1] and not parts[0] & parts[1]
    assert all(public_joints.is_test(name) for name in parts[1])
    assert {each.joint for each in labelled_joints(tmp_path)} == {"MCP1", "MCP2-5"}


@pytest.mark.parametrize("own", ["patient_3", "00001_X_2", "1_L_2"])
def test_a_folder_with_own_joints_too_keeps_the_public_ones_for_testing(tmp_path, joint, own):
    names = [f"{number:05}_L_{kind}" for number in range(12) for kind in (2, 13)]
    for name in (*names, own):
        write(tmp_path / name, "0", joint(), ".jpg", ".png")
    training, test = ({each.group for each in labelled_joints(tmp_path, part)} for part in ("training", "test"))
    assert training & test == {own}
    assert training - {own} == {name for name in names if not public_joints.is_test(name)}
