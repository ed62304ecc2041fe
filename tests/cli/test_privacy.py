"""Thirty words that could identify a patient are planted in tags, names and tables; no output holds one of them."""

import base64
import re
import zlib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import napari_jsn as jsn
from napari_jsn.cli import main
from napari_jsn.common.csv_files import records_csv
from napari_jsn.progression import measure as measuring

pytest.importorskip("highdicom")

FILMS = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
DAY, BORN, STUDY_DAY = "20170329", "19431102", "20170330"
#: What is planted in each attribute; words begin with QZ, which no text of the program has.
TAGS = {
    "PatientName": "QZname^QZgiven", "PatientID": "QZnumber77", "OtherPatientIDs": "QZother",
    "IssuerOfPatientID": "QZissuer", "PatientBirthDate": BORN, "PatientBirthName": "QZborn",
    "PatientAddress": "QZstreet", "PatientTelephoneNumbers": "QZphone", "PatientComments": "QZcomment",
    "AccessionNumber": "QZaccess", "StudyID": "QZstudy", "StudyDescription": "QZstudyabout",
    "SeriesDescription": "QZseries", "InstitutionName": "QZclinic", "InstitutionAddress": "QZtown",
    "InstitutionalDepartmentName": "QZward", "ReferringPhysicianName": "QZdoctor",
    "PerformingPhysicianName": "QZreader", "OperatorsName": "QZoperator", "StationName": "QZstation",
    "DeviceSerialNumber": "QZserial", "Manufacturer": "QZmaker", "ProtocolName": "QZprotocol",
    "ImageComments": "QZimage", "RequestedProcedureDescription": "QZasked", "BodyPartExamined": "HAND QZPART",
    "DetectorID": "QZdetector", "AcquisitionTime": "031741", "StudyDate": STUDY_DAY, "AcquisitionDate": DAY,
    "ContentDate": DAY, "PatientOrientation": "QZORIENT", "Modality": "CR", "LossyImageCompression": "01",
    "LossyImageCompressionMethod": "QZLOSSY",
}  # fmt: skip
#: Planted by other ways than these attributes: private and sequence attributes, names, a table.
OTHERS = ("QZprivate", "QZviewcode", "QZlateral", "QZfoot", "QZfolder", "QZfile", "QZmissing")
WORDS = sorted({
    word for text in (*map(str, TAGS.values()), *OTHERS) for word in re.split(r"[\^ ]", text)
    if word not in ("HAND", "CR", "01")
})  # fmt: skip
#: The planted dates as people write them.
DATES = ("2017-03-29", "2017-03-30", "1943-11-02", "29.03.2017", "03:17:41", "29 Mar 2017", "2017/03/29")


def planted(path, target, **changes):
    """Write the file with a word in every attribute that could identify a patient."""
    film = dcmread(path)
    for keyword, text in {**TAGS, **changes}.items():
        setattr(film, keyword, text)
    film.private_block(0x0011, "QZprivate", create=True).add_new(1, "LO", "QZprivate note")
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99", "oblique QZviewcode"
    film.ViewCodeSequence = [code]
    film.save_as(target)


