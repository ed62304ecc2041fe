"""Start local workers, or connect to a scheduler of Dask."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

#: Memory that a worker needs for a patient of a few visits; of large or many radiographs it needs more.
WORKER_GB = 1.5
#: Times that a patient is tried again on another worker, after the worker that measured it died.
RETRIES = 1
#: Seconds after which a scheduler that does not answer counts as absent; one of the same job may start meanwhile.
CONNECT_S = 30
_CONFIG = {
    "distributed.scheduler.allowed-failures": RETRIES,
    "distributed.scheduler.worker-saturation": 1.0,  # one patient a worker: the death of a worker concerns one patient
    "distributed.worker.memory.target": False,  # results are small: there is nothing to write to the disk
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.admin.log-length": 0,
    "distributed.comm.timeouts.connect": "30s",
    "distributed.comm.timeouts.tcp": "10 minutes",  # on a computer that is busy, answers can take long
    "distributed.scheduler.worker-ttl": "30 minutes",  # a worker whose process ends is found by its closed connection
}


def default_workers() -> int:
    """Return how many workers this computer has cores and memory for."""
    from distributed.system import MEMORY_LIMIT

    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return max(1, min(cores, int(MEMORY_LIMIT / (WORKER_GB * 2**30))))


def check_dask() -> None:
    """Raise an error if Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(
            "A cohort is measured on Dask, which is not installed. Install it with: pip install 'napari-jsn[cohort]'"
        ) from error


@contextmanager
def connected(scheduler: str | None = None, workers: int | None = None, device: str = "auto") -> Iterator[Client]:
    """Open a client of the scheduler at an address, or of local workers of one thread each, which end with the block.

    Parameters
    ----------
    scheduler : str, optional
        Address such as ``tcp://10.0.0.1:8786``.
    workers : int, optional
        Number of local workers; by default as cores and memory allow, and on CUDA one for each GPU.
    device : str
        Each local worker has a GPU of its own, unless it is ``"cpu"``.

    Raises
    ------
    InputError
        If Dask is not installed, a number is wrong, or there is no scheduler at the address.
    """
    check_dask()
    import dask
    from distributed import Client

    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError(f"The number of workers is {workers!r}. Give a whole number from 1.", "workers")
    if scheduler is not None and workers is not None:
        raise InputError("Workers of a scheduler are started beside it. Leave their number out.", "workers")
    logger, level = logging.getLogger("distributed"), logging.getLogger("distributed").level
    logger.setLevel(logging.CRITICAL + 1)  # workers that die are named by this program
    try:
        with dask.config.set(_CONFIG):
            if scheduler is not None:
                with _client_of(Client, scheduler) as client:
                    yield client
                return
            cluster = local_workers(workers, device)
            with cluster, Client(cluster, set_as_default=False) as client:
                yield client
    finally:
        logger.setLevel(level)


def _client_of(kind: Any, address: str) -> Any:
    try:
        return kind(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError, TypeError) as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"There is no scheduler of Dask at {address} ({cause}). Start one with `dask scheduler` and give its "
            "address, such as tcp://10.0.0.1:8786.",
            "scheduler",
        ) from error


def local_workers(workers: int | None, device: str) -> Any:
    """Return a cluster of local workers, each a process of one thread that is started again if it dies."""
    from distributed import Nanny, Scheduler, SpecCluster
    from distributed.system import MEMORY_LIMIT

    gpus = [] if device == "cpu" else _gpus()
    count = workers or len(gpus) or default_workers()
    options: dict[str, Any] = {
        "nthreads": 1,
        "memory_limit": int(0.9 * MEMORY_LIMIT / count),
        "host": "127.0.0.1",
        "dashboard": False,
        "silence_logs": logging.CRITICAL,
    }
    specification = {}
    for k in range(count):
        environment = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[k % len(gpus)]
        specification[k] = {"cls": Nanny, "options": {**options, "env": environment}}
    address = {"host": "127.0.0.1", "port": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    scheduler = {"cls": Scheduler, "options": address}
    return SpecCluster(specification, scheduler, silence_logs=logging.CRITICAL)


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    count = torch.cuda.device_count()
    named = [each.strip() for each in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each.strip()]
    return (named or [str(k) for k in range(count)])[:count]  # CUDA ignores the names from the first wrong one on
