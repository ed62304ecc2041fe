"""Visits that are added to a known patient, and image files whose date, side and pixel size the page asks for."""

import io
import json
from functools import cache, partial

import numpy as np
import pydicom
import pytest
from PIL import Image

import napari_jsn as jsn
from napari_jsn.web import workplace as workplace_module
from tests.web.conftest import Client, serving

FILES = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))


@cache
def png(path):
    pixels = jsn.read_radiograph(path).pixels
    file = io.BytesIO()
    Image.fromarray(np.uint16(65535 * np.clip(pixels, 0, 1))).save(file, "PNG", compress_level=1)
    return file.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server that measures one joint only, whose reader is named."""
    with pytest.MonkeyPatch.context() as patch:
        one = partial(workplace_module.measure_patient, joints=["MCP2"])
        patch.setattr(workplace_module, "measure_patient", one)
        patch.setattr(workplace_module, "score_measured", lambda *a, **b: None)
        with serving(tmp_path_factory.mktemp("visits") / "trial.db") as (port, work):
            client = Client(port)
            client.post("/reader", name="A")
            yield client, work


def sent(client, files, facts=None, **texts):
    """Upload files and return the job when it has ended; a refused upload as a failed one."""
    texts |= {} if facts is None else {"facts": json.dumps(facts)}
    status, content, _ = client.upload(files, texts)
    answer = json.loads(content)
    return client.ended(answer["code"]) if status == 202 else {"state": "failed", "message": answer["error"]}


def kept(work):
    return [path for path in work.uploads.folder.iterdir() if path.is_dir()]


def test_a_visit_is_added_and_grades_are_kept(place):
    client, work = place
    assert sent(client, [("a.dcm", FILES[0].read_bytes())], patient="P1")["state"] == "done"
    assert client.post("/grade", patient="P1", visit=1, side="L", site="MCP2", kind="jsn", grade=3)[0] == 200
    again = sent(client, [("a.dcm", FILES[0].read_bytes())], to="P1")
    assert "Visit 1 has a radiograph of the left hand already" in again["message"] and again["questions"] == []
    job = sent(client, [("a.dcm", FILES[1].read_bytes())], to="P1")
    assert (job["state"], job["patient"]) == ("done", "P1"), job
    assert len(kept(work)) == 2
    page = client.get("/patient", id="P1")[1].decode()
    view = json.loads(page.split('id="view">')[1].split("</script>")[0])
    assert [each["number"] for each in view["visits"]] == [1, 2] and view["figures"]["MCP2-L"]["state"] == "good"
    assert "not measured" in page.split('data-site="DIP2"')[1].split("</tr>")[0]
    cells = json.loads(client.get("/table", id="P1", visit=1)[1])["cells"]
    assert (cells["MCP2-L-jsn"]["state"], cells["MCP2-L-jsn"]["text"]) == ("edited", "3")
    # an image file without a date: the number of the visit is asked, and nothing is kept until it is known
    later = ("x.png", png(FILES[1]))
    job = sent(client, [later], to="P1")
    assert [(q["name"], q["acquired"], q["side"]) for q in job["questions"]] == [("x.png", "", "")]
    assert len(kept(work)) == 2
    for facts, sentence in (
        ({}, "date of what was added is not known"),
        ({"visit": "5", "side": "L"}, "Visit 5 was stated"),
        ({"visit": "2", "side": "L"}, "Visit 2 has a radiograph"),
        ({"acquired": "1999-01-01", "side": "L"}, "older than the last visit"),
    ):
        assert sentence in sent(client, [later], {"x.png": facts}, to="P1")["message"]
    assert "no measurement of the patient nobody" in sent(client, [later], to="nobody")["message"]
    assert client.post("/delete", patient="P1")[0] == 200 and kept(work) == []


def test_what_image_files_do_not_state_is_asked(place):
    client, work = place
    files = [("one.png", png(FILES[0])), ("two.png", png(FILES[1]))]
    job = sent(client, files, patient="P2")
    assert job["state"] == "failed" and [q["name"] for q in job["questions"]] == ["one.png", "two.png"]
    assert {(q["acquired"], q["visit"], q["side"], q["spacing_mm"]) for q in job["questions"]} == {("", "", "", "")}
    assert kept(work) == [] and len(work.store("").patients()) == 0
    spacing = f"{jsn.read_radiograph(FILES[0]).spacing_mm:.4f}"
    both = {"side": "L", "spacing_mm": spacing}
    for one, two, sentence in (
        ({}, {}, "one.png has neither a date nor a visit"),
        ({"acquired": "2020-01-01"}, {"visit": "2"}, "State the dates of all radiographs, or the visits of all"),
        ({"acquired": "2120-01-01"}, {"acquired": "2020-01-01"}, "Give a day of the past"),
        ({"acquired": "01.02.2020"}, {"acquired": "2020-01-01"}, "Give a day of the past"),
        ({"visit": "first"}, {"visit": "2"}, "Give 1, 2"),
        ({"visit": "1", "side": "left"}, {"visit": "2"}, "Give L, R, or B"),
        ({"visit": "1", "spacing_mm": "7"}, {"visit": "2"}, "0.01 to 2.0 mm"),
        ({"visit": 1}, {"visit": "2"}, "do not belong to the files"),
    ):
        assert sentence in sent(client, files, {"one.png": one, "two.png": two}, patient="P2")["message"]
    assert "do not belong" in sent(client, files, {"other.png": {"visit": "1"}}, patient="P2")["message"]
    assert "cannot be read" in sent(client, files, [1], patient="P2")["message"]
    for text in ("{", "", "[" * 20_000, "null"):  # no JSON at all, although it was asked
        status, content, _ = client.upload(files, {"patient": "P2", "facts": text})
        assert status == 400 and "cannot be read" in json.loads(content)["error"]
    assert kept(work) == []
    # the second file is stated to be the first visit
    facts = {"one.png": {"acquired": "2021-01-01", **both}, "two.png": {"acquired": "2020-01-01", **both}}
    job = sent(client, files, facts, patient="P2")
    assert job["state"] == "done", job
    (row,) = work.store("").measurements().query("patient == 'P2'").itertuples()
    assert -0.6 < row.jsn_mm < -0.2  # measured backwards
    assert client.post("/delete", patient="P2")[0] == 200


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (("left hand 2020-01-01.png", "left hand 2021-01-01.png"), ["2020-01-01", "2021-01-01"]),
        (("v01 left.png", "v02 left.png"), ["1", "2"]),
    ],
)
def test_what_names_state_is_offered(place, names, asked):
    client, _ = place
    job = sent(client, [(name, png(path)) for name, path in zip(names, FILES)], patient="P3")
    assert [q["acquired"] or q["visit"] for q in job["questions"]] == asked
    assert [q["side"] for q in job["questions"]] == ["L", "L"]


def test_a_pixel_size_for_all_and_complete_names_need_no_question(place, monkeypatch):
    client, _ = place
    seen = []
    monkeypatch.setattr(workplace_module, "measure_patient", lambda patient, **more: seen.append(patient) or 1 / 0)
    files = [(f"left hand 202{k}-01-01.png", png(path)) for k, path in enumerate(FILES)]
    assert sent(client, files, patient="P4", spacing_mm="0.15")["questions"] == []
    assert [(hand.side, hand.radiograph.spacing_mm) for hand in seen[0].hands] == [("L", 0.15), ("L", 0.15)]


def test_an_image_beside_dicom_files_is_asked_for_and_not_left_out(place, monkeypatch):
    client, _ = place
    seen = []
    monkeypatch.setattr(workplace_module, "measure_patient", lambda patient, **more: seen.append(patient) or 1 / 0)
    files = [("a.dcm", FILES[0].read_bytes()), ("b.png", png(FILES[1]))]
    day = pydicom.dcmread(FILES[0]).StudyDate
    asked = sent(client, files, patient="P5")["questions"]
    assert [(q["name"], q["acquired"].replace("-", ""), q["dicom"]) for q in asked] == [
        ("a.dcm", day, True), ("b.png", "", False),
    ]  # fmt: skip
    facts = {q["name"]: {key: q[key] for key in ("acquired", "visit", "side")} for q in asked}
    facts["b.png"] |= {"acquired": "2026-01-01", "side": "L", "spacing_mm": "0.15"}
    sent(client, files, facts, patient="P5")
    assert [len(visit.hands) for visit in seen[0].visits] == [1, 1]
    assert seen[0].hands[1].radiograph.spacing_mm == 0.15


@pytest.mark.parametrize("top", ["", "P6/"])
def test_a_table_beside_the_files_needs_no_question(place, monkeypatch, top):
    client, _ = place
    seen = []
    monkeypatch.setattr(workplace_module, "measure_patient", lambda patient, **more: seen.append(patient) or 1 / 0)
    table = b"file,visit,side,spacing_mm\nb.png,1,L,0.15\nx/a.png,2,L,0.15\n"
    files = [("x/a.png", png(FILES[0])), ("b.png", png(FILES[1])), ("radiographs.csv", table)]
    assert sent(client, [(top + name, content) for name, content in files], patient="P6")["questions"] == []
    assert [hand.radiograph.path.name for hand in seen[0].hands] == ["b.png", "a.png"]
