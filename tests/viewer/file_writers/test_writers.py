"""Layers that napari saves with the plugin: read back equal, by the package and by Train."""

import numpy as np
import pytest
from napari.layers import Image, Labels
from npe2 import PluginManager
from PIL import Image as Picture

import napari_jsn as jsn
from napari_jsn.segmentation.training.folder import read_joint_folder
from napari_jsn.viewer.file_writers.writers import write_bones, write_radiograph

rng = np.random.default_rng(0)
BONES = np.repeat([0, 1, 3, 2, 0], [6, 40, 4, 40, 6])[:, None] * np.ones((96, 72), int)
FILM = rng.random((70, 64), dtype=np.float32)


@pytest.fixture(autouse=True)
def plugin():
    PluginManager.instance().discover()


def save(layer, path, plugin="napari-jsn"):
    return layer.save(str(path), plugin=plugin)


@pytest.mark.parametrize("name", ["a_mask.png", "a_mask.tif", "a_mask.TIFF", "a_mask.bmp"])
@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_bones_are_saved_as_label_images_that_train_reads(tmp_path, name, kind):
    Picture.fromarray((255 * rng.random(BONES.shape)).astype(np.uint8)).save(tmp_path / "a.png")
    (saved,) = save(Labels(BONES.astype(kind), name="bones"), tmp_path / name)
    np.testing.assert_array_equal(np.asarray(Picture.open(saved)), BONES)
    (joint,) = read_joint_folder(tmp_path).joints
    np.testing.assert_array_equal(joint.masks.labels, BONES)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.full((9, 9), 4), "other labels"),
        (np.full((9, 9), -1), "other labels"),
        (np.ones((3, 9, 9), int), "3 dimensions"),
    ],
)
def test_other_labels_are_refused(tmp_path, data, words):
    with pytest.raises(jsn.InputError, match=words):
        write_bones(str(tmp_path / "a.png"), data, {"name": "spots"})
    with pytest.raises(jsn.InputError, match="not as"):
        write_bones(str(tmp_path / "a.jpg"), BONES, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("scale", "units", "spacing"),
    [
        ((0.15, 0.15), "mm", 0.15),
        ((0.2, 0.1), "mm", (0.2, 0.1)),
        ((150.0, 150.0), "um", 0.15),
        ((1.0, 1.0), "pixel", None),
    ],
)
def test_a_radiograph_keeps_its_pixel_size(tmp_path, scale, units, spacing):
    layer = Image(FILM, name="film", scale=scale, units=units, metadata={"napari_jsn": {"side": "L"}})
    (saved,) = save(layer, tmp_path / "film.dcm")
    again = jsn.read_radiograph(saved)
    np.testing.assert_allclose(again.pixels, FILM, atol=2e-5)
    assert again.side == "L"
    assert again.spacing_mm is None if spacing is None else np.allclose(again.spacing_mm, spacing)


def test_what_is_no_radiograph_is_refused(tmp_path):
    with pytest.raises(jsn.InputError, match="cannot be saved as a radiograph"):
        write_radiograph(str(tmp_path / "a.dcm"), np.zeros((5, 70, 64)), {"name": "stack"})
    assert not list(tmp_path.iterdir())
