"""A task that sleeps and returns rows of real size, and a measurement of what a cohort of it costs.

Run as a program it makes a cohort and prints what it took:
``python -m tests.cohort.sleeping PATIENTS VISITS WORKERS SLEEP_S FOLDER``.
"""

import json
import pickle
import resource
import sys
import time
from functools import cache
from pathlib import Path

from napari_jsn.cohort.files import write_cohort
from napari_jsn.cohort.measure import run
from napari_jsn.cohort.sources import Source
from napari_jsn.cohort.task import Options, Outcome, content_of
from napari_jsn.common.output_folder import OutputFolder
from napari_jsn.store import open_store
from napari_jsn.store.changes import now_utc
from napari_jsn.store.cohorts import CohortPatient
from napari_jsn.store.progression_rows import rows_of

FILE = '["/data/trial/P00000/visit1.dcm",9000000,1700000000000000000,"' + "0" * 64 + '"]'


@cache
def rows(visits):
    """The rows of a patient with both hands, pickled: each patient needs rows of its own."""
    from tests.progression import made_up

    return pickle.dumps(rows_of(made_up.progression(visits, ("R", "L")), "", now_utc()))


def sleep(source, options, known=None):
    """Wait, and return the rows of a patient; ``options.method`` is the number of visits, ``wide_mm`` the seconds."""
    time.sleep(options.wide_mm)
    found = pickle.loads(rows(int(options.method)))
    for row in found.measurements:
        cells = json.loads(row.figures)
        row.figures = json.dumps([source.patient, *cells[1:]], ensure_ascii=False, separators=(",", ":"))
    patient = CohortPatient(
        source.key, source.patient, "measured", "A note of this patient, which is a sentence.",
        content_of(source, [], options.made_with), "[" + ",".join([FILE] * 2 * int(options.method)) + "]",
        len(found.measurements), options.wide_mm, source.arm, log="a log of some lines\n" * 10,
    )  # fmt: skip
    return Outcome(patient, found, source.patient)


def cohort(patients, visits, workers, seconds, folder):
    """Measure a cohort that sleeps; return what it took."""
    sources = [
        Source(f"P{k:05}", f"/data/trial/P{k:05}", f"P{k:05}", f"/data/trial/P{k:05}", arm=("drug", "placebo")[k % 2])
        for k in range(patients)
    ]
    options = Options(("MCP2",), str(visits), wide_mm=seconds, made_with="sleep")
    taken = {}
    with open_store(Path(folder) / "trial.db") as store:
        wall, own = time.perf_counter(), time.process_time()
        found = run(sources, store, options, sleep, workers=workers)
        taken |= {"wall_s": time.perf_counter() - wall, "client_cpu_s": time.process_time() - own}
        wall = time.perf_counter()
        with OutputFolder(Path(folder) / "out") as output:
            write_cohort(output, store, found, "trial.db", {"software": "napari-jsn 1"}, False)
        taken["files_s"] = time.perf_counter() - wall
        taken |= {"measured": found.measured_now, "counts": store.counts()}
    sizes = {path.name: path.stat().st_size / 1e6 for path in (Path(folder) / "out").iterdir() if path.is_file()}
    taken |= {"store_mb": (Path(folder) / "trial.db").stat().st_size / 1e6, "files_mb": sizes}
    return taken | {"client_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    number, of_visits, of_workers, pause, place = sys.argv[1:]
    result = cohort(int(number), int(of_visits), int(of_workers), float(pause), place)
    print(json.dumps(result), flush=True)
