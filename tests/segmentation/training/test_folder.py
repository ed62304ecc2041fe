import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_jsn import InputError
from napari_jsn.joint import BoneMasks
from napari_jsn.segmentation.training import public_joints
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.segmentation.training.folder import labelled_joints, read_joint_folder
from napari_jsn.segmentation.training.task import SegmentationTask


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
    groups = [("one", ""), ("patient/L_IP1", "IP1"), ("patient/L_PIP3", "PIP3")]
    assert [(each.group, each.joint) for each in found] == groups
    assert [each.patient for each in found] == ["one", "patient", "patient"]
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
    assert any("does not name the patients" in note for note in read_joint_folder(tmp_path).notes)
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


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


def pixels(joint):
    return np.rint(255 * joint.image)


def left_out(folder):
    """Read a folder that has one good image; return the reasons of the others by name."""
    found = read_joint_folder(folder)
    assert "good/good" in [each.name for each in found.joints]
    return {each.name: each.reason for each in found.left_out}


def few(mask, count):
    """Return the first pixels of a mask."""
    return mask & (np.cumsum(mask).reshape(mask.shape) <= count)


MASKS = {
    "empty": (lambda m: 0 * m.labels, "its mask is empty"),
    "upper only": (lambda m: 1 * m.upper, "the upper bone only (label 1)"),
    "lower only": (lambda m: 2 * m.lower, "the lower bone only (label 2)"),
    "black and white": (lambda m: 255 * (m.upper | m.lower), "black and white and does not say which bone is which"),
    "white halves": (lambda m: 255 * m.upper, "NAME_upper.png and NAME_lower.png"),
    "grey": (lambda m: 100 * m.upper + 200 * m.lower, "the values 0, 100, 200"),
    "many values": (lambda m: np.arange(m.labels.size).reshape(m.labels.shape) % 256, "the values 0, 1, 2, 3, 4, ..."),
    "exchanged": (lambda m: 2 * m.upper + m.lower, "does not lie above the lower one; exchange labels 1 and 2"),
    "same region": (lambda m: 3 * m.upper, "the same region"),
    "halves": (lambda m: np.where(np.arange(64)[:, None] < 32, 1, 2) + 0 * m.labels, "halves of the image"),
    "specks": (lambda m: few(m.upper, 9) + 2 * few(m.lower, 9), "covers only 0.2% of the image; draw the whole bone"),
    "smaller": (lambda m: m.labels[::2, ::2], "another shape, (32, 32) instead of (64, 64)"),
}


@pytest.mark.parametrize(("mask", "reason"), MASKS.values(), ids=MASKS)
def test_a_mask_that_cannot_be_learned_from_is_left_out_with_the_reason(tmp_path, joint, mask, reason):
    bad = joint(seed=2)
    save(tmp_path / "bad.png", pixels(bad))
    save(tmp_path / "bad_mask.png", mask(bad.masks))
    with pytest.raises(InputError, match="no image that can be used") as error:
        read_joint_folder(tmp_path)
    assert reason in str(error.value) and "1 (bad.png)" in str(error.value) and error.value.argument == "data"
    write(tmp_path, "good", joint(seed=1))
    assert reason in left_out(tmp_path)["bad.png"]


@pytest.mark.parametrize(
    "ending",
    ["_mask", "_MASK", "-Labels", "_bones", " mask", ".seg", "_segmentation"],
)
@pytest.mark.parametrize("kind", [".png", ".PNG", ".tif", ".bmp"])
def test_masks_are_found_however_their_names_are_written(tmp_path, joint, ending, kind):
    good = joint(seed=1)
    save(tmp_path / "one.png", pixels(good))
    save(tmp_path / f"one{ending}{kind}", good.masks.labels)
    (found,) = read_joint_folder(tmp_path).joints
    np.testing.assert_array_equal(found.masks.labels, good.masks.labels)


@pytest.mark.parametrize("bytes_first", ["<", ">"])
@pytest.mark.parametrize("kind", ["int64", "uint64", "uint32", "int32", "int16", "int8", "float64", "float16"])
def test_labels_of_every_number_type_are_read(tmp_path, joint, kind, bytes_first):
    one = joint(seed=1)
    save(tmp_path / "one.png", pixels(one))
    compressed = {"compression": "zlib"} if kind in ("int64", "float64") else {}  # as napari saves labels
    tifffile.imwrite(tmp_path / "one_mask.tif", one.masks.labels.astype(kind), byteorder=bytes_first, **compressed)
    (found,) = labelled_joints(tmp_path)
    np.testing.assert_array_equal(found.masks.labels, one.masks.labels)


