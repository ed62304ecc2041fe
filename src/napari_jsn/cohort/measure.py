"""``measure_cohort``: measure all patients of a cohort on Dask into a store, and go on where an earlier run stopped."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.cohort.cluster import RETRIES, connected
from napari_jsn.cohort.plan import is_done, options_of
from napari_jsn.cohort.sources import Source, list_sources
from napari_jsn.cohort.task import Options, Outcome, measure_source
from napari_jsn.common.errors import InputError
from napari_jsn.common.lazy_module import LazyModule
from napari_jsn.common.notes import counted
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.store import Store, open_store
from napari_jsn.store.cohorts import CohortPatient

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client
else:
    pd = LazyModule("pandas")

#: Seconds between two looks at what is done, and two updates of the progress.
_POLL_S = 0.05
#: Seconds between two looks at the number of workers, and the least number of patients that wait at the scheduler.
_LOOK_S, _LEAST = 10.0, 16
#: Measures one patient; another function takes its place in tests.
Task = Callable[[Source, Options, CohortPatient | None], Outcome]


@dataclass(frozen=True)
class Cohort:
    """What became of the patients of a cohort.

    Attributes
    ----------
    patients : tuple of CohortPatient
        In the order of the source; those that were not reached are left out.
    total : int
        Number of patients of the source.
    measured_now : int
        Number of patients that this run measured; the others were measured before, or failed.
    aborted : bool

    Examples
    --------
    >>> from napari_jsn import Cohort
    >>> from napari_jsn.store.cohorts import CohortPatient
    >>> cohort = Cohort((CohortPatient("trial/P1", "P1", "measured", joints=20),), 1, 1, False)
    >>> cohort.table()[["patient", "state", "joints"]].values.tolist()
    [['P1', 'measured', 20]]
    """

    patients: tuple[CohortPatient, ...]
    total: int
    measured_now: int
    aborted: bool

    def table(self) -> pd.DataFrame:
        """Return one row for each patient: ``patient state sentence joints seconds arm age sex``.

        Examples
        --------
        >>> from napari_jsn import Cohort
        >>> Cohort((), 0, 0, False).table().columns.tolist()[:3]
        ['patient', 'state', 'sentence']
        """
        names = ("patient", "state", "sentence", "joints", "seconds", "arm", "age", "sex")
        rows = [[getattr(each, name) for name in names] for each in self.patients]
        return pd.DataFrame(rows, columns=list(names))

    @property
    def failed(self) -> tuple[CohortPatient, ...]:
        """The patients that could not be measured."""
        return tuple(each for each in self.patients if each.state != "measured")

    def __repr__(self) -> str:
        done = counted(len(self.patients) - len(self.failed), "patient")
        return f"<Cohort: {done} of {self.total} measured, {len(self.failed)} failed>"


def measure_cohort(
    source: str | os.PathLike[str],
    store: str | os.PathLike[str] | Store,
    *,
    joints: Sequence[str] = MEASURED_JOINTS,
    method: str = "refined",
    localization: str = "default",
    segmentation: str = "default",
    device: str = "auto",
    wide_mm: float = 0.15,
    pseudonyms: bool = False,
    keep_identity: bool = False,
    score: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    on_failure: Callable[[Source, str], None] | None = None,
) -> Cohort:
    """Measure all patients of a folder or a table into a store, one task of Dask for each patient.

    Patients that the store has are measured again only where files, models, options or the program changed. A patient
    that cannot be measured is listed with the reason and stops nothing.

    Parameters
    ----------
    source : path
        A folder with one folder for each patient, or a table of radiographs (CSV: ``patient visit path``, perhaps
        ``date side spacing arm age sex``).
    store : path, URL or Store
        Where results are saved; see :func:`napari_jsn.open_store`.
    joints, method, localization, segmentation, wide_mm
        As for :func:`napari_jsn.measure`.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``; each local worker has a GPU of its own, where there are GPUs.
    pseudonyms : bool
        Whether the names of folders are pseudonyms.
    keep_identity : bool
        Whether patients are named as in their files.
    score : str, optional
        Also score the radiographs by this method, such as ``"two-stage"``.
    scheduler : str, optional
        Address of a scheduler of Dask, such as ``tcp://10.0.0.1:8786``; by default workers are started here.
    workers : int, optional
        Number of local workers of one thread; by default as cores and memory allow.
    progress : Progress, optional
        When aborted, what is done is in the store, and the same call goes on.
    on_failure : callable, optional
        Called with each patient that cannot be measured, and the reason, which may name folders and files.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        If the source holds no patient, or store, models or scheduler cannot be used.

    Notes
    -----
    Workers are processes. In a script, call this function below ``if __name__ == "__main__":``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import napari_jsn as jsn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "trial" / "P001").mkdir(parents=True)
    ...     cohort = jsn.measure_cohort(Path(folder) / "trial", Path(folder) / "trial.db", workers=1)
    >>> cohort
    <Cohort: 0 patients of 1 measured, 1 failed>
    """
    options = options_of(joints, method, localization, segmentation, device, wide_mm, keep_identity, score, scheduler)
    sources = list_sources(source, pseudonyms)
    opened = store if isinstance(store, Store) else open_store(store)
    try:
        options = replace(options, reader=opened.reader, identity_key=opened.identity_key())
        return run(sources, opened, options, measure_source, scheduler, workers, progress, on_failure)
    finally:
        if opened is not store:
            opened.close()


def run(
    sources: Sequence[Source],
    store: Store,
    options: Options,
    task: Task,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    on_failure: Callable[[Source, str], None] | None = None,
) -> Cohort:
    """Run the task of every patient that is not done, and save what comes back; see :func:`measure_cohort`."""
    progress = progress or Silent()
    before = store.cohort()
    by_key = {each.key: each for each in sources}
    found = {key: before[key] for key, each in by_key.items() if is_done(each, before.get(key), options)}
    waiting = [(each, before.get(each.key)) for each in sources if each.key not in found]
    counts = _Counts(len(sources), len(found), sum(one.joints for one in found.values()))
    counts.show(progress)
    measured_now = set[str]()
    if waiting and not progress.aborted:
        with connected(scheduler, workers, options.device) as client:
            for outcome in _outcomes(client, sources, waiting, options, task, progress, counts, store):
                patient, source = outcome.patient, by_key[outcome.patient.source]
                measured_now.discard(source.key)
                if patient.state != "measured":
                    patient = replace(patient, patient=source.label)  # the name in its files may be another patient's
                    if on_failure is not None:
                        on_failure(source, outcome.detail or patient.sentence)
                elif not outcome.unchanged:
                    measured_now.add(source.key)
                found[source.key] = patient
    patients = _with_doubts([found[each.key] for each in sources if each.key in found], store.identities())
    return Cohort(patients, len(sources), len(measured_now), len(patients) < len(sources))


def _with_doubts(patients: Sequence[CohortPatient], identities: Mapping[str, str]) -> tuple[CohortPatient, ...]:
    """Return the patients, with a note on those whose files state the identity of another one."""
    first: dict[str, str] = {}
    noted = []
    for each in patients:
        code = identities.get(each.patient, "") if each.state == "measured" else ""
        if code and (other := first.setdefault(code, each.patient)) != each.patient:
            each = replace(
                each, sentence=f"{each.sentence} The files state the same identity as those of {other}.".lstrip()
            )
        noted.append(each)
    return tuple(noted)


class _Counts:
    """How far a run is: patients, figures, and seconds left by the rate of this run."""

    def __init__(self, total: int, done: int, joints: int) -> None:
        self.total, self.before, self.done, self.joints = total, done, done, joints
        self._started = time.monotonic()

    def add(self, one: CohortPatient) -> None:
        self.done += 1
        self.joints += one.joints

    def show(self, progress: Progress, more: str = "") -> None:
        now = self.done - self.before
        left = ""
        if now and self.done < self.total:
            seconds = (time.monotonic() - self._started) / now * (self.total - self.done)
            left = f", about {seconds:.0f} s left"
        progress.update(
            self.done, self.total, f"{self.done} of {counted(self.total, 'patient')}, {self.joints} joints{left}{more}"
        )


def _outcomes(
    client: Client,
    sources: Sequence[Source],
    waiting: Sequence[tuple[Source, CohortPatient | None]],
    options: Options,
    task: Task,
    progress: Progress,
    counts: _Counts,
    store: Store,
) -> Iterator[Outcome]:
    """Yield what became of each patient, after it was saved; what comes back together is saved together."""
    from distributed import as_completed

    order = {each.key: number for number, each in enumerate(sources)}
    queue, futures = deque(waiting), dict[Any, Source]()
    ready = as_completed(loop=client.loop)
    window, looked = _window(client), time.monotonic()
    try:
        while (queue or futures) and not progress.aborted:
            while queue and len(futures) < window:
                source, known = queue.popleft()
                future = client.submit(task, source, options, known, pure=False, retries=0)
                futures[future] = source
                ready.add(future)
            batch = ready.next_batch(block=False)
            if not batch:
                if client.status not in ("running", "newly-created"):
                    raise _lost()
                time.sleep(_POLL_S)
                if time.monotonic() - looked > _LOOK_S:
                    window, looked = _window(client), time.monotonic()
                counts.show(progress, "" if window else ", waiting for workers")
                window = max(window, _LEAST)
                continue
            done = [(futures.pop(future), future) for future in batch]
            for source, future in done:
                if future.status == "lost":  # its worker died with the result, and another one computes it again
                    futures[future] = source
                    ready.add(future)
            done = [(source, future) for source, future in done if future not in futures]
            outcomes = [_result(future, source) for source, future in done]
            known_outcomes = [one for one in outcomes if one is not None]
            saved = {each.source: each for each in store.save_cohort(known_outcomes, order)}
            for one in known_outcomes:
                patient = saved.pop(one.patient.source)
                counts.add(patient)
                yield replace(one, patient=patient, rows=None, scores=None)
            yield from map(Outcome, saved.values())  # measured before, and refused now
            if len(known_outcomes) < len(outcomes):
                raise _lost()
            counts.show(progress)
    finally:
        if futures and client.status == "running":
            client.cancel(list(futures), force=True)


def _window(client: Client) -> int:
    """Return how many patients are given to the scheduler at once: enough for its workers; 0 if it has none."""
    threads = sum(client.nthreads().values())
    return max(_LEAST, 3 * threads) if threads else 0


def _result(future: Any, source: Source) -> Outcome | None:
    """Return the outcome of a task; where its worker died, that of a patient that failed; None if it is not known."""
    from distributed.scheduler import KilledWorker

    if future.status == "cancelled":
        return None
    if future.status != "error":
        outcome: Outcome = future.result()
        return outcome
    error = future.exception()
    sentence = " ".join(f"Unexpected error: {type(error).__name__}: {error}".split())
    if isinstance(error, KilledWorker):
        sentence = (
            f"The worker that measured this patient died, and {counted(RETRIES, 'other worker')} after it. Perhaps the "
            "memory was too small; try it alone, with one worker."
        )
    failed = CohortPatient(source.key, source.label, "failed", sentence, log=f"{sentence}\n")
    return Outcome(replace(failed, arm=source.arm, age=source.age, sex=source.sex))


def _lost() -> InputError:
    return InputError(
        "The connection to the scheduler of Dask was lost. What was measured is in the store; run the same again.",
        "scheduler",
    )
