import csv
import io

import numpy as np
from PIL import Image

from napari_jsn.anatomy import BONES
from napari_jsn.export.simulated.masks import NAMES, bone_label, label_images, labels_csv, mask_files
from napari_jsn.export.simulated.writer import RadiographWriter


def test_every_bone_comes_back_whole(film):
    simulated = film(sides=("L",))
    images = label_images(simulated.bones, simulated.stored.shape)
    assert len(images) == 2  # the two overlap
    for side, bone in simulated.bones:
        found = np.any([image == bone_label(side, bone) for image in images], axis=0)
        assert np.array_equal(found, simulated.bone_mask(side, bone))


def test_bones_that_do_not_touch_share_an_image(film):
    simulated = film()
    bones = {key: box for key, box in simulated.bones.items() if key[1] == "PP2"}
    assert len(label_images(bones, simulated.stored.shape)) == 1


def test_each_label_is_one_bone_and_listed():
    rows = list(csv.DictReader(io.StringIO(labels_csv().decode())))
    assert set(BONES) < set(NAMES)
    assert len(rows) == 2 * len(NAMES) == len({row["label"] for row in rows})
    assert all(0 < int(row["label"]) < 256 for row in rows)
    assert all(int(row["label"]) == bone_label(row["side"], row["bone"]) for row in rows)


def test_files(film, tmp_path):
    simulated = film()
    assert list(mask_files(simulated, "a")) == ["a_bones-1.png", "a_bones-2.png"]
    with RadiographWriter(tmp_path, with_masks=True) as writer:
        writer.add(simulated)
    assert (tmp_path / "masks" / "labels.csv").read_bytes() == labels_csv()
    labels = np.asarray(Image.open(tmp_path / "masks" / "SIM0001" / "SIM0001_v01_L_bones-1.png"))
    assert labels.dtype == np.uint8 and labels.max() == bone_label("L", "PP2")
