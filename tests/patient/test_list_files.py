"""Which files of a patient's folder are radiographs, and what the notes say about the others."""

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.fileset import FileSet
from pydicom.uid import JPEGBaseline8Bit, generate_uid

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import written_notes
from napari_jsn.patient.list_files import holds_patient
from napari_jsn.patient.read import patient_from_radiographs, read_patient

from .sample_files import DATES, write_sample

SECONDARY = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "Modality": "OT", "ConversionType": "WSD"}
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
NO_PART = {"BodyPartExamined": None, "AnatomicRegionSequence": None}


def read(folder):
    return read_patient(folder, split=False)


def write(folder, name, visit=1, **attributes):
    return write_sample(folder / name, visit, SOPInstanceUID=generate_uid(), **attributes)


@pytest.fixture
def folder(tmp_path):
    """Two visits of one hand."""
    write(tmp_path, "v1.dcm"), write(tmp_path, "v2.dcm", 2)
    return tmp_path


def save_image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 30), dtype=np.uint8)).save(path)


def refusal(folder):
    with pytest.raises(InputError) as error:
        read(folder)
    assert str(error.value).count("\n") == 0
    return str(error.value)


@pytest.mark.parametrize(
    "name", ["v3.ima", "v3.img", "v3.dic", "v3.cr", "v3", "v3.v2", "v3.dcm_old", "v3.png", "1.2.840.3", "x.dcm/v3"]
)
def test_a_visit_with_another_name_is_read(folder, name):
    write(folder, name, dates={"AcquisitionDate": "20220110"})
    patient = read(folder)
    assert [str(visit.day)[:4] for visit in patient.visits] == ["2020", "2021", "2022"] and patient.notes == ()


@pytest.mark.parametrize("files", [(1, 2), (1, 2, 3)])
def test_a_disc_with_its_index_is_read(tmp_path, files):
    disc = FileSet()
    for visit in files:
        dates = dict.fromkeys(DATES, f"20{20 + visit}0101")
        disc.add(write(tmp_path / "source", f"{visit}.dcm", dates=dates, StudyTime="120000"))
    disc.write(tmp_path / "disc")
    assert (tmp_path / "disc" / "DICOMDIR").is_file()
    patient = read(tmp_path / "disc")
    assert len(patient.visits) == len(files) and patient.notes == ()


@pytest.mark.parametrize("depth", [4, 7, 12])
@pytest.mark.parametrize("visits", [(1, 2), (2,)])
def test_visits_in_deep_folders_are_read(tmp_path, depth, visits):
    for visit in (1, 2):
        write(tmp_path, "/".join([*"a" * (depth if visit in visits else 1), f"IM{visit}"]), visit)
    assert len(read(tmp_path).visits) == 2 and read(tmp_path).notes == ()


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("v3.heic", b"\0\0\0 ftypheic", "1 file of other formats (v3.heic)"),
        ("v3.pdf", b"%PDF-1.7", "1 file of other formats (v3.pdf)"),
        ("v3.zip", b"PK\3\4", "1 file of other formats (v3.zip)"),
        ("v3", b"version https://git-lfs.github.com/spec/v1", "1 file of other formats (v3)"),
        ("IM3", b"", "1 empty file (IM3)"),
        (".v3.dcm", None, "1 hidden file or folder (.v3.dcm)"),
        (".old/v3.dcm", None, "1 hidden file or folder (.old)"),
        ("/".join([*"a" * 13, "v3"]), None, f"1 folder below 12 levels ({'/'.join('a' * 13)})"),
    ],
)
def test_what_is_passed_over_is_noted_with_its_name(folder, name, content, named):
    if content is None:
        write(folder, name)
    else:
        (folder / name).write_bytes(content)
    (note,) = read(folder).notes
    assert note == f"Not read: {named}."
    assert written_notes([note]) == [f"Not read: {named.split(' (')[0]}."]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("nothing", path), lambda path: path.mkdir()])
@pytest.mark.parametrize("name", ["v3.dcm", "v3", "v3.png"])
def test_what_is_no_regular_file_is_not_opened(folder, make, name):
    make(folder / name)
    assert len(read(folder).visits) == 2
    assert [name in note for note in read(folder).notes] == ([] if (folder / name).is_dir() else [True])


@pytest.mark.parametrize("name", ["notes.txt", "truth.csv", "DICOMDIR.xml", ".DS_Store", "Thumbs.db", ".hidden.dcm"])
def test_texts_and_files_of_systems_need_no_note(folder, name):
    (folder / name).write_text("text")
    assert read(folder).notes == ()


