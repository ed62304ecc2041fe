"""Work off the window's thread: progress comes back by signal, abort goes in by event."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from importlib import import_module
from threading import Event
from typing import Any

from napari.qt.threading import thread_worker
from qtpy.QtCore import QObject, Signal

log = logging.getLogger(__name__)


class WorkerProgress(QObject):
    """A :class:`napari_jsn.common.progress.Progress` whose news reach the window's thread as signals."""

    updated = Signal(int, int, str)
    #: Whatever else the work tells on its way.
    news = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._stop = Event()
        self.worker: Any = None

    def update(self, done: int, total: int, message: str = "") -> None:
        """Called in the worker; once aborted, nobody listens any more."""
        if not self.aborted:
            self.updated.emit(done, total, message)

    def abort(self) -> None:
        """Ask the work to stop."""
        self._stop.set()

    @property
    def aborted(self) -> bool:
        """True after Abort, and when napari itself asks its workers to quit."""
        return self._stop.is_set() or (self.worker is not None and self.worker.abort_requested)


@thread_worker(ignore_errors=True)
def in_worker(
    work: Callable[[WorkerProgress], Any], progress: WorkerProgress, modules: tuple[str, ...] = ()
) -> tuple[Any, Exception | None]:
    """Import the modules, then work in a thread; the answer is a result or the error that kept it from one."""
    progress.update(0, 0, "Loading")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a library's warning is not news for the user
        try:
            for module in modules:  # one heavy package at a time keeps the window moving
                import_module(module)
            return (None if progress.aborted else work(progress)), None
        except Exception as error:  # whatever it is, the window must tell and live on
            log.debug("work failed", exc_info=True)
            return None, error
