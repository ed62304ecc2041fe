import os
import re

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from napari_jsn.common.errors import InputError
from napari_jsn.export.simulated.writer import RadiographWriter
from napari_jsn.patient.list_files import holds_patient
from napari_jsn.patient.read import patient_from_radiographs, read_patient


@pytest.fixture
def folder(film, tmp_path):
    """Write a patient: ``folder(form="dicom", visits=2, sides=(("R",), ("L",)))`` gives the patient's folder."""

    def write(form="dicom", visits=2, sides=(("R",), ("L",)), patient="SIM0001"):
        with RadiographWriter(tmp_path, form, len(sides)) as writer:
            for visit in range(visits, 0, -1):  # files come in no order of time
                for shown in sides:
                    writer.add(film(patient=patient, visit=visit, sides=shown))
        return tmp_path / patient

    return write


@pytest.mark.parametrize("form", ["dicom", "png", "tiff"])
def test_visits_by_date_and_sides(folder, film, form):
    study = read_patient(folder(form))
    assert [visit.number for visit in study.visits] == [1, 2]
    assert [str(visit.day) for visit in study.visits] == ["2020-01-06", "2021-01-04"]
    for visit in study.visits:
        assert [radiograph.side for radiograph in visit.radiographs] == ["R", "L"]
        for radiograph in visit.radiographs:
            assert radiograph.spacing_mm == pytest.approx(0.15 / 1.05, rel=1e-5)
            assert radiograph.spacing_source == ("magnification corrected" if form == "dicom" else "given")
    pixels = film(visit=2, sides=("L",)).radiograph().pixels
    assert np.abs(study.visits[1].radiographs[1].pixels - pixels).max() < 1e-4


@pytest.mark.parametrize("form", ["dicom", "png"])
def test_a_film_of_both_hands_has_no_one_side(folder, form):
    (radiograph,) = read_patient(folder(form, visits=1, sides=(("R", "L"),)), split=False).visits[0].radiographs
    assert radiograph.side is None and radiograph.side_source


def test_what_else_lies_there_is_left_alone(folder):
    patient = folder()
    for number, path in enumerate(sorted(patient.glob("*.dcm"))):  # as exports name them
        deep = patient / "study" / "series"
        deep.mkdir(parents=True, exist_ok=True)
        path.rename(deep / (f"IM{number}" if number % 2 else f"1.2.840.{number}"))
    other = pydicom.dcmread(next(deep.iterdir()))
    other.Modality, other.PatientID = "SR", "else"
    other.save_as(patient / "report.dcm")
    (patient / "notes.txt").write_text("text")
    (patient / ".hidden.dcm").write_text("text")
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(patient / "picture.png")
    assert sum(len(visit.radiographs) for visit in read_patient(patient).visits) == 4
    assert holds_patient(patient, 100)