@pytest.mark.parametrize("spoil", ["cut", "pages", "values", "colour"])
def test_labels_of_64_bits_that_are_spoilt_are_named(tmp_path, joint, spoil):
    write(tmp_path, "good", joint(seed=1))
    labels = joint(seed=2).masks.labels.astype(np.int64)
    path = tmp_path / "bad_mask.tif"
    save(tmp_path / "bad.png", pixels(joint(seed=2)))
    several = {"pages": np.stack([labels] * 4), "colour": np.stack([labels] * 3, axis=-1)}
    tifffile.imwrite(path, several.get(spoil, labels - (spoil == "values")), photometric=_photometric(spoil))
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-500])
    words = {"pages": "4 images", "values": "-1, 0, 1"}.get(spoil, "cannot|not an image")
    assert re.search(words, left_out(tmp_path)["bad.png"])


def _photometric(spoil):
    return "rgb" if spoil == "colour" else "minisblack"


@pytest.mark.parametrize("names", [("_upper", "_lower"), ("_mask_upper", "_mask_lower"), ("-Distal", "-Proximal"),
                                   ("_upper_mask", "_lower_mask")])  # fmt: skip
@pytest.mark.parametrize("white", [1, 255])
def test_black_and_white_masks_of_the_two_bones_are_understood(tmp_path, joint, names, white):
    good = joint(seed=1)
    save(tmp_path / "one.png", pixels(good))
    for name, mask in zip(names, (good.masks.upper, good.masks.lower), strict=True):
        save(tmp_path / f"one{name}.png", white * mask)
    (found,) = read_joint_folder(tmp_path).joints
    np.testing.assert_array_equal(found.masks.labels, good.masks.labels)
    exchanged = tmp_path / "other"
    save(exchanged / "one.png", pixels(good))
    for name, mask in zip(names, (good.masks.lower, good.masks.upper), strict=True):
        save(exchanged / f"one{name}.png", white * mask)
    with pytest.raises(InputError, match="does not lie above"):
        read_joint_folder(exchanged)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("deep", [False, True])
def test_too_few_images_are_refused_with_what_was_left_out(tmp_path, joint, count, deep):
    folder = tmp_path / "study"
    for k in range(count):
        write(folder / "P1" if deep else folder, f"1_L_MCP{k + 2}", joint(seed=k))
    save(folder / "bad.png", pixels(joint(seed=9)))
    with pytest.raises(InputError, match="All images are one group") as error:
        SegmentationTask.from_folder(folder, simulated=0)
    assert "Left out: 1 (bad.png): no mask beside it" in str(error.value)
    assert ("All 3 images count" if count == 3 else "The only image counts") + " as one group" in str(
        error.value
    ) and error.value.argument == "data"


def test_files_beside_the_images_are_named_with_their_reason(tmp_path, joint):
    write(tmp_path, "good", joint(seed=1))
    save(tmp_path / "nomask.png", pixels(joint(seed=2)))
    save(tmp_path / "gone_mask.png", joint(seed=2).masks.labels)
    save(tmp_path / "flat.png", np.full((64, 64), 9))
    save(tmp_path / "flat_mask.png", joint(seed=2).masks.labels)
    save(tmp_path / "half.png", pixels(joint(seed=3)))
    save(tmp_path / "half_upper.png", 255 * joint(seed=3).masks.upper)
    save(tmp_path / "jpeg.png", pixels(joint(seed=4)))
    Image.fromarray(joint(seed=4).masks.labels).save(tmp_path / "jpeg_mask.jpg")
    save(tmp_path / "good-labels.png", joint(seed=1).masks.labels)
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    save(tmp_path / "cut_mask.png", joint(seed=1).masks.labels)
    save(tmp_path / "tiny.png", np.arange(100).reshape(10, 10))
    save(tmp_path / "tiny_mask.png", np.ones((10, 10)))
    (tmp_path / "scan.gif").write_bytes(b"GIF89a")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / ".hidden.png").write_bytes(b"")
    reasons = left_out(tmp_path)
    for name, reason in (
        ("nomask.png", "no mask beside it"),
        ("gone_mask.png", "a mask without its image"),
        ("flat.png", "no contrast"),
        ("half.png", "a mask of the upper bone only"),
        ("jpeg.png", "JPEG"),
        ("good-labels.png", "a second mask of one image"),
        ("cut.png", "damaged"),
        ("tiny.png", ""),
        ("scan.gif", "not an image of a known format"),
    ):
        assert reason in reasons.pop(name), name
    assert not reasons


