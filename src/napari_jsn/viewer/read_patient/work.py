"""Run one job at a time in a thread, and call a function of the dock with its result."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.forms.worker import WorkerProgress, start_worker

log: logging.Logger = logging.getLogger(__name__)

#: Work, called in the thread with its progress.
Work = Callable[[WorkerProgress], Any]


class Jobs(QObject):
    """Jobs of the dock, one after the other; ``changed`` is emitted when one begins or ends.

    ``progressed`` carries done, total and message; ``failed`` a sentence and the argument that it is about, or "";
    ``nothing`` is emitted when a job was aborted before it had a result.
    """

    changed: Signal = Signal()
    progressed: Signal = Signal(int, int, str)
    failed: Signal = Signal(str, str)
    nothing: Signal = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._now: WorkerProgress | None = None
        self.what: str = ""

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self._now is not None

    def wants(self, progress: WorkerProgress) -> bool:
        """Return whether the result of a job is still wanted: not after :meth:`drop`."""
        return progress is self._now

    def start(
        self,
        what: str,
        work: Work,
        show: Callable[[Any], None],
        modules: tuple[str, ...] = (),
        intermediate: Callable[[Any], None] | None = None,
    ) -> bool:
        """Start a job unless one is running.

        ``show`` and ``intermediate`` are called in the window's thread with the result, and with what the work sends
        before it ends.
        """
        if self._now is not None:
            return False
        self.what = what
        progress = self._now = WorkerProgress()
        progress.updated.connect(self.progressed)
        if intermediate is not None:
            progress.intermediate.connect(lambda what: intermediate(what) if self.wants(progress) else None)
        jobs = weakref.ref(self)
        start_worker(work, progress, modules, partial(_finish, jobs, progress, show))
        self.changed.emit()
        return True

    def abort(self) -> None:
        """Ask the job to stop; what it has done until then is still shown."""
        if self._now is not None:
            self._now.abort()

    def drop(self) -> None:
        """Ask the job to stop, and ignore what it returns."""
        if self._now is not None:
            self._now.abort()
            self._now = None
            if isalive(self):
                self.changed.emit()

    def _end(self, progress: WorkerProgress, show: Callable[[Any], None], result: Any, error: Exception | None) -> None:
        if progress is not self._now:
            return
        self._now = None
        self.changed.emit()
        if error is None and result is not None:
            try:
                show(result)
            except Exception as problem:  # any error is shown in the window
                error = problem
        if error is not None:
            self._fail(error)
        elif result is None:
            self.nothing.emit()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, InputError):
            self.failed.emit(str(error), error.argument or "")
            return
        log.error("%s failed", self.what or "The work", exc_info=error)
        what = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
        self.failed.emit(f"{self.what or 'The work'} failed: {what}. The log of napari_jsn has the details.", "")


def _finish(
    jobs: Callable[[], Jobs | None],
    progress: WorkerProgress,
    show: Callable[[Any], None],
    result: Any = None,
    error: Exception | None = None,
) -> None:
    found = jobs()
    if found is not None and isalive(found):
        found._end(progress, show, result, error)
