import json

import pytest

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
    assert json.loads((out / "run.json").read_text())["models"]["scoring"]["sha256"]
    table = read_scores(out / "scores.csv")
    assert set(table["reader"]) == {"two-stage"}
    with jsn.open_store(store) as opened:
        assert len(opened.scores("P7")) == len(table) == 19


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
