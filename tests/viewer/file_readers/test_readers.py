import itertools
import os
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager
from PIL import Image

from napari_jsn.common.errors import InputError
from napari_jsn.export.simulated.writer import RadiographWriter
from napari_jsn.viewer.file_readers import readers
from napari_jsn.viewer.inputs.pair import PairForm
from napari_jsn.viewer.layers.read_layer import KEY


@pytest.fixture(autouse=True)
def plugins():
    PluginManager.instance().discover()


@pytest.fixture
def folder(tmp_path):
    """A folder like that of a published pair: two images, two binary masks, and other files."""
    rng = np.random.default_rng(0)
    mask = np.zeros((20, 16), dtype=np.uint8)
    mask[:10] = 1
    for name, pixels in {
        "sample-fixed.bmp": rng.integers(0, 255, (20, 16), dtype=np.uint8),
        "sample-moving.bmp": rng.integers(0, 255, (20, 16), dtype=np.uint8),
        "sample-fixed-mask.bmp": mask,
        "sample-moving-mask.bmp": mask,
        "published-result.png": mask,
    }.items():
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "truth.csv").write_text("jsn_mm\n0.3\n")
    return tmp_path


def test_a_pair_folder_becomes_layers_with_roles(folder):
    layers = readers.get_folder_reader(str(folder))(str(folder))
    assert [(options["name"], kind) for _, options, kind in layers] == [
        ("sample-fixed", "image"),
        ("sample-fixed-mask", "labels"),
        ("sample-moving", "image"),
        ("sample-moving-mask", "labels"),
    ]
    roles = [options["metadata"][KEY]["role"] for _, options, _ in layers]
    assert roles == ["fixed", "fixed_masks", "moving", "moving_masks"]
    assert layers[0][0].dtype == np.float32
    assert "scale" not in layers[0][1]  # a BMP file has no pixel size
    # a binary mask means the upper side and its complement
    assert np.unique(layers[1][0][:10]).tolist() == [1]
    assert np.unique(layers[1][0][10:]).tolist() == [2]


def test_layers_open_in_a_viewer(folder):
    viewer = ViewerModel()
    viewer.open(str(folder), plugin="napari-jsn")
    assert [layer.name for layer in viewer.layers] == [
        "sample-fixed",
        "sample-fixed-mask",
        "sample-moving",
        "sample-moving-mask",
    ]
    assert viewer.layers["sample-fixed-mask"].features["bone"].tolist()[1:3] == ["upper (distal)", "lower (proximal)"]


def test_masks_are_optional_and_any_image_format_will_do(tmp_path):
    pixels = np.arange(96, dtype=np.uint8).reshape(8, 12)
    Image.fromarray(pixels).save(tmp_path / "FIXED.PNG")
    Image.fromarray(pixels).save(tmp_path / "moving.tif")
    assert [layer[1]["name"] for layer in readers.read_pair_folder(str(tmp_path))] == ["FIXED", "moving"]


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["fixed.png"],
        ["fixed.png", "moving.txt"],
        ["fixed.png", "moving.png", "b-moving.png"],
        ["fixed-mask.png", "moving-mask.png"],
        [".fixed.png", ".moving.png"],
    ],
)
def test_other_folders_are_declined(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    assert readers.get_folder_reader(str(tmp_path)) is None


def test_what_is_no_folder_is_declined(folder):
    file = str(folder / "sample-fixed.bmp")
    assert readers.get_folder_reader(file) is None
    assert readers.get_folder_reader(str(folder / "missing")) is None
    assert readers.get_folder_reader([str(folder), str(folder)]) is None
    assert readers.get_folder_reader([str(folder)]) is not None


def test_a_huge_folder_is_declined_before_it_is_listed(tmp_path, monkeypatch):
    seen = itertools.count()

    class Endless:
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *args: None  # noqa: E731

        def __iter__(self):
            return (SimpleNamespace(name=f"{next(seen)}.dcm", path="", is_dir=bool) for _ in itertools.count())

    monkeypatch.setattr(os, "scandir", lambda path: Endless())
    assert readers.get_folder_reader(str(tmp_path)) is None
    assert next(seen) <= readers.MAX_PAIR_ENTRIES + readers.MAX_PATIENT_ENTRIES + 2


def test_a_folder_is_declined_without_opening_its_files(folder, monkeypatch):
    (folder / "another-fixed.bmp").touch()
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: pytest.fail("opened a file"))
    assert readers.get_folder_reader(str(folder)) is None


def test_an_unreadable_file_is_an_error_with_its_name(folder):
    (folder / "sample-fixed.bmp").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"sample-fixed\.bmp"):
        readers.read_pair_folder(str(folder))


@pytest.fixture
def patient(film, tmp_path):
    """A patient's folder: both hands at two visits."""
    with RadiographWriter(tmp_path, radiographs_per_visit=2) as writer:
        for visit in (1, 2):
            for side in ("R", "L"):
                writer.add(film(visit=visit, sides=(side,)))
    return tmp_path / "SIM0001"


