"""What would be done with each patient, and what is wrong with it, by headers alone."""

import json
import os
import shutil
from dataclasses import replace

import pydicom
import pytest

import napari_jsn as jsn
from napari_jsn.cohort.plan import PlannedPatient, plan_cohort
from napari_jsn.cohort.task import Options, content_of, files_of
from napari_jsn.store import open_store
from napari_jsn.store.cohorts import CohortPatient, MeasuredPatient

RADIOGRAPHS = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
OPTIONS = Options(("MCP2",), made_with="version 1")


def put(folder, changes=({}, {}), names=("a.dcm", "b.dcm")):
    """Make the folder of a patient with changed headers; None removes an attribute."""
    folder.mkdir(parents=True)
    for radiograph, name, tags in zip(RADIOGRAPHS, names, changes, strict=False):
        (folder / name).parent.mkdir(exist_ok=True)
        header = pydicom.dcmread(radiograph)
        for tag, value in tags.items():
            if value is None:
                delattr(header, tag)
            else:
                setattr(header, tag, value)
        header.save_as(folder / name)


def of(**tags):
    return ({"PatientID": "X", **tags}, {"PatientID": "X", **tags})


WRONG = {
    "empty": (None, "contains no DICOM radiographs"),
    "one visit": (of()[:1], "There is only one visit"),
    "two patients": (({"PatientID": "X"}, {"PatientID": "Y"}), "more than one patient"),
    "one day": (of(**dict.fromkeys(("StudyDate", "AcquisitionDate", "ContentDate"), "20200101")), "two radiographs of"),
    "no date": (of(StudyDate=None, SeriesDate=None, AcquisitionDate=None, ContentDate=None), "states no date"),
    "two sides": (({"PatientID": "X"}, {"PatientID": "X", "ImageLaterality": "R", "Laterality": "R"}), "the right"),
    "no spacing once": (({"PatientID": "X"}, {"PatientID": "X", "ImagerPixelSpacing": None}), "not state its pixel"),
    "wrong spacing": (of(ImagerPixelSpacing=[0, 0]), "is not a pair of lengths"),
    "tomography": (of(Modality="CT"), "2 of modality CT"),
    "foot": (of(BodyPartExamined="FOOT"), "2 of body part FOOT"),
    "lateral": (of(ViewPosition="LL"), "lateral or oblique"),
    "tiny": (of(Rows=4), "too few for a radiograph"),
}  # fmt: skip


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A cohort of patients that are right, doubtful and wrong, and what is planned, by the name of the folder."""
    trial = tmp_path_factory.mktemp("plan") / "trial"
    put(trial / "A right")
    put(trial / "same patient")
    put(trial / "no spacing", of(ImagerPixelSpacing=None))
    for name, (changes, _) in WRONG.items():
        put(trial / name, changes or ())
    (trial / "damaged").mkdir()
    (trial / "damaged" / "a.dcm").write_bytes(b"")
    return {each.source.name: each for each in plan_cohort(trial, None, OPTIONS)}


def test_patients_that_can_be_measured(planned):
    right = planned["A right"]
    assert right == PlannedPatient(right.source, "new", 2, 2, "")
    assert "No pixel spacing is known" in planned["no spacing"].sentence and planned["no spacing"].state == "new"


@pytest.mark.parametrize("name", [*WRONG, "damaged", "same patient"])
def test_what_is_wrong(planned, name):
    one, text = planned[name], {"damaged": "is damaged", "same patient": "as A right"}.get(name)
    assert one.state == "wrong" and (text or WRONG[name][1]) in one.sentence


def test_pixels_are_not_read(planned, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_jsn.radiograph.dicom.read_intensities", lambda *_: 1 / 0)
    put(tmp_path / "trial" / "A")
    (tmp_path / "trial" / "B").mkdir()
    for name in ("v1.png", "v2.png"):  # only its name and first bytes count
        (tmp_path / "trial" / "B" / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    found = plan_cohort(tmp_path / "trial", None, OPTIONS)
    assert [(each.state, each.visits) for each in found] == [("new", 2), ("new", 2)]


def test_states_of_a_store(tmp_path):
    for name in "ABC":
        put(tmp_path / "trial" / name, of(PatientID=name))
    place, options = tmp_path / "t.db", OPTIONS
    assert [each.state for each in plan_cohort(tmp_path / "trial", place, options, True)] == ["new"] * 3
    assert not place.exists()
    with open_store(place) as store:
        for each in plan_cohort(tmp_path / "trial", None, options, True)[:2]:
            files = files_of(each.source)
            one = CohortPatient(each.source.key, each.source.name, "measured", files=json.dumps(files),
                                content=content_of(each.source, files, options.made_with))  # fmt: skip
            store.save_cohort([MeasuredPatient(one)])
        store.save_cohort([MeasuredPatient(CohortPatient(str(tmp_path / "trial" / "C"), "C", "failed"))])

    def states(options=options):
        return [each.state for each in plan_cohort(tmp_path / "trial", place, options, True)]

    assert states() == ["done", "done", "failed before"]
    assert states(replace(options, made_with="version 2")) == ["changed", "changed", "failed before"]
    (tmp_path / "trial" / "A" / "c.txt").write_text("new")
    assert states() == ["changed", "done", "failed before"]
    shutil.copytree(tmp_path / "trial" / "B", tmp_path / "moved" / "B")
    assert [each.state for each in plan_cohort(tmp_path / "moved", place, options, True)] == ["changed"]
    shutil.rmtree(tmp_path / "trial" / "B")
    put(tmp_path / "other" / "B")
    assert plan_cohort(tmp_path / "other", place, options, True)[0].sentence.startswith("This is the same patient as")


def test_one_person_under_two_names_of_a_table(tmp_path):
    put(tmp_path / "P")
    rows = [f"{name},{visit},P/{radiograph}.dcm" for name in ("P1", "P2") for visit, radiograph in ((1, "a"), (2, "b"))]
    shutil.copytree(tmp_path / "P", tmp_path / "Q")
    rows[2:] = [row.replace("P/", "Q/") for row in rows[2:]]
    (tmp_path / "t.csv").write_text("\n".join(["patient,visit,path", *rows]))
    one, two = plan_cohort(tmp_path / "t.csv", None, OPTIONS)
    assert one.sentence == "" and "the same Patient ID as those of P1" in two.sentence


def test_abort(tmp_path):
    class Stop:
        aborted = True

        def update(self, done, total, message=""):
            pass

    os.makedirs(tmp_path / "trial" / "A")
    assert plan_cohort(tmp_path / "trial", None, OPTIONS, progress=Stop()) == []
