import numpy as np
import pydicom
import pytest
from PIL import Image

from napari_jsn.errors import InputError
from napari_jsn.export.simulated.writer import FilmWriter
from napari_jsn.study import holds_study, read_study


@pytest.fixture
def folder(film, tmp_path):
    """Write a patient: ``folder(form="dicom", visits=2, sides=(("R",), ("L",)))`` gives the patient's folder."""

    def write(form="dicom", visits=2, sides=(("R",), ("L",)), patient="SIM0001"):
        with FilmWriter(tmp_path, form, len(sides)) as writer:
            for visit in range(visits, 0, -1):  # files come in no order of time
                for shown in sides:
                    writer.add(film(patient=patient, visit=visit, sides=shown))
        return tmp_path / patient

    return write


@pytest.mark.parametrize("form", ["dicom", "png", "tiff"])
def test_visits_by_date_and_sides(folder, film, form):
    study = read_study(folder(form))
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
    (radiograph,) = read_study(folder(form, visits=1, sides=(("R", "L"),)), split=False).visits[0].radiographs
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
    assert sum(len(visit.radiographs) for visit in read_study(patient).visits) == 4
    assert holds_study(patient, 100)


def test_what_cannot_be_a_study_is_told(folder, tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        read_study(tmp_path / "missing")
    with pytest.raises(InputError, match="no DICOM radiographs"):
        read_study(tmp_path)
    one = folder()
    folder(patient="SIM0002")
    with pytest.raises(InputError, match="more than one patient"):
        read_study(tmp_path)
    path = next(one.glob("*_v01_L.dcm"))
    undated = pydicom.dcmread(path)
    for name in ("AcquisitionDate", "ContentDate", "StudyDate"):
        undated[name].value = ""
    undated.save_as(path)
    with pytest.raises(InputError, match=r"photo\.dcm does not say when.*Name the files.*films\.csv"):
        path.rename(one / "photo.dcm")
        read_study(one)
    path.write_text("no DICOM")
    with pytest.raises(InputError, match=r"_v01_L\.dcm is no DICOM file"):
        read_study(one)


@pytest.mark.parametrize("line", ["film.png,yesterday,L,0.1", "film.png", "film.png,2020-01-06,L,wide"])
def test_a_table_of_films_that_cannot_be_read(tmp_path, line):
    (tmp_path / "films.csv").write_text(f"file,acquired,side,spacing_mm\n{line}\n")
    with pytest.raises(InputError, match=r"Line 2 of .*films\.csv"):
        read_study(tmp_path)


def test_what_a_table_of_films_leaves_out_stays_unknown(folder):
    patient = folder("png", visits=1, sides=(("L",),))
    (patient / "films.csv").write_text("file,acquired\nSIM0001_v01_L.png,2020-01-06\n")
    (radiograph,) = read_study(patient, split=False).visits[0].radiographs
    assert (radiograph.side, radiograph.spacing_mm, radiograph.side_source) == (None, None, "")


def test_a_short_look_at_a_folder(tmp_path):
    assert not holds_study(tmp_path, 10)
    for name in ("a.txt", "b", "truth.csv", "c.png"):
        (tmp_path / name).write_text("text")
    assert not holds_study(tmp_path, 10)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "film.DCM").touch()
    assert holds_study(tmp_path, 10)
    assert not holds_study(tmp_path, 3)  # too many other things
    assert not holds_study(tmp_path / "a.txt", 10) and not holds_study(tmp_path / "missing", 10)
