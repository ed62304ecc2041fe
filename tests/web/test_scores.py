"""Grades of the scoring model in the page: statement of its card, initial values, maps."""

import json

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.networks import weights
from napari_jsn.reading import model_scores
from napari_jsn.scoring.automatic.result import Scores
from tests.scoring import small_model
from tests.store.conftest import measured_once
from tests.web.conftest import Client, serving


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model with arbitrary grades, where none is shipped."""
    folder = tmp_path_factory.mktemp("models")
    small_model.save_small_model(folder)
    for path in folder.iterdir():
        path.rename(path.with_name(path.name.replace("small", "default")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_JSN_MODELS", str(folder))
        yield folder


def test_a_measured_patient_is_graded_with_its_boxes(model):
    measured = measured_once(jsn.sample_folder("hand_pair"))
    assert model_scores.shipped_method() == "two-stage"
    assert model_scores.statement("two-stage") == small_model.DISCLAIMER
    table = model_scores.score_measured(measured).table()
    graded = table[table["grade"].notna()]
    boxes = {("MCP2", "jsn"), ("PIP3", "jsn"), ("MCP2", "erosion"), ("PIP3", "erosion"), ("IP1", "erosion")}
    assert ("MCP2", "jsn") in set(zip(graded["site"], graded["kind"])) <= boxes  # others have no box, or are refused
    assert set(graded["visit"]) == {1, 2} and set(table["side"]) == {"L"}
    assert set(table.loc[table["site"] == "CMC1", "not_scored"]) == {"not_modelled"}


def test_without_a_model_there_are_no_grades_and_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "names", lambda task: [])
    assert model_scores.shipped_method() == "" and model_scores.score_measured(None) is None


def test_a_patient_of_the_store_is_graded_on_request_and_shows_the_card(model, tmp_path, monkeypatch):
    with jsn.open_store(tmp_path / "trial.db") as store:
        store.save(measured_once(jsn.sample_folder("hand_pair")))
    with serving(tmp_path / "trial.db") as (port, work):
        client = Client(port)
        assert b'id="score"' in client.get("/patient", id="P001")[1]
        _, job = client.post("/score", patient="P001")
        assert client.ended(job["code"])["state"] == "done"
        page = client.get("/patient", id="P001")[1].decode()
        assert f"<b>{small_model.DISCLAIMER}</b>" in page and 'id="score"' not in page
        cells = json.loads(client.get("/table", id="P001", visit=2)[1])["cells"]
        assert cells["MCP2-L-jsn"]["state"] == "model" and cells["CMC1-L-erosion"]["text"] == "X"
        assert set(work.store("").scores()["reader"]) == {"two-stage"}
        shape = measured_once(jsn.sample_folder("hand_pair")).hands[0].radiograph.shape

        def maps(self, site, kind, side=None, visit=1, method=None):
            drawn = np.zeros(shape, np.float32)
            drawn[100:120, 50:60] = 0.5
            return drawn

        monkeypatch.setattr(Scores, "maps", maps)
        status, content, headers = client.get("/map", id="P001", visit=1, side="L", joint="MCP2", kind="jsn")
        levels = np.frombuffer(content, "<u2").reshape(int(headers["x-rows"]), int(headers["x-columns"]))
        assert status == 200 and levels.max() == 65535 and int(headers["x-high"]) > 65_000 and (levels > 0).sum() == 200
