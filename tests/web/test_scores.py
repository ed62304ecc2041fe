"""Grades of the scoring model in the page: statement of its card, initial values, maps."""

import json

import numpy as np

import napari_jsn as jsn
from napari_jsn.networks import weights
from napari_jsn.reading.grades import model_scores
from tests.store.conftest import measured_once
from tests.web.conftest import Client, serving


def test_a_measured_patient_is_graded_with_its_boxes():
    measured = measured_once(jsn.sample_folder("hand_pair"))
    assert model_scores.shipped_method() == "two-stage"
    assert "simulated hands" in model_scores.statement("two-stage")
    table = model_scores.score_measured(measured).table()
    graded = table[table["grade"].notna()]
    boxes = {("MCP2", "jsn"), ("PIP3", "jsn"), ("MCP2", "erosion"), ("PIP3", "erosion"), ("IP1", "erosion")}
    assert ("MCP2", "jsn") in set(zip(graded["site"], graded["kind"])) <= boxes  # others have no box, or are refused
    assert set(graded["visit"]) == {1, 2} and set(table["side"]) == {"L"}
    assert set(table.loc[table["site"] == "CMC1", "not_scored"]) == {"not_modelled"}


def test_without_a_model_there_are_no_grades_and_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "names", lambda task: [])
    assert model_scores.shipped_method() == "" and model_scores.score_measured(None) is None


def test_a_patient_of_the_store_is_graded_on_request_and_shows_the_card(tmp_path):
    with jsn.open_store(tmp_path / "trial.db") as store:
        store.save(measured_once(jsn.sample_folder("hand_pair")))
    with serving(tmp_path / "trial.db") as (port, work):
        client = Client(port)
        assert b'id="score"' in client.get("/patient", id="P001")[1]
        _, job = client.post("/score", patient="P001")
        assert client.ended(job["code"])["state"] == "done"
        page = client.get("/patient", id="P001")[1].decode()
        assert f"<b>{model_scores.statement('two-stage')}</b>" in page and 'id="score"' not in page
        cells = json.loads(client.get("/table", id="P001", visit=2)[1])["cells"]
        assert cells["MCP2-L-jsn"]["state"] == "model" and cells["CMC1-L-erosion"]["text"] == "X"
        assert set(work.store("").scores()["reader"]) == {"two-stage"}
        status, content, headers = client.get("/map", id="P001", visit=1, side="L", joint="MCP2", kind="jsn")
        levels = np.frombuffer(content, "<u2").reshape(int(headers["x-rows"]), int(headers["x-columns"]))
        views = measured_once(jsn.sample_folder("hand_pair")).hands[0].joints
        box = next(view.joint.box for view in views if view.joint.name == "MCP2")
        (top, left), (bottom, right) = (edge.astype(int) for edge in (box.min(axis=0) - 9, box.max(axis=0) + 9))
        assert status == 200 and levels.any() and levels.sum() == levels[top:bottom, left:right].sum()
        status, content, _ = client.get("/map", id="P001", visit=1, side="L", joint="CMC1", kind="erosion")
        assert status == 400 and "not scored" in json.loads(content)["error"]
