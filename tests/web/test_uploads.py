"""Uploads that cannot be used are refused in a sentence, and nothing of them is stored."""

import json
import threading

import pytest

import napari_jsn as jsn
from napari_jsn.web import uploads
from napari_jsn.web import workplace as workplace_module
from tests.web.conftest import Client, serving

SAMPLE = jsn.sample_folder("hand_pair") / "SIM0001_v01_L.dcm"
DICOM = SAMPLE.read_bytes()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)

NAMES = [
    "../hand.dcm",
    "../../../etc/passwd",
    "/etc/passwd",
    "/hand.dcm",
    "a/../../hand.dcm",
    "..",
    ".",
    "a/./b.dcm",
    "a//b.dcm",
    "..\\hand.dcm",
    "C:hand.dcm",
    "~root/x.dcm",
    ".hidden.dcm",
    "a/.ssh/x.dcm",
    "-rf.dcm",
    "a/b/c/d/e.dcm",
    "<script>alert(1)</script>.dcm",
    "hand<img src=x>.dcm",
    "x&y.dcm",
    "x';drop.dcm",
    "`id`.dcm",
    "$(id).dcm",
    "a|b.dcm",
    "a*b.dcm",
    "a?b.dcm",
    "a#b.dcm",
    "a%2fb.dcm",
    "hand\u202egpj.dcm",
    "hand\u200b.dcm",
    "hand\x07.dcm",
    "{{7*7}}.dcm",
    "x" * 121,
]
CONTENTS = [
    b"",
    b"no image at all",
    b"<html><script>alert(1)</script></html>",
    b"PK\x03\x04" + bytes(50),
    b"%PDF-1.7 ...",
    b"\x7fELF" + bytes(200),
    b"GIF89a" + bytes(50),
    b"#!/bin/sh\nid\n",
    bytes(1000),
    b'{"a": 1}',
    b"MZ" + bytes(100),
    b"\x1f\x8b\x08" + bytes(100),
]
#: Recognised as radiographs by their first bytes, but damaged.
DAMAGED = [
    PNG,
    DICOM[:400],
    DICOM[:20_000],
    bytes(128) + b"DICM" + bytes(50),
    b"\xff\xd8\xff\xe0" + bytes(100),
    b"II*\0" + bytes(60),
    b"BM" + bytes(80),
]
BODIES = [
    (b"", "multipart/form-data"),
    (b"", "multipart/form-data; boundary=x"),
    (b"nothing", "multipart/form-data; boundary=x"),
    (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.dcm"\r\n\r\ncut',
        "multipart/form-data; boundary=x",
    ),
    (b"--x\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x"),
    (b"--x\r\nContent-Disposition: nonsense\r\n\r\na\r\n--x--", "multipart/form-data; boundary=x"),
    (b"{}", "application/json"),
    (b"files=a", "application/x-www-form-urlencoded"),
    (DICOM[:1000], "application/dicom"),
    (b"x", "multipart/form-data; boundary=" + "y" * 300),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server of its own, whose store and folder must stay empty."""
    store = tmp_path_factory.mktemp("uploads") / "trial.db"
    with serving(store) as (port, work):
        yield Client(port), work


@pytest.fixture
def empty(place):
    client, work = place
    yield client
    assert len(work.store("").patients()) == 0
    assert [path for path in work.uploads.folder.iterdir() if path.is_dir()] == []


def refused(answer, part=""):
    status, content, _ = answer
    sentence = json.loads(content)["error"]
    assert status == 400 and sentence.endswith(".") and sentence.count("\n") == 0 and part in sentence, (
        status,
        sentence,
    )
    assert "Traceback" not in sentence and "/tmp" not in sentence and "Unexpected" not in sentence
    return sentence


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere_or_are_markup(empty, name):
    refused(empty.upload([(name, DICOM)]), "Rename it")


@pytest.mark.parametrize("content", CONTENTS)
def test_files_that_are_no_radiographs(empty, content):
    refused(empty.upload([("hand.dcm", DICOM), ("other.dcm", content)]), "other.dcm is")


@pytest.mark.parametrize("content", DAMAGED)
def test_damaged_radiographs_fail_in_a_sentence(empty, content):
    status, answer, _ = empty.upload([("hand.dcm", content)], {"patient": "P7"})
    job = (
        empty.ended(json.loads(answer)["code"])
        if status == 202
        else {"state": "failed", "message": refused((status, answer, None))}
    )
    assert job["state"] == "failed" and job["message"].endswith(".") and "Unexpected" not in job["message"]
    assert "/tmp" not in job["message"] and job["message"].count("\n") == 0


@pytest.mark.parametrize("named", [str(SAMPLE), "../../x/radiographs/a.dcm", "other.dcm", "a/../hand.dcm"])
def test_a_table_that_names_files_elsewhere_is_refused(empty, named):
    """A file outside of the upload is never read, whether it is there or not."""
    table = f"file,acquired,side\nhand.dcm,2020-01-01,L\n{named},2021-01-01,L\n".encode()
    status, answer, _ = empty.upload([("hand.dcm", DICOM), ("radiographs.csv", table)], {"patient": "P7"})
    job = empty.ended(json.loads(answer)["code"])
    assert job["state"] == "failed" and "which was not sent" in job["message"] and job["questions"] == []


@pytest.mark.parametrize("body, kind", BODIES)
def test_bodies_that_are_no_upload(empty, body, kind):
    refused(empty.ask("POST", "/upload", body, {"Content-Type": kind}))


def test_too_many_too_large_twice_the_same_and_none(empty, monkeypatch):
    refused(empty.upload([]), "No radiograph")
    refused(empty.upload([("a.dcm", DICOM), ("A.dcm", DICOM)]), "Two files")
    refused(empty.upload([(f"{k}.dcm", b"x") for k in range(uploads.MOST_FILES + 1)]))
    refused(empty.upload([("a.dcm", DICOM)], {f"text{k}": "x" for k in range(11)}))
    refused(empty.upload([("a.dcm", DICOM)], {"patient": "x" * 70_000}))
    monkeypatch.setattr(uploads, "MOST_BYTES_FILE", 500_000)
    refused(empty.upload([("a.dcm", DICOM)]), "too large")
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    refused(empty.upload([("a.dcm", DICOM[:60_000]), ("b.dcm", DICOM[:60_000])]), "too large")
    monkeypatch.setattr("napari_jsn.web.asked.MOST_BYTES", 100_000)
    refused(empty.upload([("a.dcm", DICOM)]), "too large")
    # without a stated length, what comes is counted
    chunks = b"".join(b"%x\r\n%s\r\n" % (50_000, bytes(50_000)) for _ in range(6)) + b"0\r\n\r\n"
    sent = {"Content-Type": "multipart/form-data; boundary=x", "Transfer-Encoding": "chunked", "Content-Length": None}
    refused(empty.ask("POST", "/upload", b"--x\r\n" and chunks, sent))


@pytest.mark.parametrize(
    "texts",
    [
        {"patient": "<script>alert(1)</script>"},
        {"patient": "../P1"},
        {"patient": "x" * 65},
        {"patient": "a\nb"},
        {"spacing_mm": "zero"},
        {"spacing_mm": "-1"},
        {"spacing_mm": "nan"},
        {"spacing_mm": "1e9"},
        {"spacing_mm": "1e400"},
        {"spacing_mm": "0,1,2"},
    ],
)
def test_pseudonyms_and_pixel_sizes_that_are_not_allowed(empty, texts):
    sentence = refused(empty.upload([("hand.dcm", DICOM)], texts))
    assert "spacing_mm" not in sentence


def test_an_aborted_measurement_leaves_nothing(empty, monkeypatch):
    begun = threading.Event()

    def measure(patient, device, progress):
        progress.update(1, 2, "Finding the joints")
        begun.set()
        while not progress.aborted:
            threading.Event().wait(0.01)

    monkeypatch.setattr(workplace_module, "measure_patient", measure)
    status, answer, _ = empty.upload([("hand.dcm", DICOM)], {"patient": "P7"})
    code = json.loads(answer)["code"]
    assert status == 202 and begun.wait(30)
    assert json.loads(empty.get("/job", code=code)[1])["share"] == 0.5
    waiting = [json.loads(empty.upload([(f"{k}.dcm", DICOM)], {"patient": f"P{k}"})[1])["code"] for k in range(4)]
    refused(empty.upload([("hand.dcm", DICOM)]), "Wait")
    for each in (code, *waiting):
        assert empty.post("/abort", code=each)[0] == 200
    assert {empty.ended(each)["state"] for each in (code, *waiting)} == {"aborted"}
    refused(empty.get("/job", code="none"))


def test_one_radiograph_is_read_graded_and_deleted(place):
    client, work = place
    client.post("/reader", name="A")
    status, answer, _ = client.upload([("baseline/hand 1.dcm", DICOM)], {"patient": "Müller-7"})
    job = client.ended(json.loads(answer)["code"])
    assert (status, job["state"], job["patient"]) == (202, "done", "Müller-7"), job
    events = client.get("/progress", code=job["code"])[1].decode()
    assert json.loads(events.removeprefix("data: "))["state"] == "done"
    page = client.get("/patient", id="Müller-7")[1].decode()
    assert "Müller-7" in page and 'id="PIP5-L-jsn"' in page and 'id="PIP5-R-jsn"' not in page
    status, content, headers = client.get("/pixels", id="Müller-7", visit=1, side="L")
    assert status == 200 and len(content) == 2 * int(headers["x-rows"]) * int(headers["x-columns"])
    assert client.post("/grade", patient="Müller-7", visit=1, side="L", site="MCP2", kind="jsn", grade=3)[0] == 200
    for what in ("csv", "xlsx", "html", "sr"):
        assert client.get("/download", id="Müller-7", what=what)[0] == 200
    refused(client.upload([("hand.dcm", DICOM)], {"patient": "Müller-7"}), "already")
    assert client.post("/delete", patient="Müller-7")[0] == 200
    assert len(work.store("").patients()) == 0 and not any(path.is_dir() for path in work.uploads.folder.iterdir())
    assert client.get("/patient", id="Müller-7")[0] == 404
    assert client.post("/delete", patient="Müller-7")[0] == 400