def test_what_cannot_be_a_study_is_reported(folder, tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        read_patient(tmp_path / "missing")
    with pytest.raises(InputError, match="no DICOM radiographs"):
        read_patient(tmp_path)
    one = folder()
    folder(patient="SIM0002")
    with pytest.raises(InputError, match="more than one patient"):
        read_patient(tmp_path)
    path = next(one.glob("*_v01_L.dcm"))
    undated = pydicom.dcmread(path)
    for name in ("AcquisitionDate", "ContentDate", "StudyDate", "SeriesDate"):
        undated[name].value = ""
    undated.save_as(path)
    with pytest.raises(InputError, match=r"photo\.dcm states no date.*Name the files.*radiographs\.csv"):
        path.rename(one / "photo.dcm")
        read_patient(one)
    path.write_text("no DICOM")
    with pytest.raises(InputError, match=r"_v01_L\.dcm is not a DICOM file"):
        read_patient(one)


@pytest.mark.parametrize("line", ["film.png,yesterday,L,0.1", "film.png", "film.png,2020-01-06,L,wide"])
def test_a_table_of_films_that_cannot_be_read(tmp_path, line):
    (tmp_path / "radiographs.csv").write_text(f"file,acquired,side,spacing_mm\n{line}\n")
    with pytest.raises(InputError, match=r"Line 2 of .*radiographs\.csv"):
        read_patient(tmp_path)


@pytest.mark.parametrize(
    "second", ["film.png,2022-01-06,L,0.1", "film.png,2020-01-06,R,0.1", "./film.png,2020-01-06,L,"]
)
def test_two_lines_of_a_table_that_contradict_each_other(tmp_path, second):
    image(tmp_path / "film.png")
    lines = ["file,acquired,side,spacing_mm", *2 * ["film.png,2020-01-06,L,0.1"]]  # the same facts twice are no fault
    (tmp_path / "radiographs.csv").write_text("\n".join(lines))
    assert len(read_patient(tmp_path, split=False).visits) == 1
    (tmp_path / "radiographs.csv").write_text("\n".join([*lines, second]))
    with pytest.raises(InputError, match=r"Line 4 of .*radiographs.csv contradicts an earlier line about film.png"):
        read_patient(tmp_path, split=False)


def test_what_a_table_of_films_leaves_out_stays_unknown(folder):
    patient = folder("png", visits=1, sides=(("L",),))
    (patient / "radiographs.csv").write_text("file,acquired\nSIM0001_v01_L.png,2020-01-06\n")
    (radiograph,) = read_patient(patient, split=False).visits[0].radiographs
    assert (radiograph.side, radiograph.spacing_mm, radiograph.side_source) == (None, None, "")


def test_a_short_look_at_a_folder(tmp_path):
    assert not holds_patient(tmp_path, 10)
    for name in ("a.txt", "b", "truth.csv", "c.png"):
        (tmp_path / name).write_text("text")
    assert not holds_patient(tmp_path, 10)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "film.DCM").touch()
    assert holds_patient(tmp_path, 10)
    assert not holds_patient(tmp_path, 3)  # too many other things
    assert not holds_patient(tmp_path / "a.txt", 10) and not holds_patient(tmp_path / "missing", 10)


def image(path, seed=0, brightness=255):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, brightness, (40, 30), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def words_of(folder, **options):
    with pytest.raises(InputError) as error:
        read_patient(folder, **options)
    return str(error.value)


def test_image_files_in_order_of_their_names(tmp_path):
    for seed, name in enumerate(("followup/right.png", "baseline/left.png", "baseline/right.png", "followup/left.png")):
        image(tmp_path / name, seed)
    image(tmp_path / "followup" / "left_mask.png")
    study = read_patient(tmp_path)
    assert [visit.day for visit in study.visits] == [None, None]
    films = [film for visit in study.visits for film in visit.radiographs]
    assert [film.path.relative_to(tmp_path).as_posix() for film in films] == [
        "baseline/right.png", "baseline/left.png", "followup/right.png", "followup/left.png",
    ]  # fmt: skip
    assert [film.name for film in films] == ["visit 1, right", "visit 1, left", "visit 2, right", "visit 2, left"]
    assert {film.side_source for film in films} == {"file name"}
    assert study.notes == ("Not all radiographs state a date: the names give the order of the visits.",)


def test_dates_in_names_are_dates(tmp_path):
    image(tmp_path / "left 2021-03-04.png", 1)
    image(tmp_path / "left 20200102.jpg", 2)
    study = read_patient(tmp_path)
    assert [str(visit.day) for visit in study.visits] == ["2020-01-02", "2021-03-04"]
    assert study.visits[0].radiographs[0].acquired_source == "file name" and study.notes == ()


def test_names_that_tell_no_order(tmp_path):
    for number in range(2):
        image(tmp_path / f"hand_{number}.png", number)
    words = words_of(tmp_path, split=False)
    assert "hand_0.png states no date" in words and "baseline and followup" in words
    assert len(read_patient(image_alone(tmp_path), split=False).visits) == 1


def image_alone(folder):
    (folder / "hand_1.png").unlink()
    return folder


def test_one_visit_needs_no_order(tmp_path):
    for seed, side in enumerate(("left", "right")):
        image(tmp_path / f"baseline_{side}.png", seed)
    (visit,) = read_patient(tmp_path).visits
    assert [film.side for film in visit.radiographs] == ["R", "L"]


