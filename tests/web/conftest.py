"""A server of the page in a thread, on a store with one patient, and a client that states what it wants."""

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pandas as pd
import pytest

import napari_jsn as jsn
from tests.store.conftest import measured_once

TOKEN = "token-of-the-tests"
#: Grades of a model; at the other sites it gave none.
MODEL = {("MCP2", "jsn"): 2, ("MCP2", "erosion"): 1, ("PIP3", "jsn"): 0, ("CMC1", "erosion"): 3}


class OneSend(http.client.HTTPConnection):
    """A connection that sends the headers and the body of a request at once.

    The server closes the connection of a request that is no valid HTTP; a body that arrives after that resets the
    connection, and the answer is lost.
    """

    def __init__(self, port):
        super().__init__("127.0.0.1", port, timeout=60)
        self.kept = []

    def send(self, data):
        self.kept.append(data)

    def getresponse(self):
        super().send(b"".join(self.kept))
        self.kept.clear()
        return super().getresponse()


class Client:
    """Sends requests as the page does; every header can be replaced or, with None, left out."""

    def __init__(self, port):
        self.port, self.cookies = port, {}

    def ask(self, method, path, body=None, headers=()):
        sent = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"token {TOKEN}"}
        if method == "POST":
            sent["Origin"] = f"http://127.0.0.1:{self.port}"
        if isinstance(body, dict):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= dict(headers)
        connection = OneSend(self.port)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                for each in value if isinstance(value, list) else [value]:
                    if each is not None:
                        connection.putheader(name, each)
            if body is not None and "Content-Length" not in sent:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            if body:
                connection.send(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        for cookie in answer.headers.get_all("set-cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
        return answer.status, content, answer.headers

    def get(self, path, **query):
        return self.ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path, **content):
        status, body, _ = self.ask("POST", path, content)
        return status, json.loads(body)

    def upload(self, files, texts=(), headers=()):
        """Send (name, content) files as a form does."""
        edge = "edge-of-the-parts"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode()
            for name, text in dict(texts).items()
        ]
        for name, content in files:
            head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
            parts.append(head.encode() + content + b"\r\n")
        body = b"".join([*parts, f"--{edge}--\r\n".encode()])
        kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        return self.ask("POST", "/upload", body, kind | dict(headers))

    def ended(self, code, seconds=60):
        """Return the state of a job when it has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            job = json.loads(self.get("/job", code=code)[1])
            if job["state"] in ("done", "failed", "aborted"):
                return job
            time.sleep(0.05)
        raise TimeoutError(code)


def patient_of_both_hands(name):
    """The measured sample, whose left hand stands for the right one, too: 80 cells at two visits."""
    measured = measured_once(jsn.sample_folder("hand_pair"))

    def view(one):
        return replace(one, joint=replace(one.joint, side="R"))

    right = [
        replace(hand, side="R", joints=tuple(map(view, hand.joints)), radiograph=replace(hand.radiograph, side="R"))
        for hand in measured.hands
    ]
    rows = [replace(row, side="R") for row in measured.narrowings]
    return replace(
        measured, patient_id=name, hands=(*right, *measured.hands), narrowings=(*rows, *measured.narrowings)
    )  # fmt: skip


def fill(place, name="P001"):
    """Make a store with a patient, whom a model has graded."""
    with jsn.open_store(place) as store:
        store.save(patient_of_both_hands(name))
        rows = [
            {"patient": name, "visit": visit, "side": side, "site": site, "kind": kind, "grade": grade}
            for visit in (1, 2) for side in "RL" for (site, kind), grade in MODEL.items()
        ]  # fmt: skip
        store.save(pd.DataFrame(rows).assign(reader="two-stage"))


@contextmanager
def serving(place=None):
    """Give port and workplace of a server."""
    pytest.importorskip("starlette")
    from uvicorn import Config, Server

    from napari_jsn.web.app import make_app
    from napari_jsn.web.guard import Guard
    from napari_jsn.web.server import bound
    from napari_jsn.web.workplace import Workplace

    with bound("127.0.0.1", 0) as listening, Workplace(None if place is None else str(place)) as workplace:
        port = listening.getsockname()[1]
        app = Guard(make_app(workplace), f"127.0.0.1:{port}", TOKEN)
        server = Server(Config(app, http="h11", ws="none", lifespan="off", log_level="warning", access_log=False))
        workplace.ending = lambda: server.should_exit
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield port, workplace
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """The server that all tests of this folder share."""
    place = tmp_path_factory.mktemp("web") / "trial.db"
    fill(place)
    with serving(place) as (port, workplace):
        yield port, workplace, place


@pytest.fixture
def workplace(running):
    return running[1]


@pytest.fixture
def client(running):
    return Client(running[0])


@pytest.fixture
def reader(client):
    """A client whose reader is named; what it changed is taken back at the end."""
    assert client.post("/reader", name="Reader A")[1] == {"reader": "Reader A"}
    yield client
    for visit in (1, 2):
        client.post("/initial", patient="P001", visit=visit, all=True)
