"""Run work in a thread: progress comes back as signals, and abort is a flag that the work checks."""

from __future__ import annotations

import atexit
import ctypes
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from threading import Event, get_ident
from typing import Any

from napari.qt.threading import thread_worker
from qtpy.QtCore import QObject, QThreadPool, QTimer, Signal

from napari_jsn.viewer.forms.process_settings import COLLECTION, SWITCHES, THREADS

log: logging.Logger = logging.getLogger(__name__)

#: Time from the end of a run until memory is returned: the arrays of the run are freed then.
_FREED_MS = 500
#: Work that has not ended, and the longest wait for it at the end of the process, in ms.
_running: set[WorkerProgress] = set()
_LAST_WAIT_MS = 20_000


class WorkerProgress(QObject):
    """A :class:`napari_jsn.common.progress.Progress` that sends its updates to the window's thread as signals."""

    updated: Signal = Signal(int, int, str)
    #: Emitted by the work with intermediate results, for instance after each epoch of a training.
    intermediate: Signal = Signal(object)
    #: Emitted with each warning of the package, a sentence.
    warned: Signal = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._stop = Event()
        self.worker: Any = None

    def update(self, done: int, total: int, message: str = "") -> None:
        """Emit the progress, unless the work was aborted. Called in the worker."""
        if not self.aborted:
            self.updated.emit(done, total, message)

    def abort(self) -> None:
        """Ask the work to stop."""
        self._stop.set()

    @property
    def aborted(self) -> bool:
        """True after Abort, and when napari itself asks its workers to quit."""
        return self._stop.is_set() or (self.worker is not None and self.worker.abort_requested)


def do_work(
    job: list[Callable[[WorkerProgress], Any]], progress: WorkerProgress, modules: tuple[str, ...] = ()
) -> tuple[Any, Exception | None]:
    """Import the modules, then do the work; return its result, or the error that stopped it.

    The work is taken out of the list ``job``, so that who called this keeps nothing of it.
    """
    work = job.pop()
    progress.update(0, 0, "Loading")
    with warnings.catch_warnings(), _warnings_to(progress), SWITCHES.changed():
        warnings.simplefilter("ignore")  # warnings of libraries are not meant for the user
        try:
            with COLLECTION.changed():
                for module in modules:  # one slow package at a time, so that the window can repaint between them
                    import_module(module)
            with THREADS.changed() if "torch" in sys.modules else nullcontext():
                return (None if progress.aborted else work(progress)), None
        except Exception as error:  # any error is shown in the window, which stays usable
            log.debug("work failed", exc_info=True)
            return None, error


def start_worker(
    work: Callable[[WorkerProgress], Any],
    progress: WorkerProgress,
    modules: tuple[str, ...],
    on_finish: Callable[[Any, Exception | None], None],
) -> None:
    """Do the work in a thread; then call ``on_finish`` in this thread with the result or the error, or with neither.

    napari keeps every worker as long as the process runs, and with it the window that was current when the worker
    started. Therefore the worker lets go of the work when it is done, and its signals of all that they are connected
    with.
    """
    worker = progress.worker = _run_in_worker([(work, progress, modules)])
    _running.add(progress)

    def finish() -> None:
        on_finish(None, None)
        QTimer.singleShot(0, release)  # not while the worker emits

    def release() -> None:
        progress.worker = None
        _running.discard(progress)
        for signal in (worker.started, worker.returned, worker.errored, worker.warned, worker.finished):
            with suppress(TypeError, RuntimeError):  # connected with nothing
                signal.disconnect()
        return_memory_soon()

    worker.returned.connect(lambda returned: on_finish(*returned))
    worker.finished.connect(finish)
    pool = QThreadPool.globalInstance()
    if pool is not None:
        pool.start(worker)  # at once: worker.start() starts it by a timer, before which the window draws


def return_memory_soon() -> None:
    """Return freed memory to the system after some time, when the window has let go of what it showed before."""
    QTimer.singleShot(_FREED_MS, return_freed_memory)


def return_freed_memory() -> None:
    """Return memory that was freed to the system.

    The C library glibc keeps up to some hundred MB of it after a run, in pieces between those that are in use. Other C
    libraries have no such function, and nothing is done.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


@atexit.register
def _end_all() -> None:
    """Stop all work before Qt goes, because a thread that emits then ends the process with an error."""
    pool = QThreadPool.globalInstance()
    if _running and pool is not None:
        for progress in list(_running):
            progress.abort()
        pool.waitForDone(_LAST_WAIT_MS)


def _do_boxed(box: list[Any]) -> tuple[Any, Exception | None]:
    work, progress, modules = box.pop()
    job = [work]
    del work
    return do_work(job, progress, modules)


_run_in_worker: Callable[..., Any] = thread_worker(_do_boxed, ignore_errors=True)


class _ToProgress(logging.Handler):
    """Sends the warnings that the package logs in one thread to the window."""

    def __init__(self, progress: WorkerProgress) -> None:
        super().__init__(logging.WARNING)
        self._progress, self._thread = progress, get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a warning; errors are shown where they end the work."""
        if record.levelno == logging.WARNING and record.thread == self._thread:
            self._progress.warned.emit(record.getMessage())


@contextmanager
def _warnings_to(progress: WorkerProgress) -> Iterator[None]:
    handler, logger = _ToProgress(progress), logging.getLogger("napari_jsn")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