def test_names_and_dates_that_contradict(folder):
    patient = folder(sides=(("L",),))
    for old, new in (("v01", "a_followup"), ("v02", "b_baseline")):
        (patient / f"SIM0001_{old}_L.dcm").rename(patient / f"{new}.dcm")
    words = words_of(patient)
    assert "put a_followup.dcm and b_baseline.dcm in opposite order" in words and "Correct the names" in words
    (patient / "radiographs.csv").write_text("file,acquired\na_followup.dcm,2022-01-01\n")  # a person corrects the date
    study = read_patient(patient)
    assert [str(visit.day) for visit in study.visits] == ["2021-01-04", "2022-01-01"]


def test_parts_of_names_that_contradict(tmp_path):
    image(tmp_path / "visit1" / "week 24.png", 1)
    image(tmp_path / "visit2" / "week 0.png", 2)
    assert "out of order" in words_of(tmp_path)


def test_one_day_is_two_visits_where_names_say_so(folder):
    patient = folder(visits=1, sides=(("L",),))
    again = pydicom.dcmread(patient / "SIM0001_v01_L.dcm")
    again.SOPInstanceUID = generate_uid()
    again.PixelData = again.PixelData[2:] + again.PixelData[:2]
    again.save_as(patient / "SIM0001_v02_L.dcm")
    assert [str(visit.day) for visit in read_patient(patient).visits] == ["2020-01-06", "2020-01-06"]


def test_a_table_may_number_the_visits(tmp_path):
    for name in "ab":
        image(tmp_path / f"{name}.png", ord(name))
    (tmp_path / "radiographs.csv").write_text("file,visit,side,spacing_mm\na.png,2,L,0.2\nb.png,1,L,0.1\n")
    study = read_patient(tmp_path)
    assert [visit.radiographs[0].spacing_mm for visit in study.visits] == [0.1, 0.2]


def test_copies_are_taken_once(folder):
    patient = folder(visits=1)
    path = patient / "SIM0001_v01_L.dcm"
    (patient / "SIM0001_v01_L_copy.dcm").write_bytes(path.read_bytes())
    study = read_patient(patient)
    assert [film.side for film in study.visits[0].radiographs] == ["R", "L"]
    assert study.notes == ("Visit 1: a radiograph that occurs more than once is used once.",)


def test_what_is_no_hand_is_left_out_and_told(folder):
    patient = folder(visits=1)
    for number, (keyword, value) in enumerate(
        (("BodyPartExamined", "FOOT"), ("Modality", "MR"), ("ViewPosition", "LL"))
    ):
        other = pydicom.dcmread(patient / "SIM0001_v01_L.dcm")
        other[keyword].value = value
        other.SOPInstanceUID = generate_uid()
        other.PixelData = other.PixelData[2:] + other.PixelData[:2]
        other.save_as(patient / f"v01_other{number}.dcm")
    study = read_patient(patient)
    assert len(study.visits[0].radiographs) == 2
    assert study.notes == (
        "Files that are not radiographs of hands were left out: 1 of body part FOOT (v01_other0.dcm), "
        "1 of modality MR (v01_other1.dcm).",
        "Visit 1: lateral or oblique views were left out (LL).",
    )
    for path in patient.glob("SIM*.dcm"):
        path.unlink()
    for name in ("v01_other2.dcm", "radiographs.csv"):
        (patient / name).unlink()
    assert (
        "These files were left out: 1 of body part FOOT (v01_other0.dcm), 1 of modality MR (v01_other1.dcm)."
        in words_of(patient)
    )


def test_who_it_is_stays_out_unless_asked_for(folder):
    patient = folder()
    study = read_patient(patient)
    films = [film for visit in study.visits for film in visit.radiographs]
    texts = " ".join(
        [study.patient_id, *study.notes, *(f"{f.name} {f.side_source} {f.acquired_source}" for f in films)]
    )
    assert re.fullmatch("P[0-9a-f]{8}", study.patient_id) and "SIM" not in texts
    assert read_patient(patient, patient_id="P7").patient_id == "P7"
    assert read_patient(patient, keep_identity=True).patient_id == "SIM0001"


def test_two_patients_in_a_table_of_films(folder):
    patient = folder("png")
    table = (patient / "radiographs.csv").read_text()
    (patient / "radiographs.csv").write_text(table.replace("SIM0001,2,", "SIM0002,2,"))
    assert "more than one patient: the Patient ID" in words_of(patient)