def test_a_patients_folder_opens_visit_by_visit(patient):
    viewer = ViewerModel()
    viewer.open(str(patient), plugin="napari-jsn")
    frames, *radiographs = viewer.layers
    assert [layer.name for layer in radiographs] == [
        "right, baseline",
        "left, baseline",
        "right, week 52",
        "left, week 52",
    ]
    assert frames.features.radiograph.tolist() == [layer.name for layer in radiographs]
    assert frames.features.acquired.tolist()[::2] == ["2020-01-06", "2021-01-04"]
    for layer in viewer.layers:
        assert [str(unit) for unit in layer.units] == ["millimeter", "millimeter"]
    for layer in radiographs:
        np.testing.assert_allclose(layer.scale, 0.15 / 1.05)
        assert layer.metadata[KEY]["role"] == "radiograph"
        assert layer.metadata[KEY]["side"] == {"r": "R", "l": "L"}[layer.name[0]]
    # none covers another, and all lie within the frames
    boxes = [layer.extent.world for layer in radiographs]
    for one, other in itertools.combinations(boxes, 2):
        assert (one[1] <= other[0]).any() or (other[1] <= one[0]).any()
    for box in boxes:
        assert (box[0] >= frames.extent.world[0] - 1).all() and (box[1] <= frames.extent.world[1] + 1).all()


def test_the_folder_above_one_patient_opens_too(patient):
    assert readers.get_folder_reader(str(patient.parent)) is readers.read_patient_folder


def test_several_patients_are_refused(patient, film):
    with RadiographWriter(patient.parent) as writer:
        writer.add(film("SIM0002"))
    with pytest.raises(ValueError, match="more than one patient"):
        readers.read_patient_folder(str(patient.parent))


def test_radiographs_of_unknown_pixel_size_stay_in_pixels(film, tmp_path):
    with RadiographWriter(tmp_path, "png") as writer:
        for visit in (1, 2):
            writer.add(film(visit=visit))
    table = tmp_path / "SIM0001" / "radiographs.csv"
    table.write_text("".join(",".join(line.split(",")[:5]) + "\n" for line in table.read_text().splitlines()))
    layers = readers.read_patient_folder(str(tmp_path / "SIM0001"))
    assert all("scale" not in options and "units" not in options for _, options, _ in layers)


def test_radiographs_of_a_patient_are_not_chosen_as_joint_images(patient, qtbot):
    viewer, form = ViewerModel(), PairForm()
    qtbot.addWidget(form)
    viewer.open(str(patient), plugin="napari-jsn")
    form.set_choices(viewer.layers)
    assert form.inputs().fixed is None and form.inputs().moving is None


def test_dicom_states_its_pixel_size(tmp_path):
    path = tmp_path / "hand.dcm"
    write_dicom(path, PixelSpacing=[0.15, 0.1])
    pixels, options, kind = readers.get_dicom_reader(str(path))(str(path))[0]
    assert (options["name"], kind, pixels.shape) == ("hand", "image", (20, 16))
    assert options["scale"] == (0.15, 0.1)
    assert options["units"] == ("mm", "mm")
    entry = {"spacing_mm": (0.15, 0.1), "spacing_source": "uncalibrated", "file": "hand.dcm"}
    assert options["metadata"][KEY] == entry
    viewer = ViewerModel()
    viewer.open(str(path), plugin="napari-jsn")
    assert [str(unit) for unit in viewer.layers[0].units] == ["millimeter", "millimeter"]


def test_dicom_without_a_pixel_size_is_in_pixels(tmp_path):
    path = tmp_path / "hand.DCM"
    write_dicom(path)
    assert "scale" not in readers.read_dicom(str(path))[0][1]


@pytest.mark.parametrize(
    "name",
    [
        "IM000001",
        "I10",
        "hand.ima",
        "hand.IMG",
        "hand.dic",
        "1.2.840.7",
        "1.2.840.77",
        "I",
        "IMAGE",
        "XRAY_A",
        "Left-hand",
    ],
)
@pytest.mark.parametrize("start", [0, 132])
def test_dicom_files_of_other_names_are_read(tmp_path, name, start):
    path = tmp_path / name
    write_dicom(path)
    path.write_bytes(path.read_bytes()[start:])
    viewer = ViewerModel()
    viewer.open(str(path), plugin="napari-jsn")
    assert len(viewer.layers) == 1 and readers.get_folder_reader(str(tmp_path)) is readers.read_patient_folder


@pytest.mark.parametrize("name", ["brain.img", "data01", "table.csv", "photo.png", "a.ima", "IMAGE", "README", "x"])
def test_files_that_are_not_dicom_are_left_to_others(tmp_path, name):
    (tmp_path / name).write_bytes(b"\0" * 200)
    assert readers.get_dicom_reader(str(tmp_path / name)) is None
    assert readers.get_folder_reader(str(tmp_path)) is None