@pytest.fixture
def folder(tmp_path):
    """Two visits on one day, a lateral view, a foot, a text, and a table that lists a file too many."""
    place = tmp_path / "QZfolder"
    place.mkdir()
    for number, film in enumerate(FILMS, start=1):
        planted(film, place / f"QZfile_v{number:02d}.dcm", ViewPosition="PA")
    for name, change in (
        ("lateral", {"ViewPosition": "LATERAL QZlateral"}),
        ("foot", {"BodyPartExamined": "FOOT QZfoot"}),
    ):
        planted(FILMS[1], place / f"QZfile_v01_{name}.dcm", SOPInstanceUID=generate_uid(), **change)
    (place / "QZfile.txt").write_text("QZname")
    names = [path.name for path in place.glob("*.dcm")]
    rows = [{"file": name, "visit": 1 + ("v02" in name), "patient": "QZnumber77"} for name in names]
    (place / "radiographs.csv").write_bytes(records_csv([*rows, {"file": "QZmissing.dcm", "visit": 2, "patient": ""}]))
    return place


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command for few joints; return what it printed, and the progression."""
    kept = []

    def measure(*arguments, **options):
        kept.append(original(*arguments, **options))
        return kept[-1]

    original = partial(measuring.measure, joints=("MCP2", "MCP3"))
    monkeypatch.setattr(measuring, "measure", measure)

    def run(*words, code=0):
        with pytest.raises(SystemExit) as left:
            main([*map(str, words)])
        printed = capsys.readouterr()
        assert (left.value.code or 0) == code, printed.err
        return (printed.out + printed.err).encode(), kept[-1] if kept else None

    return run


def layers(content):
    """Yield the bytes of a file, of the images that it embeds, and of their compressed parts."""
    yield content
    for text in re.findall(rb"base64,\s*([A-Za-z0-9+/=\s]+)", content):
        yield from layers(base64.b64decode(text))
    for start in (found.start() + 8 for found in re.finditer(rb"\x89PNG\r\n\x1a\n", content)):
        while start + 8 <= len(content):
            length, kind = int.from_bytes(content[start : start + 4], "big"), content[start + 4 : start + 8]
            chunk = content[start + 8 : start + 8 + length]
            for begin in range(len(chunk)) if kind in (b"zTXt", b"iTXt", b"iCCP") else ():
                try:
                    yield zlib.decompress(chunk[begin:])
                except zlib.error:
                    continue
            if kind == b"IEND":
                break
            start += 12 + length


def words_in(contents):
    """Return the planted words that occur in the contents, in any case, as UTF-8 or UTF-16."""
    found = set()
    for content in contents:
        for layer in layers(content):
            lower = layer.lower()
            found |= {
                word for word in (*WORDS, *DATES)
                for form in (word.lower().encode(), word.lower().encode("utf-16-le")[:-1]) if form in lower
            }  # fmt: skip
    return found


def files_of(place):
    """Return names and contents of all files of a folder; the names are searched, too."""
    return [
        content for path in place.rglob("*") if path.is_file() for content in (path.name.encode(), path.read_bytes())
    ]


def test_thirty_words_are_planted_and_would_be_found(folder):
    assert len(WORDS) >= 30
    assert words_in(files_of(folder)) | {"QZfolder"} >= set(WORDS)
    page = b'<img src="data:image/png;base64,' + base64.b64encode(png_with_text("QZname")) + b'">'
    assert words_in([page]) == words_in(["QZname".encode("utf-16-be")]) == {"QZname"}


def png_with_text(text):
    from io import BytesIO

    from PIL.PngImagePlugin import PngInfo

    file, about = BytesIO(), PngInfo()
    about.add_text("about", text, zip=True)
    Image.new("L", (2, 2)).save(file, "PNG", pnginfo=about)
    return file.getvalue()


def test_measure_with_dicom_objects(folder, run, tmp_path):
    printed, progression = run("measure", folder, "--dicom", "--out", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "bones-v01-L-seg.dcm", "bones-v02-L-seg.dcm", "joints.csv", "progression-sr.dcm", "report.html", "run.json"
    ]  # fmt: skip
    assert words_in([*files_of(tmp_path / "out"), printed]) == set()
    whole = " ".join(progression.notes)  # the notes that hold planted words were given
    for word in ("2017-03-29", "QZlateral", "QZviewcode", "QZmissing.dcm"):
        assert word in whole
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "taken on the same day." in report and "contradict each other" in report
    assert re.fullmatch("P[0-9a-f]{8}", progression.patient_id) and progression.patient_id in report
    for path in (tmp_path / "out").glob("*.dcm"):  # viewers find the images
        written = dcmread(path)
        assert written.StudyInstanceUID == dcmread(FILMS[0 if "v01" in path.name else 1]).StudyInstanceUID
    jsn.write_progression(tmp_path / "kept", progression, dicom=True, keep_identity=True)
    assert words_in(files_of(tmp_path / "kept")) >= {"QZname", "QZnumber77", "QZlateral", "2017-03-29"}
    html = progression._repr_html_()
    assert words_in([html.encode()]) == set() and "taken on the same day." in html


def test_measure_of_image_files(run, tmp_path):
    place = tmp_path / "QZfolder"
    place.mkdir()
    for name, film in zip(("baseline", "followup"), FILMS, strict=True):
        pixels = np.uint8(255 * jsn.read_radiograph(film).pixels)
        Image.fromarray(pixels).save(place / f"QZfile_{name}_left_{DAY}.png", description="QZname")
    rows = [
        {"file": f"QZfile_{name}_left_{DAY}.png", "visit": number, "acquired": "2017-03-29", "patient": "QZnumber77",
         "spacing_mm": 0.2} for number, name in enumerate(("baseline", "followup"), start=1)
    ]  # fmt: skip
    (place / "radiographs.csv").write_bytes(records_csv(rows))
    printed, progression = run("measure", place, "--out", tmp_path / "out")
    assert words_in([*files_of(tmp_path / "out"), printed]) == set()
    assert "2017-03-29" in " ".join(progression.notes)
    assert re.fullmatch("P[0-9a-f]{8}", progression.patient_id)


@pytest.mark.parametrize("ending", ["png", "dcm"])
def test_register(run, tmp_path, simulated, ending):
    paths = []
    for name, pixels in (("QZfile_fixed", simulated.fixed), ("QZfile_moving", simulated.moving)):
        stored = np.uint16(4095 * pixels)
        paths.append(tmp_path / f"{name}.{ending}")
        if ending == "png":
            Image.fromarray(stored).save(paths[-1])
            continue
        film = dcmread(FILMS[0])
        film.Rows, film.Columns = stored.shape
        film.PhotometricInterpretation = "MONOCHROME2"
        film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        film.PixelData = stored.tobytes()
        film.save_as(paths[-1])
        planted(paths[-1], paths[-1])
    printed, _ = run("register", *paths, "--out", tmp_path / "out")
    assert words_in([*files_of(tmp_path / "out"), printed]) == set()


@pytest.mark.parametrize("fault", ["damaged", "missing", "two patients"])
def test_a_refusal_names_files_only_and_writes_nothing(folder, run, tmp_path, fault):
    path = folder / "QZfile_v02.dcm"
    if fault == "damaged":
        path.write_bytes(path.read_bytes()[:9000])
    elif fault == "missing":
        path.unlink()
        (folder / "QZfile_v01.dcm").unlink()
    else:
        planted(path, path, PatientID="QZelse")
    printed, _ = run("measure", folder, "--dicom", "--out", tmp_path / "out", code=2)
    assert words_in([printed]) <= {"QZfolder", "QZfile", "QZlateral", "QZfoot"} and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "stated", ["QZname-1943", "19431102", "1.2.QZ", "9.8.7", "1..2", "1.2." + "3" * 70, "1.2.03", "QZname.1"]
)
def test_values_that_are_no_uids_are_replaced(stated, tmp_path):
    from napari_jsn.export.dicom import bone_masks_seg, progression_sr
    from napari_jsn.export.dicom.source import REPLACED
    from tests.progression import made_up

    paths = [tmp_path / path.name for path in FILMS]
    for film, path in zip(FILMS, paths, strict=True):
        content = dcmread(film)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            element = content[keyword]
            element.validation_mode = 0  # pydicom refuses such a value by default
            element.value = stated if keyword != "SOPInstanceUID" else f"{stated}{film.stem[-3]}"
        content.save_as(path, enforce_file_format=False)
    made = made_up.progression()
    hands = tuple(
        replace(hand, radiograph=replace(hand.radiograph, path=path))
        for hand, path in zip(made.hands, paths, strict=True)
    )
    progression = replace(made, hands=hands, narrowings=made.narrowings[:2])
    for keep_identity in (False, True):
        report = progression_sr(progression, keep_identity)
        masks = bone_masks_seg(progression, paths[0], keep_identity)
        for written in (report, masks):
            uids = [element.value for element in written.iterall() if element.VR == "UI"]
            assert uids and not any(stated in str(uid) for uid in uids)
        assert report.StudyInstanceUID == masks.StudyInstanceUID  # equal values stay equal
        texts = [str(element.value) for element in report.iterall() if element.VR == "UT"]
        assert texts.count(REPLACED) == 1
