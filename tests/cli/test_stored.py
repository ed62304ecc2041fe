"""Commands that use a store."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

import napari_jsn as jsn
from napari_jsn.cli import main
from napari_jsn.scoring import long_table, read_scores, scores_csv
from tests.scoring.simulated import sheet
from tests.store.conftest import measured_once


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return ended.value.code


@pytest.fixture
def trial(tmp_path):
    """A store with two patients."""
    with jsn.open_store(tmp_path / "trial.db", "A") as store:
        for name in ("P001", "P002"):
            store.save(replace(measured_once(jsn.sample_folder("hand_pair")), patient_id=name))
    return tmp_path / "trial.db"


def test_measure_into_a_store(tmp_path, capsys):
    words = ("measure", jsn.sample_folder("hand_pair"), "--joints", "MCP2", "--patient", "P1")
    out = tmp_path / "out"
    assert run(*words, "--store", tmp_path / "new.db", "--out", out) == 0
    assert "Saved as P1 in the store." in capsys.readouterr().out
    with jsn.open_store(tmp_path / "new.db") as store:
        table = store.measurements()
    assert table["jsn_mm"].tolist() == pytest.approx(pd.read_csv(out / "joints.csv")["jsn_mm"].tolist())
    assert json.loads((out / "run.json").read_text())["options"]["store"] == "a path"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("measure", "{sample}", "--store", "{folder}"), "--store: "),
        (
            ("measure", "{sample}", "--store", "postgresql://me:secret@127.0.0.1:1/x", "--out", "{folder}/o"),
            "--store: ",
        ),
        (("measure", "{sample}", "--reader", "A"), "--reader: The reader stands"),
        (("measure", "{folder}/none", "--store", "{folder}/o"), "RADIOGRAPHS: "),
        (("readers", "new", "s", "--store", "{trial}", "--reader", "A", "--scheme", "x"), "--scheme: There is no"),
        (("store", "info", "{folder}/none.db"), "STORE: There is no store"),
        (("store", "export", "{folder}/none.db", "--out", "{folder}/o"), "STORE: There is no store"),
        (("readers", "export", "--store", "{trial}", "--out", "{folder}/o"), "--store: The store has no scores"),
        (("readers", "export", "--store", "{trial}", "--reader", "Z", "--out", "{folder}/o"), "--reader: "),
        (("readers", "new", "s", "--store", "{trial}", "--reader", "A", "--order", "x"), "--order: There is no order"),
        (("readers", "new", "s", "--store", "{trial}", "--reader", "A", "--repeated-share", "2"), "--repeated-share: "),
        (("readers", "new", " ", "--store", "{trial}", "--reader", "A"), "SESSION: A session cannot"),
        (("readers", "new", "s", "--store", "{folder}/none.db", "--reader", "A"), "--store: There is no store"),
        (("readers", "lock", "s", "--store", "{trial}", "--reader", "A"), "SESSION: The reader A has no session"),
        (("readers", "lock", "s", "--store", "{trial}", "--reader", ""), "--reader: This is empty"),
    ],
)
def test_errors_name_what_was_typed(trial, tmp_path, capsys, words, message):
    names = {"sample": jsn.sample_folder("hand_pair"), "folder": tmp_path, "trial": trial}
    assert run(*(word.format(**names) for word in words)) == 2
    printed = capsys.readouterr()
    assert f"Error: {message}" in printed.err and "secret" not in printed.err and not (tmp_path / "o").exists()


def test_another_patient_under_the_pseudonym_is_refused_before_anything_is_measured(
    trial, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("napari_jsn.progression.measure.measure", lambda *_, **__: pytest.fail("measured"))
    with jsn.open_store(trial) as store:
        connection = store._engine.connect()
        connection.exec_driver_sql("UPDATE patients SET identity = 'another'")
        connection.close()
    words = ("measure", jsn.sample_folder("hand_pair"), "--joints", "MCP2", "--patient", "P001", "--store", trial)
    assert run(*words, "--out", tmp_path / "o") == 2
    assert "Error: --patient: The store has another patient" in capsys.readouterr().err
    assert not (tmp_path / "o" / "joints.csv").exists()


def test_a_password_is_not_recorded():
    from napari_jsn.cli.options import _without_password

    assert _without_password("postgresql://me:se:cr@host:5/x") == "postgresql://me:***@host:5/x"
    assert [_without_password(each) for each in ("a:b@c", "postgresql://me@host/x", 3)] == [
        "a:b@c", "postgresql://me@host/x", 3,
    ]  # fmt: skip


def test_info_and_export(trial, tmp_path, capsys):
    assert run("store", "info", trial) == 0
    printed = capsys.readouterr().out.split()
    assert printed[printed.index("patients") + 1] == "2" and printed[printed.index("figures") + 1] == "6"
    assert run("store", "info", trial, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["counts"]["patients"], content["counts"]["figures"]) == (2, 6) and content["version"]
    assert run("store", "export", trial, "--out", tmp_path / "out") == 0
    assert len(pd.read_csv(tmp_path / "out" / "measurements.csv")) == 6
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "run.json", "patients.csv", "measurements.csv", "boxes.csv", "decisions.csv", "scores.csv", "sessions.csv",
        "changes.csv",
    }  # fmt: skip


def test_scores_go_into_a_store_and_come_back(trial, tmp_path, capsys):
    table = sheet(2, readers=("A", "B"), scheme_name="svdh-fingers")
    (tmp_path / "scores.csv").write_bytes(scores_csv(table, "svdh-fingers"))
    words = ("readers", "import", tmp_path / "scores.csv", "--store", trial)
    assert run(*words, "--session", "first") == 0
    assert f"{len(table)} scores read, {len(table)} new or changed" in capsys.readouterr().out
    assert run(*words, "--session", "first") == 0 and "0 new or changed" in capsys.readouterr().out
    assert run("readers", "export", "--store", trial, "--reader", "B", "--to", "talk-15", "--out", tmp_path / "o") == 0
    back = long_table(read_scores(tmp_path / "o" / "scores.csv"))
    keys = ["patient", "visit", "side", "site", "kind"]
    expected = table[table["reader"] == "B"].sort_values(keys)
    assert back.sort_values(keys)["grade"].tolist() == expected["grade"].tolist()


def test_sessions(trial, capsys):
    assert run("readers", "status", "--store", trial) == 0 and "no reading session" in capsys.readouterr().out
    words = ("first", "--store", trial, "--reader", "A")
    assert run("readers", "new", *words, "--order", "single", "--seed", 3, "--repeated-share", 0.5) == 0
    assert "Session first of A: 6 items, order single, seed 3." in capsys.readouterr().out
    assert run("readers", "new", *words) == 2 and "SESSION: The reader A already has" in capsys.readouterr().err
    assert run("readers", "lock", *words) == 0
    assert run("readers", "status", "--store", trial) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.split()[:1] == ["first"])
    assert line.split()[1:7] == ["A", "single", "3", "6", "0", "0"]
    assert run("readers", "status", "--store", trial, "--json") == 0
    (stated,) = json.loads(capsys.readouterr().out)["sessions"]
    assert (stated["session"], stated["seed"], stated["items"], stated["done"]) == ("first", 3, 6, 0)
    assert stated["locked"] == line.split()[-1]


def test_decisions_of_the_store_are_in_the_files(trial, tmp_path, capsys):
    with jsn.open_store(trial, "B") as store:
        store.decide("P001", "MCP2", "L", 2, "rejected", "blurred")
    words = ("measure", jsn.sample_folder("hand_pair"), "--joints", "MCP2", "--patient", "P001", "--store", trial)
    assert run(*words, "--reader", "C", "--out", tmp_path / "o", "--dicom") == 0
    row = pd.read_csv(tmp_path / "o" / "joints.csv").iloc[0]
    assert row[["decision", "comment", "reader"]].tolist() == ["rejected", "blurred", "B"]
    assert "rejected by B: blurred" in (tmp_path / "o" / "report.html").read_text("utf-8")
    assert (
        jsn.read_progression_sr(tmp_path / "o" / "progression-sr.dcm")["decision"].iloc[-1] == "rejected by B: blurred"
    )
    with jsn.open_store(trial) as store:
        assert set(store.changes().query("subject == 'measurement'")["reader"].iloc[-3:]) == {"C"}


def test_a_cohort_is_listed_and_measured(tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    from distributed import LocalCluster

    for name in ("A", "B"):
        shutil.copytree(jsn.sample_folder("hand_pair"), tmp_path / "trial" / name)
    (tmp_path / "trial" / "C").mkdir()
    assert run("cohort", tmp_path / "trial", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "3 patients: 1 new, 2 wrong" in printed and "Wrong: B: This is the same patient as A." in printed
    assert run("cohort", tmp_path / "trial", "--dry-run", "--pseudonyms", "--store", tmp_path / "t.db") == 0
    assert "3 patients: 2 new, 1 wrong" in capsys.readouterr().out and not (tmp_path / "t.db").exists()
    assert run("cohort", tmp_path / "trial", "--dry-run", "--bones-model", "x") == 2
    words = ("cohort", tmp_path / "trial", "--store", tmp_path / "t.db", "--joints", "MCP2", "--pseudonyms")
    with LocalCluster(n_workers=2, processes=False, dashboard_address=None, protocol="tcp://") as cluster:
        words = (*words, "--scheduler", cluster.scheduler_address, "--out", tmp_path / "out")
        assert run(*words) == 0
        printed = capsys.readouterr()
        assert "3 patients: 2 measured now, 0 before, 1 failed. 2 figures" in printed.out
        assert "Failed: C: " in printed.err
        assert run(*words) == 0 and "0 measured now, 2 before" in capsys.readouterr().out
        assert run(*words, "--dry-run") == 0 and "2 done, 1 wrong" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "out" / "joints.csv")["patient"].tolist() == ["A", "B"]
    assert pd.read_csv(tmp_path / "out" / "patients.csv")["state"].tolist() == ["measured", "measured", "failed"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--store: Results are saved"),
        (("--store", "{folder}/none/t.db"), "--store: There is no folder"),
        (("--store", "{folder}/t.db", "--scheduler", "nonsense"), "--scheduler: There is no scheduler"),
        (("--store", "{folder}/t.db", "--bones-model", "x"), "--bones-model: "),
        (("--store", "{folder}/t.db", "--score", "x"), "--score: "),
    ],
)
def test_errors_of_cohorts_name_what_was_typed(tmp_path, capsys, monkeypatch, words, message):
    pytest.importorskip("distributed")
    monkeypatch.setattr("napari_jsn.cohort.cluster.CONNECT_S", 1)
    shutil.copytree(jsn.sample_folder("hand_pair"), tmp_path / "trial" / "A")
    assert run("cohort", tmp_path / "trial", *(word.format(folder=tmp_path) for word in words)) == 2
    assert f"Error: {message}" in capsys.readouterr().err
