"""A cohort on Dask: what is saved, what is done again, and what happens to patients and workers that fail."""

import sys
from dataclasses import replace

import pytest

import napari_jsn as jsn
from napari_jsn.cohort.measure import measure_cohort, run
from napari_jsn.cohort.sources import Source
from napari_jsn.cohort.task import Options
from napari_jsn.common.errors import InputError
from napari_jsn.store import open_store
from tests.cohort import deaths, tasks

OPTIONS = Options(("MCP2", "PIP3"), made_with="version 1")


def sources(tmp_path, count):
    found = []
    for k in range(count):
        (tmp_path / f"P{k}").mkdir(exist_ok=True)
        found.append(Source(f"P{k}", str(tmp_path / f"P{k}"), f"P{k}", str(tmp_path / f"P{k}"), arm="AB"[k % 2]))
    return found


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "trial.db", "A") as opened:
        yield opened


class Stop:
    """Aborts after some updates."""

    def __init__(self, patients):
        self.messages, self._patients = [], patients

    def update(self, done, total, message=""):
        self.messages.append(message)

    @property
    def aborted(self):
        return any(message.startswith(f"{self._patients} of") for message in self.messages)


def test_real_patients_by_the_address_of_a_scheduler(trial, store, scheduler):
    failures = []
    options = {"joints": ["MCP2"], "scheduler": scheduler, "pseudonyms": True}
    cohort = measure_cohort(trial, store, **options, on_failure=lambda source, why: failures.append((source.name, why)))
    assert cohort.table()[["patient", "state"]].values.tolist() == [
        ["A01", "measured"], ["A02", "measured"], ["A03 Doe", "failed"],
    ]  # fmt: skip
    assert [name for name, _ in failures] == ["A03 Doe"] and str(trial) in failures[0][1]
    alone = jsn.measure(trial / "A01", joints=["MCP2"])
    assert store.measurements("A01")["jsn_mm"].tolist() == alone.table()["jsn_mm"].tolist()
    assert store.progression("A02").hands[0].radiograph.path.parent.name == "A02"
    changes = len(store.changes())
    again = measure_cohort(trial, store, **options)
    assert (again.measured_now, len(again.failed), len(store.changes())) == (0, 1, changes)
    for path in trial.rglob("*.dcm"):  # another time of change, but the same content
        path.touch()
    assert measure_cohort(trial, store, **options).measured_now == 0


def test_progress_abort_and_resume(tmp_path, store, scheduler):
    stop, found = Stop(2), sources(tmp_path, 6)
    part = run(found, store, OPTIONS, tasks.slow, scheduler, progress=stop)
    assert part.aborted and 2 <= len(part.patients) < 6 and repr(part).startswith("<Cohort: ")
    assert any("s left" in message and "joints" in message for message in stop.messages)
    assert len(store.cohort()) == len(part.patients) == len(store.patients())
    whole = run(found, store, OPTIONS, tasks.quick, scheduler)
    assert not whole.aborted and [each.patient for each in whole.patients] == [f"P{k}" for k in range(6)]
    assert len(store.measurements()) == 12 and store.patients()["figures"].tolist() == [2] * 6


def test_a_task_that_raises_is_one_failed_patient(tmp_path, store, scheduler):
    cohort = run(sources(tmp_path, 3), store, OPTIONS, tasks.failing, scheduler)
    assert [each.state for each in cohort.patients] == ["measured", "failed", "measured"]
    assert cohort.failed[0].sentence == "Unexpected error: RuntimeError: broken"


def test_one_patient_under_two_names_and_two_under_one(tmp_path, store, scheduler):
    one, two = sources(tmp_path, 2)
    cohort = run([one, replace(two, patient="P0")], store, OPTIONS, tasks.quick, scheduler)
    assert sorted(each.state for each in cohort.patients) == ["failed", "measured"]
    assert "has the patient P0" in cohort.failed[0].sentence and len(store.measurements()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_workers_that_die(tmp_path, store):
    cohort = run(sources(tmp_path, 4), store, OPTIONS, deaths.dying, workers=2)
    assert [each.state for each in cohort.patients] == ["measured", "failed", "measured", "measured"]
    assert cohort.failed[0].sentence.startswith("The worker that measured this patient died")


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"workers": 0}, "workers"), ({"workers": "two"}, "workers"), ({"scheduler": "tcp://127.0.0.1:1"}, "scheduler"),
        ({"scheduler": "nonsense://x"}, "scheduler"), ({"scheduler": "tcp://127.0.0.1:1", "workers": 2}, "workers"),
        ({"joints": ["MCP9"]}, "joints"), ({"method": "x"}, "method"), ({"segmentation": "x"}, "segmentation"),
        ({"device": "tpu"}, "device"), ({"wide_mm": -1}, "wide_mm"),
    ],
)  # fmt: skip
def test_wrong_arguments(trial, tmp_path, options, argument, monkeypatch):
    monkeypatch.setattr("napari_jsn.cohort.cluster.CONNECT_S", 1)
    with pytest.raises(InputError) as refused:
        measure_cohort(trial, tmp_path / "t.db", **options)
    assert refused.value.argument in (argument, "joint", "model")
