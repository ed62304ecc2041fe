"""Reading sessions on the page: blinded items show no patient, no visit, no figure and no grade of others."""

import json

import numpy as np
import pytest

import napari_jsn as jsn
from napari_jsn.reading import Reading
from tests.web.conftest import Client, fill, serving


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    store = tmp_path_factory.mktemp("sessions") / "trial.db"
    fill(store, "Secret-P001")
    with jsn.open_store(store, "A") as opened:
        Reading.new(opened, "single", "single", seed=1, scheme="svdh-fingers")
        Reading.new(opened, "paired", "paired", seed=1)
        Reading.new(opened, "plain", "chronological", seed=1)
    with serving(store) as (port, _):
        client = Client(port)
        client.post("/reader", name="A")
        yield client, store


def view_of(client, **query):
    status, content, _ = client.get("/patient", **query)
    page = content.decode()
    assert status == 200, page
    return page, json.loads(page.split('id="view">')[1].split("</script>")[0])


def test_sessions_are_those_of_the_reader(place):
    client, _ = place
    page = client.get("/")[1].decode()
    assert all(f"/session?name={name}" in page for name in ("single", "paired", "plain"))
    other = Client(client.port)
    assert "/session?name=" not in other.get("/")[1].decode()
    other.post("/reader", name="B")
    assert "B has no session" in other.get("/")[1].decode()
    assert other.get("/session", name="single")[0] == 400
    assert other.get("/patient", id="001", session="single")[0] == 400
    assert Client(client.port).get("/session", name="single")[0] == 400
    assert Client(client.port).get("/patient", id="001", session="single")[0] == 400


@pytest.mark.parametrize(("session", "images"), [("single", 1), ("paired", 2)])
def test_a_blinded_item_hides_who_when_and_what_others_gave(place, session, images):
    client, _ = place
    page, view = view_of(client, id="001", session=session)
    listed = client.get("/session", name=session)[1].decode()
    for text in (page, listed):
        assert "Secret" not in text and "(week" not in text and "two-stage" not in text and "Learned on" not in text
    assert [each["label"] for each in view["visits"]] == [f"Image {k + 1}" for k in range(images)]
    assert view["figures"] == {} and view["models"] == [] and view["notes"] == [] and not view["can_score"]
    assert {cell["state"] for cell in view["cells"].values()} <= {"empty", "x", "none"}
    hand = view["hands"][0]
    where = {"id": "001", "session": session, "visit": 1, "side": hand["side"]}
    status, content, headers = client.get("/pixels", **where)
    assert status == 200 and len(content) == 2 * int(headers["x-rows"]) * int(headers["x-columns"])
    views = json.loads(client.get("/joint", **where, joint="MCP2")[1])["views"]
    assert [each["visit"] for each in views] == list(range(1, images + 1))
    pixels = np.frombuffer(client.get("/pixels", **where, joint="MCP2")[1], "<u2")
    assert pixels.size == views[0]["rows"] * views[0]["columns"]
    for path, more in (("/download", {"what": "csv"}), ("/map", {"joint": "MCP2", "kind": "jsn", "visit": 1})):
        status, content, _ = client.get(path, id="001", session=session, **more)
        assert status == 400 and b"hidden until the session is locked" in content and b"Secret" not in content


def test_grades_of_a_session_are_its_own_and_the_next_item_follows(place):
    client, store = place
    cell = {"patient": "001", "session": "single", "visit": 1, "side": "L", "site": "IP1", "kind": "erosion"}
    assert client.post("/grade", **cell, grade=2)[1]["cells"]["IP1-L-erosion"]["text"] == "2"
    assert client.post("/undo", **cell)[1]["cells"]["IP1-L-erosion"]["state"] == "empty"
    assert client.post("/grade", **cell, grade=4)[0] == 200
    wrist = client.post("/grade", **(cell | {"site": "CMC1"}), grade=1)
    assert wrist[0] == 400 and "not scored" in wrist[1]["error"]  # by the scheme of the session
    with jsn.open_store(store) as opened:
        rows = opened.scores().query("reader == 'A'")
        assert rows[["session", "site", "grade"]].values.tolist() == [["single", "IP1", 4.0]]
        assert opened.session_of("A", "single").plan[0][1] == "Secret-P001"
    _, plain = view_of(client, id="Secret-P001")
    assert {cell["state"] for cell in plain["cells"].values()} <= {"model", "empty", "x", "none"}
    assert client.post("/finish", session="single", patient="001")[1] == {"next": "002"}
    assert client.post("/finish", session="single", patient="002")[1] == {"next": ""}
    assert client.post("/finish", session="single", patient="009")[0] == 400
    assert "2 of 2 items done" in client.get("/session", name="single")[1].decode()


def test_a_session_that_hides_nothing_shows_figures_and_a_locked_one_refuses_changes(place):
    client, store = place
    page, view = view_of(client, id="001", session="plain")
    assert view["figures"] and view["models"] == ["two-stage"] and "(week" in page
    with jsn.open_store(store, "A") as opened:
        Reading(opened, "paired").lock()
        Reading(opened, "single").lock()
    page, view = view_of(client, id="001", session="single")  # one visit only: no figures, but nothing is hidden
    assert view["figures"] == {} and view["visits"][0]["label"].startswith("Visit ")
    cell = {"patient": "001", "session": "paired", "visit": 1, "side": "L", "site": "MCP2", "kind": "jsn"}
    status, answer = client.post("/grade", **cell, grade=2)
    assert status == 400 and "locked" in answer["error"]