def test_names_are_counted_and_the_first_are_named(folder):
    for number in range(5):
        (folder / f"scan{number}.pdf").write_bytes(b"%PDF")
    assert read(folder).notes == ("Not read: 5 files of other formats (scan0.pdf, scan1.pdf, scan2.pdf and 2 more).",)


@pytest.mark.parametrize("name", ["v3.png", "photo.jpg", "a/scan.tif", "v3"])
def test_an_image_file_beside_dicom_is_noted_and_used_where_the_table_lists_it(folder, name):
    image = folder / "image.png"
    save_image(image)
    (folder / name).parent.mkdir(exist_ok=True)
    image.rename(folder / name)
    patient = read(folder)
    assert len(patient.visits) == 2
    assert patient.notes == (
        f"Not read: 1 image file beside DICOM files ({name}). To use an image file, list it in radiographs.csv.",
    )
    (folder / "radiographs.csv").write_text(f"file,acquired\n{name},2022-01-10\n")
    assert len(read(folder).visits) == 3 and read(folder).notes == ()


@pytest.mark.parametrize("suffix", ["", ".jpe", ".v2", ".png"])
def test_image_files_are_recognised_by_content(tmp_path, suffix):
    for seed, name in enumerate(("baseline", "followup")):
        save_image(tmp_path / f"{name}.png", seed)
        (tmp_path / f"{name}.png").rename(tmp_path / f"{name}{suffix}")
    assert len(read(tmp_path).visits) == 2


def test_image_files_that_the_table_does_not_list_and_lone_masks_are_noted(tmp_path):
    for seed, name in enumerate(("a", "b", "c", "a_mask", "v3_mask")):
        save_image(tmp_path / f"{name}.png", seed)
    (tmp_path / "radiographs.csv").write_text("file,visit\na.png,1\nb.png,2\n")
    notes = " ".join(read(tmp_path).notes)
    assert "1 image file that radiographs.csv does not list (c.png)" in notes
    assert "1 mask without an image (v3_mask.png)" in notes


FOOT = pydicom.Dataset()
FOOT.CodeValue, FOOT.CodingSchemeDesignator, FOOT.CodeMeaning = "56459004", "SCT", "Foot"


@pytest.mark.parametrize(
    "stated",
    [
        {"AnatomicRegionSequence": [FOOT], "BodyPartExamined": None},
        {"BodyPartExamined": "LFOOT"},
        {**NO_PART, "SeriesDescription": "Vorfuß links"},
        {**NO_PART, "StudyDescription": "Pieds face"},
        {**NO_PART, "ProtocolName": "Feet", "StudyDescription": "Hands and feet"},
    ],
)
@pytest.mark.parametrize("side", ["L", "R"])
def test_feet_are_left_out_with_a_note(folder, stated, side):
    write(folder, "IM3.dcm", ImageLaterality=side, Laterality=side, **stated)
    patient = read(folder)
    assert [len(visit.hands) for visit in patient.visits] == [1, 1]
    assert patient.notes == ("Files that are not radiographs of hands were left out: 1 of body part FOOT (IM3.dcm).",)


@pytest.mark.parametrize("text", ["HAND/FOOT", "Hände und Füße", "mains et pieds", "manos y pies"])
def test_hands_whose_text_names_feet_too_are_kept_and_noted(tmp_path, text):
    paths = [write(tmp_path, f"v{v}.dcm", v, **NO_PART, SeriesDescription=text) for v in (1, 2)]
    for patient in (read(tmp_path), patient_from_radiographs(*paths, split=False)):
        assert len(patient.visits) == 2
        (note,) = patient.notes
        assert "v1.dcm has a description that names a hand and FOOT; v2.dcm" in note
        assert "v1.dcm" not in written_notes([note])[0]


def page(colour):
    """A white page with black lines, and red ones."""
    pixels = np.full((400, 600, 3), 255, np.uint8)
    for row in range(20, 380, 20):
        pixels[row : row + 3, 50:500] = 0
    if colour:
        pixels[200:205] = (255, 0, 0)
    return pixels


