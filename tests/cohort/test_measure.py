"""A cohort on Dask: what is saved, what is done again, and what happens to patients and workers that fail."""

import os
import sys
from dataclasses import replace

import pytest

import napari_jsn as jsn
from napari_jsn.cohort import cluster
from napari_jsn.cohort.measure import measure_cohort, run
from napari_jsn.cohort.sources import Source, list_sources
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


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_folders_with_one_patient_the_first_one_counts(tmp_path, store, scheduler, first):
    one, two = (replace(each, patient="P") for each in sources(tmp_path, 2))
    failures = []
    if first:  # measured before, and refused now
        assert run([two], store, OPTIONS, tasks.quick, scheduler).measured_now == 1
    for _ in range(2):
        callbacks = {"on_failure": lambda source, why: failures.append((source.name, why))}
        cohort = run([one, two], store, OPTIONS, tasks.quick, scheduler, **callbacks)
        assert [each.state for each in cohort.patients] == ["measured", "failed"]
        assert "has the patient P." in cohort.failed[0].sentence and failures.pop()[0] == "P1" and not failures
        assert len(store.measurements()) == 2 and cohort.total - cohort.measured_now in (1, 2)


@pytest.mark.parametrize("same", [True, False])
def test_a_patient_of_another_folder_is_replaced_only_by_the_same_radiographs(tmp_path, store, scheduler, same):
    one = replace(sources(tmp_path, 1)[0], patient="P")
    run([one], store, OPTIONS, tasks.quick if same else tasks.other_files, scheduler)
    moved = replace(one, key="moved", name="moved")
    cohort = run([moved], store, OPTIONS, tasks.quick, scheduler)
    assert [each.state for each in cohort.patients] == ["measured" if same else "failed"]
    assert [each.source for each in store.cohort().values() if each.state == "measured"] == [
        "moved" if same else one.key
    ]
    assert len(store.measurements()) == 2 and ("has the patient P." in cohort.patients[0].sentence) != same


def test_one_person_under_two_names_is_noted(tmp_path, store, scheduler):
    cohort = run(sources(tmp_path, 3), store, OPTIONS, tasks.one_identity, scheduler)
    doubt = "The files state the same identity as those of P0."
    assert cohort.table()["sentence"].tolist() == ["", doubt, doubt]
    again = run(sources(tmp_path, 3), store, OPTIONS, tasks.one_identity, scheduler)
    assert again.table()["sentence"].tolist() == ["", doubt, doubt]


def test_scores_are_saved_with_their_patient(tmp_path, store, scheduler, monkeypatch):
    found = sources(tmp_path, 2)
    with monkeypatch.context() as broken, pytest.raises(ZeroDivisionError):
        broken.setattr("napari_jsn.store.cohorts.save_model_scores", lambda *_: 1 / 0)
        run(found, store, OPTIONS, tasks.scored, scheduler)
    assert store.cohort() == {} and len(store.measurements()) == 0  # as a client that is killed between the two
    run(found, store, OPTIONS, tasks.scored, scheduler)
    scores = store.scores().sort_values(["patient", "visit"])
    assert scores[["patient", "visit", "expected_grade", "reader"]].values.tolist() == [
        [name, visit, 1.25, "two-stage"] for name in ("P0", "P1") for visit in (1, 2)
    ]
    store.save(scores.assign(reader="A", method="").query("patient == 'P0'"))
    run(found[:1], store, replace(OPTIONS, score="one", made_with="version 2"), tasks.scored, scheduler)
    kept = store.scores().query("patient == 'P0'")[["visit", "reader"]].values.tolist()
    assert sorted(kept) == [[1, "A"], [2, "A"], [2, "two-stage"]]  # what a reader graded stays


@pytest.mark.parametrize("name", [b"P \xff\xfe", b"P \xed\xa0\x80", b"P \n\x1b[2J"])
@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8")
def test_names_of_folders_that_no_database_can_hold(tmp_path, store, scheduler, name):
    os.mkdir(os.fsencode(tmp_path) + b"/" + name)
    for _ in range(2):  # the second one finds the first one's key
        cohort = run(list_sources(tmp_path), store, OPTIONS, tasks.quick, scheduler)
        assert ([each.state for each in cohort.patients], cohort.measured_now) == (["measured"], 1)
    source = list_sources(tmp_path, pseudonyms=True)[0]
    assert source.patient.encode() and bool(source.faults) == (b"\n" not in name)


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_workers_that_die(tmp_path, store, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    cohort = run(sources(tmp_path, 4), store, OPTIONS, deaths.dying)  # one worker for each GPU
    assert {each.sentence for each in cohort.patients if each.state == "measured"} <= {"4", "7"}
    assert [each.state for each in cohort.patients] == ["measured", "failed", "measured", "measured"]
    assert cohort.failed[0].sentence.startswith("The worker that measured this patient died")


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"workers": 0}, "workers"), ({"workers": "two"}, "workers"), ({"scheduler": "tcp://127.0.0.1:1"}, "scheduler"),
        ({"scheduler": "nonsense://x"}, "scheduler"), ({"scheduler": "tcp://127.0.0.1:1", "workers": 2}, "workers"),
        ({"joints": ["MCP9"]}, "joints"), ({"method": "x"}, "method"), ({"segmentation": "x"}, "segmentation"),
        ({"device": "tpu"}, "device"), ({"device": "cuda:1"}, "device"),
        ({"wide_mm": -1}, "wide_mm"),
    ],
)  # fmt: skip
def test_wrong_arguments(trial, tmp_path, options, argument, monkeypatch):
    monkeypatch.setattr("napari_jsn.cohort.cluster.CONNECT_S", 1)
    with pytest.raises(InputError) as refused:
        measure_cohort(trial, tmp_path / "t.db", **options)
    assert refused.value.argument in (argument, "joint", "model")


@pytest.mark.parametrize(
    ("device", "count", "named", "workers", "expected"),
    [
        ("cuda", 2, None, None, ["0", "1"]),
        ("auto", 2, None, None, ["0", "1"]),
        ("cuda", 2, None, 5, ["0", "1", "0", "1", "0"]),
        ("cuda", 2, "GPU-8a,GPU-3c", None, ["GPU-8a", "GPU-3c"]),
        ("cuda", 1, "3,none", None, ["3"]),
        ("cpu", 2, None, 2, [None, None]),
        ("auto", 0, "-1", 2, [None, None]),
        ("auto", 0, "", 1, [None]),
    ],
)
def test_each_worker_has_one_gpu(monkeypatch, device, count, named, workers, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: count)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    monkeypatch.setattr("distributed.SpecCluster", lambda workers, *_, **__: workers)
    found = cluster.local_workers(workers, device)
    environments = [one["options"]["env"] for one in found.values()]
    assert [each.get("CUDA_VISIBLE_DEVICES") for each in environments] == expected
    assert all(each["OMP_NUM_THREADS"] == "1" for each in environments)


def test_workers_of_a_scheduler_may_have_the_gpu(trial, store, scheduler, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match="There is no device 'cuda' here"):
        measure_cohort(trial, store, joints=["MCP2"], device="cuda")
    cohort = measure_cohort(trial, store, joints=["MCP2"], device="cuda", scheduler=scheduler)
    assert "There is no device 'cuda' here" in cohort.failed[0].sentence
