"""Databases and measured patients for the tests of the store."""

import os
import uuid
from dataclasses import replace
from functools import cache

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
def folder():
    """The folder with the radiographs of the sample, which nobody changes."""
    return jsn.sample_folder("hand_pair")


@pytest.fixture(scope="session")
def measured(folder):
    """A measured patient: one joint with painted masks, one with a box moved by hand, one as found."""
    return measured_once(folder)


@cache
def measured_once(folder):
    patient, names = jsn.read_patient(folder), ["MCP2", "PIP3", "IP1"]
    boxes, masks = {}, {}
    for hand in patient.hands:
        joints = [joint for joint in jsn.find_joints(hand.radiograph) if joint.name in names]
        joints = [replace(j, box=j.box + 2.0, edited=True) if j.name == "PIP3" else j for j in joints]
        boxes[hand.place] = joints
        if hand.visit == 1:
            joint = next(joint for joint in joints if joint.name == "MCP2")
            found = jsn.segment(jsn.joint_image(hand.radiograph, joint))
            masks[1, hand.side, "MCP2"] = jsn.BoneMasks(found.upper, found.lower)
    return jsn.measure(patient, joints=names, patient_id="P001", boxes=boxes, masks=masks)