def colour_attributes(pixels, compressed):
    rows, columns = pixels.shape[:2]
    facts = {"Rows": rows, "Columns": columns, "SamplesPerPixel": 3, "PlanarConfiguration": 0, "BitsAllocated": 8,
             "BitsStored": 8, "HighBit": 7, "PhotometricInterpretation": "RGB"}  # fmt: skip
    if not compressed:
        return {**facts, "PixelData": pixels.tobytes()}
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG")
    return {**facts, "PhotometricInterpretation": "YBR_FULL_422", "PixelData": encapsulate([stream.getvalue()])}


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_page_or_screenshot_as_secondary_capture_stops_nothing(folder, colour, compressed):
    path = write(folder, "dose.dcm", **SECONDARY, **NO_PART, **colour_attributes(page(colour), compressed))
    if compressed:
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(path)
    (note,) = read(folder).notes
    assert "1 of type screenshot or report (dose.dcm)" in note


@pytest.mark.parametrize("depth", [1, 3])
def test_a_radiograph_as_secondary_capture_is_kept(tmp_path, depth):
    for visit in (1, 2):
        path = write(tmp_path, f"v{visit}.dcm", visit, **SECONDARY, **NO_PART)
        dataset = pydicom.dcmread(path)
        grey = (dataset.pixel_array >> 4).astype(np.uint8)
        if depth == 3:
            for keyword, value in colour_attributes(np.stack([grey] * 3, axis=-1), False).items():
                setattr(dataset, keyword, value)
            dataset.save_as(path)
    assert len(read(tmp_path).visits) == 2 and read(tmp_path).notes == ()


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"Modality": "SR"}, "1 of modality SR"),
        ({"Modality": "SR", "Rows": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}, "1 of modality SR"),
        ({"Modality": "OT", "Rows": None, "SOPClassUID": PDF}, "1 of type report (no image)"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "1 of type localizer"),
        ({**SECONDARY, "SeriesDescription": "Dose Report"}, "1 of type screenshot or report"),
        ({"NumberOfFrames": "3"}, "1 of type multi-frame image"),
    ],
)  # fmt: skip
def test_other_objects_stop_nothing(folder, attributes, named):
    write(folder, "other", PatientID="somebody else", **attributes)
    assert read(folder).notes == (
        f"Files that are not radiographs of hands were left out: {named} (other).",
    )  # fmt: skip
    for path in folder.glob("v*"):
        path.unlink()
    assert f"These files were left out: {named} (other)." in refusal(folder)


def test_all_left_out_says_which_and_why(tmp_path):
    write(tmp_path, "a.dcm", BodyPartExamined="FOOT"), write(tmp_path, "b.dcm", 2, Modality="MR")
    (tmp_path / "c.pdf").write_bytes(b"%PDF")
    words = refusal(tmp_path)
    for text in ("1 of body part FOOT (a.dcm), 1 of modality MR (b.dcm)", "1 file of other formats (c.pdf)",
                 "Body Part Examined is corrected", "Give the folder"):  # fmt: skip
        assert text in words


@pytest.mark.parametrize("damage", [lambda c: c[:132], lambda c: c[:1200], lambda c: b"", lambda c: b"text"])
def test_a_damaged_dicom_file_is_refused_by_name(folder, damage):
    (folder / "v3.dcm").write_bytes(damage((folder / "v1.dcm").read_bytes()))
    assert "v3.dcm is not a DICOM file or is damaged. Remove it" in refusal(folder)


@pytest.mark.parametrize("name", ["v1.dcm", "notes.pdf", "IM3"])
def test_a_file_without_permission_is_refused_by_name(folder, monkeypatch, name):
    with (folder / name).open("ab") as file:
        file.write(b"content")  # a file without content is not opened
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path == folder / name:
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert f"{name} cannot be read (Permission denied). Change its permissions" in refusal(folder)


@pytest.mark.parametrize("names", [("hand_0.png", "hand_1.png"), ("a/x.jpg", "b/x.jpg"), ("one.tif", "two.tif")])
def test_image_files_without_dates_are_told_how_to_write_a_table(tmp_path, names):
    for seed, name in enumerate(names):
        save_image(tmp_path / name, seed)
    assert f"first line file,acquired and for each file a line like {names[0]},2020-01-31." in refusal(tmp_path)
    lines = "".join(f"{name},202{number}-01-31\n" for number, name in enumerate(names))
    (tmp_path / "radiographs.csv").write_text(f"file,acquired\n{lines}")
    assert len(read(tmp_path).visits) == 2


@pytest.mark.parametrize("name", ["IM000001", "x.ima", "a.v2", "1.2.840", "deep/er/than/three/folders/x"])
def test_a_folder_of_dicom_files_with_other_names_is_a_patients(tmp_path, name):
    write(tmp_path, name)
    assert holds_patient(tmp_path, 10)
    (tmp_path / name).write_bytes(b"no DICOM")
    assert not holds_patient(tmp_path, 10)
