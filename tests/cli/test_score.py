import json

import numpy as np
import pytest
from PIL import Image

import napari_jsn as jsn
from napari_jsn.cli import main
from napari_jsn.scoring import read_scores
from napari_jsn.scoring.training.task import DISCLAIMER
from tests.scoring.small_model import save_small_model


def run(*words):
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return caught.value.code


@pytest.fixture(scope="module")
def radiograph():
    return min(jsn.sample_folder("hand_pair").glob("*.dcm"))


@pytest.fixture(scope="module")
def small_model(tmp_path_factory):
    return save_small_model(tmp_path_factory.mktemp("model"))


def test_scores_of_a_radiograph_are_written_with_the_statement(radiograph, small_model, tmp_path, capsys):
    out, store = tmp_path / "out", tmp_path / "trial.db"
    code = run("score", radiograph, "--model", small_model, "--patient", "P7", "--out", out, "--store", store)
    printed = capsys.readouterr().out
    assert code == 0
    assert printed.startswith(DISCLAIMER)
    for name in ("scores.csv", "totals.csv", "report.html"):
        assert DISCLAIMER in (out / name).read_text("utf-8")
    record = json.loads((out / "run.json").read_text())
    assert record["models"]["scoring"]["sha256"] and record["statement"] == DISCLAIMER
    table = read_scores(out / "scores.csv")
    assert set(table["reader"]) == {"two-stage"}
    with jsn.open_store(store) as opened:
        assert len(opened.scores("P7")) == len(table) == 19


def test_the_structured_report_states_who_graded_and_what_the_network_learned_on(radiograph, small_model, tmp_path):
    pytest.importorskip("highdicom")
    from highdicom.sr import srread

    out = tmp_path / "out"
    assert run("score", radiograph, "--model", small_model, "--patient", "P7", "--out", out, "--dicom") == 0
    report = srread(out / "scores-sr.dcm")
    assert (report.PatientID, report.SeriesDescription) == ("P7", "Grades of joint damage")
    table = read_scores(out / "scores.csv")
    groups = report.content.get_image_measurement_groups()
    assert {group.tracking_identifier for group in groups} == {f"L {site} grades" for site in table["site"]}
    graded = {
        (group.tracking_identifier.split()[1], one.name.meaning): one.value
        for group in groups
        for one in group.get_measurements()
    }
    for row in table.itertuples():
        name = {"jsn": "joint space narrowing", "erosion": "erosion"}[row.kind]
        assert graded[row.site, f"Grade of {name}"] == row.grade
        assert 0 <= graded[row.site, f"Expected grade of {name} by the model"] <= 5
    texts = [element.value for element in report.iterall() if element.keyword == "TextValue"]
    assert DISCLAIMER in texts and f"jsn: by the model two-stage; model: {DISCLAIMER}" in texts


def test_a_structured_report_needs_a_folder_and_dicom_files(radiograph, small_model, tmp_path, capsys):
    pytest.importorskip("highdicom")
    image = tmp_path / "hand.png"
    Image.fromarray(np.uint8(255 * jsn.read_radiograph(radiograph).pixels)).save(image)
    for words in ([radiograph, "--dicom"], [image, "--dicom", "--out", tmp_path / "out"]):
        assert run("score", *words, "--model", small_model) == 2
        assert "Error: --dicom" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--method", "both"], "--method"),
        (["--model", "nobody"], "--model"),
        (["--scheme", "feet"], "--scheme"),
    ],
)
def test_wrong_options_are_named(radiograph, words, named, capsys):
    assert run("score", radiograph, *words) == 2
    assert f"Error: {named}" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(small_model, capsys):
    assert run("score", "nothing.dcm", "--model", small_model) == 2
    assert "nothing.dcm" in capsys.readouterr().err