def test_radiographs_one_by_one(folder, film):
    patient = folder()
    paths = [[patient / f"SIM0001_v0{visit}_{side}.dcm" for side in "LR"] for visit in (1, 2)]
    study = patient_from_radiographs(*paths)
    assert [[r.name for r in visit.radiographs] for visit in study.visits] == [
        ["visit 1, right", "visit 1, left"], ["visit 2, right", "visit 2, left"],
    ]  # fmt: skip
    assert [str(visit.day) for visit in study.visits] == ["2020-01-06", "2021-01-04"]
    assert (
        study.patient_id == read_patient(patient).patient_id
        and patient_from_radiographs(*paths, keep_identity=True).patient_id == "SIM0001"
    )
    other = pydicom.dcmread(paths[1][0])
    other.PatientID = "else"
    other.save_as(paths[1][0])
    with pytest.raises(InputError, match="more than one patient"):
        patient_from_radiographs(*paths)
    read = film().radiograph()
    assert [v.radiographs[0].side for v in patient_from_radiographs(read, read.pixels, split=False).visits] == [
        "L",
        None,
    ]
    with pytest.raises(InputError, match="Visit 2 has no radiograph"):
        patient_from_radiographs(read, [])


@pytest.mark.parametrize("name", ["{}.dcm", "{}", "1.2.3.{}"])
def test_files_without_the_preamble_are_read(folder, name):
    patient = folder(sides=(("L",),))
    (patient / "radiographs.csv").unlink()
    for number, path in enumerate(sorted(patient.glob("*.dcm"))):
        (patient / name.format(number)).write_bytes(path.read_bytes()[132:])
        path.unlink()
    assert [str(visit.day) for visit in read_patient(patient).visits] == ["2020-01-06", "2021-01-04"]


def test_folders_and_pipes_are_not_files(folder):
    patient = folder(sides=(("L",),))
    for name in ("v01.dcm", "v02.DICOM", "v03.png", "v04"):
        (patient / name).mkdir()
    for name in ("pipe", "v05.dcm"):
        os.mkfifo(patient / name)
    assert len(read_patient(patient).visits) == 2


def test_rows_of_the_table_without_a_file_are_noted(folder):
    patient = folder(sides=(("L",),))
    (patient / "radiographs.csv").write_text("file,visit\nSIM0001_V01_L.dcm,1\nb/c.dcm,2\n")
    assert read_patient(patient).notes == (
        "radiographs.csv lists files that are not in the folder: SIM0001_V01_L.dcm, b/c.dcm.",
    )


@pytest.mark.parametrize("spacing", ["nan", "-1", "0", "inf", "0.1x"])
def test_a_spacing_of_the_table_that_is_not_a_length_is_refused_with_its_line(folder, spacing):
    patient = folder(sides=(("L",),))
    (patient / "radiographs.csv").write_text(f"file,visit,spacing_mm\na.dcm,1,0.1\nb.dcm,2,{spacing}\n")
    assert "Line 3 of" in words_of(patient)


def test_visits_of_the_table_are_not_said_to_come_from_names(folder):
    patient = folder(form="png", sides=(("L",),))
    first, second = sorted(path.name for path in patient.glob("*.png"))
    (patient / "radiographs.csv").write_text(f"file,visit,side\n{first},1,L\n{second},2,L\n")
    assert not any("names" in note for note in read_patient(patient).notes)


@pytest.mark.parametrize("given", ["", " ", "\t"])
def test_an_empty_pseudonym_is_refused(folder, given):
    from napari_jsn.progression.measure import measure

    place = folder(sides=(("L",),))
    for refused in (
        lambda: read_patient(place, split=False, patient_id=given),
        lambda: measure(place, patient_id=given),
    ):
        with pytest.raises(InputError, match="pseudonym of the patient is empty") as error:
            refused()
        assert error.value.argument == "patient_id"


@pytest.mark.parametrize("given", ["P07", "=P07", "\u5c71\u7530"])
def test_a_pseudonym_that_is_given_is_kept(folder, given):
    from napari_jsn.progression.measure import measure

    class Stopped:
        aborted = True

        def update(self, done, total, message=""):
            pass

    place = folder(sides=(("L",),))
    patient = read_patient(place, split=False)
    assert read_patient(place, split=False, patient_id=given).patient_id == given
    assert measure(patient, patient_id=given, progress=Stopped()).patient_id == given
    assert measure(patient, progress=Stopped()).patient_id == patient.patient_id
