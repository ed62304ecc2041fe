"""Many writers of one store, writers that are killed, and a store of a thousand patients."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
from sqlalchemy import func, insert, select

import napari_jsn as jsn
from napari_jsn.progression.progression import Decision
from napari_jsn.store import open_store
from napari_jsn.store.database import writing
from napari_jsn.store.schema import (
    JointRow,
    MeasurementRow,
    PatientRow,
    ProgressionRow,
    RadiographRow,
    VisitRow,
)
from tests.scoring.simulated import sheet
from tests.store.test_store import assert_equal

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]

#: Makes decisions, one after another, and prints the number of each that was saved.
WRITER = """
import sys
import napari_jsn as jsn
place, reader, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
joints = ("MCP1", "MCP2", "MCP3", "MCP4", "MCP5", "IP1", "PIP2", "PIP3", "PIP4", "PIP5")
with jsn.open_store(place, reader) as store:
    print("ready", flush=True)
    for k in range(count):
        figure = joints[k % 10], "LR"[k // 10 % 2], 2 + k // 20 % 3
        store.decide("P000", *figure, ("accepted", "rejected")[k % 2], str(k))
        print(k, flush=True)
"""


def writer(place, reader, count):
    command = [sys.executable, "-c", WRITER, str(place), reader, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def trial(place):
    with open_store(place, "X") as store:
        store.save(sheet(1, readers=("X",), scheme_name="svdh-fingers"))
    return place


def test_four_processes_write_500_changes_each(trial):
    with open_store(trial) as store:
        before = len(store.changes())
    started = time.perf_counter()
    processes = [writer(trial, f"R{k}", 500) for k in range(4)]
    for process in processes:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0 and output.split()[-1] == "499"
    seconds = time.perf_counter() - started
    with open_store(trial) as store:
        changes = store.changes().iloc[before:]
        decisions = store.decisions()
    print(f"2000 changes by 4 processes in {seconds:.1f} s")
    assert len(changes) == 2000 and changes["reader"].value_counts().to_dict() == {f"R{k}": 500 for k in range(4)}
    for reader, own in changes.groupby("reader"):
        assert own["became"].str.extract(r'"(\d+)"\]')[0].astype(int).tolist() == list(range(500))
        # every change begins where the one before it ended
        for _, same in own.groupby("item"):
            assert same["was"].tolist() == ["", *same["became"].tolist()[:-1]]
        assert len(decisions[decisions["reader"] == reader]) == 60


def test_a_killed_writer_loses_at_most_the_change_under_way(trial):
    draw = random.Random(4)
    for k in range(20):
        process = writer(trial, f"K{k}", 100_000)
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.0, 0.6))
        os.kill(process.pid, signal.SIGKILL)
        output = process.stdout.read()  # communicate() would drop what is in the buffer of this stream
        process.wait(timeout=60)
        reported = [int(line) for line in output.splitlines(keepends=True) if line.endswith("\n")]
        with open_store(trial, "X") as store:
            changes = store.changes().query(f"reader == 'K{k}'")
            saved = changes["became"].str.extract(r'"(\d+)"\]')[0].astype(int).tolist()
            decisions = store.decisions().query(f"reader == 'K{k}'")
            store.decide("P000", "MCP2", "L", 2, "accepted", str(k))  # it can be written at once
        assert saved == list(range(len(saved))) and len(reported) <= len(saved) <= len(reported) + 1
        assert set(decisions["comment"].astype(int)) == set(saved[-60:])


def copies(engine, number):
    """Copy the only patient of a store under other names."""
    kinds = (VisitRow, ProgressionRow, MeasurementRow, RadiographRow, JointRow)
    with writing(engine) as session:
        rows = {kind: [dict(row._mapping) for row in session.execute(select(kind.__table__))] for kind in kinds}
        top = {kind: session.scalar(select(func.max(kind.id))) for kind in kinds}
        patient = session.scalar(select(PatientRow.id))
        for k in range(1, number):
            session.execute(insert(PatientRow), {"id": patient + k, "patient": f"P{k:04}", "identity": "", "arm": ""})
            for row in rows[MeasurementRow]:
                row["figures"] = row["figures"].replace(f'["P{k - 1:04}"', f'["P{k:04}"')
            for kind in kinds:
                owner = {RadiographRow: "visit_id", JointRow: "radiograph_id"}.get(kind, "patient_id")
                step = {"patient_id": 1, "visit_id": top[VisitRow], "radiograph_id": top[RadiographRow]}[owner]
                session.execute(
                    insert(kind.__table__),
                    [row | {"id": row["id"] + k * top[kind], owner: row[owner] + k * step} for row in rows[kind]],
                )


def test_a_thousand_patients(tmp_path, capsys):
    one = jsn.measure(jsn.sample_folder("hand_pair"), patient_id="P0000")
    hands = [
        replace(hand, visit=visit, side=side)
        for visit in (1, 2, 3)
        for side in "RL"
        for hand in one.hands[min(visit, 2) - 1 : min(visit, 2)]
    ]
    narrowings = [replace(row, side=side, visit=visit) for side in "RL" for row in one.narrowings for visit in (2, 3)]
    whole = replace(one, hands=tuple(hands), narrowings=tuple(narrowings))
    place = tmp_path / "trial.db"
    with open_store(place) as store:
        store.save(whole)
        copies(store._engine, 1000)
    times = {}
    code = (
        "import time, sys; import napari_jsn; from napari_jsn.store import open_store; import pandas, torch\n"
        "def step(name, do):\n"
        "    wall, own = time.perf_counter(), time.process_time(); found = do()\n"
        "    print(name, time.perf_counter() - wall); print(name + '_cpu', time.process_time() - own); return found\n"
        f"store = step('open', lambda: open_store({str(place)!r}))\n"
        "step('patient', lambda: store.progression('P0500'))\n"
        "step('again', lambda: store.progression('P0900').table())\n"
        "table = step('table', store.measurements)\n"
        "step('patients', store.patients)\n"
        "print('rows', len(table))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    times = {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}
    with capsys.disabled():
        print(
            f"\n1,000 patients, {place.stat().st_size / 1e6:.0f} MB: "
            + ", ".join(f"{n} {t:.2f}" for n, t in times.items())
        )
    with open_store(place) as store:
        assert times["rows"] == 40_000 and len(store.patients()) == 1000
        expected = replace(whole, patient_id="P0500").table()
        pd.testing.assert_frame_equal(store.progression("P0500").table(), expected)
        pd.testing.assert_frame_equal(store.measurements("P0500"), expected)


def changed_by_readers(patient, names, draw):
    """A measurement of a patient with moved boxes and painted masks, and decisions of two readers on its figures."""
    found = jsn.measure(patient, joints=names)
    boxes, masks = {}, {}
    for hand in found.hands:
        joints = []
        for view in hand.joints:
            joint = view.joint
            if draw.random() < 0.3:
                joint = replace(joint, box=joint.box + draw.uniform(-3, 3), edited=True)
            elif draw.random() < 0.4:
                masks[hand.visit, hand.side, joint.name] = jsn.BoneMasks(view.masks.upper, view.masks.lower)
                joint = replace(joint, edited=True)
            joints.append(joint)
        boxes[hand.visit, hand.side] = joints
    measured = jsn.measure(patient, joints=names, boxes=boxes, masks=masks)
    decisions = [
        Decision(
            row.joint, row.side, row.visit, draw.choice(("accepted", "rejected", "unsure")), "ä \u2028 'x'", reader
        )
        for row in measured.narrowings
        for reader in ("A", "B")
        if draw.random() < 0.7
    ]
    return replace(measured, decisions=tuple(decisions))


def test_three_patients_of_two_to_four_visits_come_back_as_they_were(place):
    draw, names = random.Random(2), ["MCP2", "PIP4"]
    four = jsn.read_patient(jsn.sample_folder("both_hands"))
    three = replace(four, visits=four.visits[:3], patient_id="three")
    two = replace(jsn.read_patient(jsn.sample_folder("hand_pair")), patient_id="two")
    patients = [changed_by_readers(patient, names, draw) for patient in (two, three, four)]
    assert all(any(row.changed_by_hand for row in each.narrowings) for each in patients)
    table = sheet(3, visits=(1, 2, 3, 4))
    with open_store(place, "A") as store:
        for each in patients:
            store.save(each)
        store.save(table)
    with open_store(place) as store:
        for each in patients:
            found = store.progression(each.patient_id)
            pd.testing.assert_frame_equal(found.table(), each.table())
            assert_equal(each, found)
        assert len(store.scores()) == len(table) and len(store.decisions()) == sum(len(e.decisions) for e in patients)
