"""What a worker returns for one patient."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import napari_jsn as jsn
from napari_jsn.cohort.sources import Source, list_sources
from napari_jsn.cohort.task import Options, are_unchanged, computer_code, made_with, measure_source, without_names
from napari_jsn.progression.measure import measure


@pytest.fixture(scope="module")
def options():
    plain = Options(("MCP2",), score="two-stage", computer=computer_code(), identity_key="key")
    return replace(plain, made_with=made_with(plain))


@pytest.fixture(scope="module")
def done(options, tmp_path_factory):
    """A patient of a table, and its outcome."""
    place = tmp_path_factory.mktemp("trial")
    radiographs = sorted(jsn.sample_folder("hand_pair").rglob("*.dcm"))
    for radiograph in radiographs:
        shutil.copy(radiograph, place)
    rows = [f"P1,{visit},{radiograph.name},drug,50" for visit, radiograph in enumerate(radiographs, start=1)]
    (place / "trial.csv").write_text("\n".join(["patient,visit,path,arm,age", *rows]))
    source = list_sources(place / "trial.csv")[0]
    return source, measure_source(source, options)


def test_a_patient_is_scored_as_alone(done):
    source, outcome = done
    folder = Path(source.visits[0][0]).parent
    alone = jsn.score(jsn.read_patient(folder, patient_id="P1"), "two-stage").table()
    assert outcome.scores is not None and len(outcome.scores) == len(alone) > 20
    pd.testing.assert_frame_equal(outcome.scores, alone)


def test_a_patient_of_a_table_is_measured_as_alone(done):
    source, outcome = done
    alone = measure(*(visit[0] for visit in source.visits), joints=["MCP2"])
    row = outcome.rows.measurements[0]
    assert (row.jsn_mm, row.jsn_sd_mm) == (alone.narrowings[0].jsn_mm, alone.narrowings[0].jsn_sd_mm)
    patient = outcome.patient
    assert (patient.patient, patient.state, patient.arm, patient.joints) == ("P1", "measured", "drug", 1)
    assert outcome.identity and "1 figure, 0 failed" in patient.log and patient.seconds > 0


def test_the_same_content_is_not_measured_again(done, options, tmp_path):
    source, outcome = done
    assert are_unchanged(source, outcome.patient)
    again = measure_source(source, options, outcome.patient)
    assert again.unchanged and again.rows is None and again.patient.content == outcome.patient.content
    for changed in (
        replace(options, joints=("PIP3",)), replace(options, wide_mm=0.2), replace(options, keep_identity=True)
    ):  # fmt: skip
        assert made_with(changed) != options.made_with


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Doe", "{folder}/Doe.dcm is damaged.", "A file is damaged."),
        ("Doe", "Not read: 1 link to nothing (link to Doe).", "Not read: 1 link to nothing (a file)."),
        ("Doe", "Two of sub/IM 1, IM 1 and Doe.", "Two of a file, a file and the folder."),
        ("2", "Visit 2 of {folder} shows the left hand, visit 1 (3) does not.",
         "Visit 2 of the folder shows the left hand, visit 1 (3) does not."),
        ("12345678", "Visit 1 (12345678) was refused.", "Visit 1 (the folder) was refused."),
    ],
)  # fmt: skip
def test_texts_without_names(tmp_path, name, text, expected):
    folder = tmp_path / name
    (folder / "sub").mkdir(parents=True)
    for file in ("Doe.dcm", "sub/IM 1", "1", "3", "left"):
        (folder / file).touch()
    (folder / "link to Doe").symlink_to(folder / "nothing")
    source = Source(name, str(folder), folder=str(folder))
    assert without_names(text.format(folder=folder), source) == expected


@pytest.mark.parametrize("way", ["empty", "other worker", "other key", "text", "unexpected"])
def test_a_patient_that_cannot_be_measured_raises_nothing_and_is_not_named(trial, options, way, monkeypatch):
    source = list_sources(trial)[2]
    if way == "other worker":
        options = replace(options, made_with="other")
    if way == "other key":
        options = replace(options, computer="other")
    if way == "text":
        (trial / "A03 Doe" / "Doe.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"damaged" * 100)
    if way == "unexpected":
        monkeypatch.setattr("napari_jsn.cohort.task._measured", lambda *_: 1 / 0)
    outcome = measure_source(source, options)
    patient = outcome.patient
    assert (patient.state, patient.content, outcome.rows) == ("failed", "", None) and patient.sentence
    assert "Doe" not in patient.sentence + patient.log.replace("tests", "") and outcome.detail
    if way == "unexpected":
        assert patient.sentence.startswith("Unexpected error: ZeroDivisionError") and "Traceback" in patient.log