@pytest.mark.parametrize("deep", [1, 2, 3])
def test_a_folder_that_makes_all_images_one_group_is_said(tmp_path, joint, deep):
    folder = tmp_path / "data"
    inner = folder.joinpath(*(["deeper"] * deep))
    for patient in ("P1", "P2"):
        write(inner / patient, "one", joint(seed=int(patient[1])))
    found = read_joint_folder(folder)
    assert len(found.joints) == 2 and "All 2 images count as one group" in found.notes[0]
    assert str(folder / "deeper") in found.notes[0]
    assert read_joint_folder(inner).notes == []


@pytest.mark.parametrize(
    ("names", "patients"),
    [
        (["P1_L", "P1_R", "P2_L"], 2),
        (["P1 left/a", "P1 right/a", "P2/a", "P3/a"], 3),
        (["L/P1", "R/P1"], 1),
        (["P1/L/MCP2", "P1/R/MCP3", "P2/L/MCP2"], 2),
        (["1_L_MCP2", "1_L_PIP3", "2_L_MCP2"], 2),
        (["MCP2/a", "PIP3/a", "MCP2/b"], 2),
        (["visit_1/a", "visit_2/a"], 2),
    ],
)
def test_images_of_one_patient_stay_together(tmp_path, joint, names, patients):
    for seed, name in enumerate(names):
        path = tmp_path / name
        write(path.parent, path.name, joint(seed=seed))
    found = read_joint_folder(tmp_path).joints
    assert len(found) == len(names) and len({each.patient for each in found}) == patients


@pytest.mark.parametrize("kind", [".png", ".bmp", ".tif"])
def test_copies_of_an_image_stay_together(tmp_path, joint, kind):
    for name, seed in (("a", 1), ("b", 2), ("c", 1), ("d", 3)):
        write(tmp_path, name, joint(seed=seed), kind if name == "c" else ".png")
    found = {each.name[0]: each.patient for each in read_joint_folder(tmp_path).joints}
    assert found["a"] == found["c"] and len(set(found.values())) == 3


def test_a_table_of_patients(tmp_path, joint):
    folder, table = tmp_path / "data", tmp_path / "groups.csv"
    for seed, name in enumerate(("a", "b", "sub/c", "sub/d")):
        write((folder / name).parent, name[-1], joint(seed=seed))
    table.write_text("file,patient\na.png,P1\nsub/c.png,P1\nb,P2\nsub/d.png,P3\n")
    found = {each.name[-1]: each.patient for each in read_joint_folder(folder, groups=table).joints}
    assert found["a"] == found["c"] and len(set(found.values())) == 3
    table.write_text("file;patient\na.png;P1\nsub;P2\nb.png;P2\n", "utf-16")
    assert len({each.patient for each in read_joint_folder(folder, groups=table).joints}) == 2


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a.png,P1", "names no patient of 3 (b.png, sub/c.png, sub/d.png)"),
        ("a.png,P1\nb.png,P1\nsub,P2\nzz.png,P1", "names 1 (zz.png), which the folder does not have"),
        ("a.png,P1\na.png,P2", "Line 3"),
        ("a.png,", "Line 2 of"),
        ("", "has no rows"),
    ],
)
def test_a_table_of_patients_that_does_not_fit_is_refused(tmp_path, joint, rows, words):
    folder, table = tmp_path / "data", tmp_path / "groups.csv"
    for seed, name in enumerate(("a", "b", "sub/c", "sub/d")):
        write((folder / name).parent, name[-1], joint(seed=seed))
    table.write_text(f"file,patient\n{rows}\n")
    with pytest.raises(InputError) as error:
        read_joint_folder(folder, groups=table)
    assert words in str(error.value) and error.value.argument == "groups"


@pytest.mark.parametrize("link", ["folder", "inside a folder", "circle"])
def test_folders_that_are_links_are_followed(tmp_path, joint, link):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    write(elsewhere, "PIP3_L", joint(seed=1))
    write(data / "own", "MCP2_L", joint(seed=2))
    names = ["own/MCP2_L"]
    if link == "circle":
        (data / "own" / "again").symlink_to(data, target_is_directory=True)
    else:
        at = data / ("linked" if link == "folder" else "own/linked")
        at.symlink_to(elsewhere, target_is_directory=True)
        names += ["linked/PIP3_L" if link == "folder" else "own/PIP3_L"]
    assert sorted(each.name for each in labelled_joints(data)) == sorted(names)
