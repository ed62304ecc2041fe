"""The files of a cohort: table, Parquet, patients, report, logs."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest

from napari_jsn.cli import main
from napari_jsn.cohort.files import write_cohort
from napari_jsn.cohort.measure import Cohort
from napari_jsn.cohort.report import MOST_DOUBTFUL, cohort_html
from napari_jsn.common.output_folder import OutputFolder, problems_of_set
from napari_jsn.store import open_store
from napari_jsn.store.changes import now_utc
from napari_jsn.store.cohorts import CohortPatient, MeasuredPatient
from napari_jsn.store.progression_rows import rows_of
from tests.progression import made_up

ARMS = {"P1": "drug", "P2": "placebo", "P3": "drug", "P4": "placebo"}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A store with four patients and one that failed, and the folder of its files."""
    place = tmp_path_factory.mktemp("cohort")
    progression = made_up.progression()
    with open_store(place / "trial.db", "A") as store:
        measured = []
        for name, arm in ARMS.items():
            rows = rows_of(replace(progression, patient_id=name), "A", now_utc())
            patient = CohortPatient(f"trial/{name}", name, "measured", joints=10, arm=arm, log=f"log of {name}")
            measured.append(MeasuredPatient(patient, rows))
        failed = CohortPatient("trial/x", "F1", "failed", "There is only <one> visit.", log="why")
        store.save_cohort([*measured, MeasuredPatient(failed)])
        store.decide("P2", "MCP2", "L", 2, "rejected", "blurred")
        store.decide("P4", "PIP3", "L", 1, "unsure")
        store.set_box("P3", 1, "L", "MCP2", progression.hands[0].joints[1].joint.box + 3)
        patients = tuple(store.cohort().values())
        cohort = Cohort(patients, 5, 4, False)
        with OutputFolder(place / "out") as output:
            paths = write_cohort(output, store, cohort, "trial.db", {"software": "napari-jsn 1"}, False)
        yield place / "out", paths, store


def test_one_table_of_all_joints(written):
    folder, _, store = written
    table = pd.read_csv(folder / "joints.csv", keep_default_na=False)
    assert table["patient"].unique().tolist() == list(ARMS) and len(table) == 40
    assert table.columns[:3].tolist() == ["patient", "arm", "joint"] and "day" not in table
    assert table.groupby("patient")["arm"].first().to_dict() == ARMS
    assert table.query("patient == 'P2' and joint == 'MCP2'")[["decision", "comment", "reader"]].values.tolist() == [
        ["rejected", "blurred", "A"]
    ]
    assert table.query("patient == 'P4' and decision != ''")[["joint", "decision"]].values.tolist() == [
        ["PIP3", "baseline unsure"]  # a joint at baseline has no figure of its own
    ]
    assert table[table["out_of_date"]][["patient", "joint"]].values.tolist() == [["P3", "MCP2"]]
    one = pd.read_csv(folder / "joints.csv").query("patient == 'P1'")
    assert one["jsn_mm"].tolist() == pytest.approx(store.measurements("P1")["jsn_mm"].tolist(), abs=1e-5, nan_ok=True)


def test_evaluate_clinical_reads_the_table_as_it_is(written, tmp_path, capsys):
    folder, _, _ = written
    rows = pd.read_csv(folder / "joints.csv")[["patient", "side", "joint", "visit"]]
    truth = pd.concat([rows.assign(svdh_narrowing=rows.index % 3), rows.assign(visit=1, svdh_narrowing=0)])
    truth.drop_duplicates(["patient", "side", "joint", "visit"]).to_csv(tmp_path / "truth.csv", index=False)
    words = ("evaluate", "clinical", folder / "joints.csv", "--truth", tmp_path / "truth.csv", "--out", tmp_path)
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (left.value.code, found["patients"], found["joints"]) == (0, 4, 28)


def test_parquet_has_the_same(written):
    pytest.importorskip("pyarrow")
    folder, _, store = written
    table = pd.read_parquet(folder / "joints.parquet")
    assert table.columns.tolist() == pd.read_csv(folder / "joints.csv").columns.tolist()
    pd.testing.assert_series_equal(
        table["jsn_mm"], store.measurements()["jsn_mm"], check_names=False, check_index=False
    )
    assert table["reliable"].dtype == bool and table["visit"].dtype == "int64"


def test_patients_logs_and_record(written):
    folder, paths, _ = written
    patients = pd.read_csv(folder / "patients.csv").set_index("patient")
    assert patients.loc["F1", ["state", "sentence"]].tolist() == ["failed", "There is only <one> visit."]
    assert "F1" not in (folder / "joints.csv").read_text() and len(patients) == 5
    assert (folder / "logs" / "P3.log").read_text() == "log of P3" and (folder / "logs" / "F1.log").read_text() == "why"
    names = {"joints.csv", "joints.parquet", "patients.csv", "arms.csv", "report.html", "run.json"}
    assert {path.name for path in paths} == names == {path.name for path in folder.iterdir() if path.is_file()}
    assert problems_of_set(folder) == [] and len(json.loads((folder / "run.json").read_text())["files"]) == 10


def test_report(written):
    folder, _, _ = written
    page = (folder / "report.html").read_text()
    for text in (
        "There is only &lt;one&gt; visit.", "Smallest detectable change", "Cumulative probability plot",
        "napari-jsn read --store trial.db --patient P1 --joint MCP1 --side L", "placebo against drug", "t-test (Welch)",
        "Doubtful joints",
    ):  # fmt: skip
        assert text in page, text
    assert "http" not in page.replace("http-equiv", "") and len(page) < 1_000_000
    assert len(pd.read_csv(folder / "arms.csv")) == 1


def test_a_large_report_stays_small(written):
    _, _, store = written
    table = store.measurements()
    many = pd.concat([table.assign(patient=f"Q{k}", state="wide") for k in range(100)]).assign(arm="")
    page = cohort_html(many, (), 100, "my trial.db")
    assert page.count("<code>napari-jsn read") == MOST_DOUBTFUL
    assert f"The table has {MOST_DOUBTFUL} of them" in page and "--store &#x27;my trial.db&#x27;" in page
    empty = cohort_html(many[:0], (), 0, "t.db")
    assert "None." in empty and "There is no figure in mm that has not failed." in empty
    in_pixels = cohort_html(many[:50].assign(jsn_mm=float("nan"), reliable=True), (), 1, "t.db")
    assert "50 figures without a pixel spacing are in pixels" in in_pixels


def test_measured_again_with_other_arms(written, tmp_path):
    with open_store(tmp_path / "t.db") as store:
        rows = rows_of(replace(made_up.progression(), patient_id="P1"), "", now_utc())
        one = CohortPatient("a", "P1", "measured", joints=3)
        store.save_cohort([MeasuredPatient(one, rows)])
        rows = rows_of(replace(made_up.progression(), patient_id="P1"), "", now_utc())
        store.save_cohort([MeasuredPatient(replace(one, arm="B", sentence="again"), rows)])
        found = store.cohort()
        assert len(found) == 1 and (found["a"].arm, found["a"].sentence) == ("B", "again")
        assert len(store.measurements()) == 10 and store.patients()["patient"].tolist() == ["P1"]
        store.save_cohort([MeasuredPatient(replace(one, arm="C"))])  # only the table changed
        assert [each.arm for each in store.cohort().values()] == ["C"]
    with closing(sqlite3.connect(tmp_path / "t.db")) as database:
        assert database.execute("select arm from patients").fetchall() == [("C",)]
