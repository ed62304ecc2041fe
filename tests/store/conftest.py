"""Databases and measured patients for the tests of the store."""

import os
import shutil
import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

import napari_jsn as jsn
from napari_jsn.store import open_store

#: The URL of a PostgreSQL server on which the tests may make databases; without it they run on SQLite only.
SERVER = os.environ.get("NAPARI_JSN_TEST_POSTGRESQL", "")


@pytest.fixture(params=["sqlite", "postgresql"] if SERVER else ["sqlite"])
def place(request, tmp_path):
    """An empty database: the path of a file, or the URL of a new database on the server."""
    if request.param == "sqlite":
        yield tmp_path / "trial.db"
        return
    name, server = f"jsn_{uuid.uuid4().hex}", make_url(SERVER)
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def store(place):
    with open_store(place, reader="A") as opened:
        yield opened


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with the radiographs of the sample, which nobody changes."""
    return shutil.copytree(jsn.sample_folder("hand_pair"), tmp_path_factory.mktemp("patient") / "P001")


@pytest.fixture(scope="session")
def measured(folder):
    """A measured patient: one joint with painted masks, one with a box moved by hand, one as found."""
    patient = jsn.read_patient(folder)
    found = jsn.measure(patient, joints=["MCP2", "PIP3", "IP1"], patient_id="P001")
    boxes = {}
    for hand in found.hands:
        joints = [view.joint for view in hand.joints]
        joints = [jsn.Joint(j.name, j.side, j.box + 2.0, edited=True) if j.name == "PIP3" else j for j in joints]
        boxes[hand.visit, hand.side] = joints
    view = next(view for view in found.hands[0].joints if view.joint.name == "MCP2")
    painted = jsn.BoneMasks(view.masks.upper, view.masks.lower)
    boxes[1, "L"] = [view.joint if j.name == "MCP2" else j for j in boxes[1, "L"]]
    return jsn.measure(
        patient, joints=["MCP2", "PIP3", "IP1"], patient_id="P001", boxes=boxes, masks={(1, "L", "MCP2"): painted}
    )