@pytest.mark.parametrize("name", ["pipe", "pipe.ima", "IM000001"])
def test_pipes_are_not_opened(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert readers.get_dicom_reader(str(tmp_path / name)) is None
    assert readers.get_folder_reader(str(tmp_path)) is None


@pytest.mark.parametrize("name", ["photo.png", "scan.tiff", "mask.jpeg", "table.csv", "volume.nii.gz", "cells.zarr"])
def test_files_with_an_ending_of_another_kind_are_not_claimed(name):
    assert "napari-jsn" not in {reader.plugin_name for reader in PluginManager.instance().iter_compatible_readers(name)}


SIZES = (20, 16), (22, 16), (20, 17)


def write_images(folder, names, sizes=SIZES):
    for number, (name, size) in enumerate(zip(names, sizes)):
        pixels = np.random.default_rng(number).integers(0, 255, size, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)


@pytest.mark.parametrize(
    "names",
    [
        ["hand 2020-01-15.png", "hand 2021-01-13.png"],
        ["week 52.png", "week 0.png", "week 104.png"],
        ["visit2.tif", "visit1.tif"],
    ],
)
@pytest.mark.parametrize("sizes", [SIZES, (SIZES[0],) * 3])
def test_a_folder_of_images_whose_names_order_visits_is_that_of_a_patient(tmp_path, names, sizes):
    write_images(tmp_path, names, sizes)
    viewer = ViewerModel()
    viewer.open(str(tmp_path), plugin="napari-jsn")
    assert len(viewer.layers) == 1 + len(names)
    assert [layer.metadata[KEY]["visit"] for layer in viewer.layers[1:]] == [*range(1, len(names) + 1)]


@pytest.mark.parametrize(
    "names", [["a.png", "b.png"], ["left.png", "right.jpg", "both.png"], ["IMG_1.tif", "IMG_2.tif"]]
)
def test_a_folder_of_images_of_several_sizes_says_what_their_names_must_state(tmp_path, names):
    write_images(tmp_path, names)
    with pytest.raises(InputError, match="do not give the order of the visits"):
        ViewerModel().open(str(tmp_path), plugin="napari-jsn")


@pytest.mark.parametrize("names", [["a.png", "b.png"], ["a.png", "b.png", "notes.txt"], ["a.png"]])
def test_other_folders_of_images_are_left_to_others(tmp_path, names):
    write_images(tmp_path, [name for name in names if name.endswith("png")], (SIZES[0],) * 3)
    (tmp_path / names[-1]).touch()
    assert readers.get_folder_reader(str(tmp_path)) is None


@pytest.mark.parametrize(
    "stated", [{"PatientID": "P-0001"}, {"PatientName": "Doe^Jane"}, {"PatientBirthDate": "19600101"}]
)
def test_a_dicom_layer_carries_codes_of_the_identity_and_not_the_identity(tmp_path, stated):
    layers = []
    for number in range(2):
        write_dicom(tmp_path / f"{number}.dcm", **stated)
        layers.append(readers.read_dicom(str(tmp_path / f"{number}.dcm"))[0][1]["metadata"][KEY])
    write_dicom(tmp_path / "other.dcm", PatientID="P-0002", PatientName="Roe", PatientBirthDate="19610101")
    other = readers.read_dicom(str(tmp_path / "other.dcm"))[0][1]["metadata"][KEY]
    assert layers[0]["identity"] == layers[1]["identity"] != other["identity"]
    assert not any(text in str(layers) for text in ("P-0001", "Doe", "doe", "19600101", "1960-01"))


def test_radiographs_of_a_folder_carry_one_identity_and_one_folder(film, tmp_path):
    for name in ("SIM0001", "SIM0002"):
        with RadiographWriter(tmp_path) as writer:
            for visit in (1, 2):
                writer.add(film(name, visit=visit))
    one, other = (
        [options["metadata"][KEY] for _, options, _ in readers.read_patient_folder(str(tmp_path / name))]
        for name in ("SIM0001", "SIM0002")
    )
    for key in ("opened", "identity"):
        assert len({str(entry[key]) for entry in one if key in entry}) == 1 and key in one[1]
        assert one[1][key] != other[1][key]
    assert one[0]["opened"] == one[1]["opened"] and one[1]["patient_id"] != other[1]["patient_id"]


def test_only_dicom_files_are_read_alone(folder):
    assert readers.get_dicom_reader(str(folder / "sample-fixed.bmp")) is None
    assert readers.get_dicom_reader(["a.dcm", "b.dcm"]) is None


def write_dicom(path, **attributes):
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", generate_uid()
    dataset.Modality, dataset.Rows, dataset.Columns = "CR", 20, 16
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = np.arange(320, dtype=np.uint16).tobytes()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
