"""A task that kills its worker; it imports little, because each new worker imports it again."""

import os
import signal
from pathlib import Path

from napari_jsn.cohort.task import Outcome
from napari_jsn.store.cohorts import CohortPatient


def dying(source, options, known=None):
    """Kill the worker: always for one patient, and once for another one; state which GPU the worker may use."""
    mark = Path(source.folder) / "died"
    if source.name == "P1" or (source.name == "P2" and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(CohortPatient(source.key, source.patient, "measured", os.environ["CUDA_VISIBLE_DEVICES"]))
