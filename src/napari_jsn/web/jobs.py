"""Long work, one at a time, whose progress a page shows and which it can abort."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Aborted

#: At most this many wait or run at once; ended ones are kept until others take their place.
_MOST, _KEPT = 5, 50
_LOG = logging.getLogger(__name__)


@dataclass
class Job:
    """One piece of work; it is the :class:`~napari_jsn.common.progress.Progress` of what it calls.

    Attributes
    ----------
    code : str
    state : {"waiting", "running", "done", "failed", "aborted"}
    share : float
        How much is done, from 0 to 1.
    message : str
        What is being done, or why it has failed.
    patient : str
        The patient that was made.
    questions : list of dict
        Facts of the files that must be asked, as JSON; see :class:`Asks`.
    label : str
        Name of the text of the page that says the same as ``message``, in the language of the page.
    """

    code: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "waiting"
    share: float = 0.0
    message: str = "Waiting"
    patient: str = ""
    aborted: bool = False
    questions: list[dict[str, object]] = field(default_factory=list)
    label: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in ("done", "failed", "aborted")

    def update(self, done: int, total: int, message: str = "") -> None:
        """Take note of how much is done."""
        self.share, self.message = done / total if total else 0.0, message

    def as_json(self) -> dict[str, object]:
        """Return what the page shows."""
        return {
            "code": self.code, "state": self.state, "share": round(self.share, 3), "message": self.message,
            "patient": self.patient, "questions": self.questions, "label": self.label,
        }  # fmt: skip


class Asks(InputError):
    """What was sent lacks facts that only a person knows.

    Parameters
    ----------
    sentence : str
    questions : list of dict
        One for each file: its name and what is known.
    label : str
        Name of the text of the page that says the same as the sentence; ``""`` if there is none.
    """

    def __init__(self, sentence: str, questions: list[dict[str, object]], label: str = "") -> None:
        super().__init__(sentence, "facts")
        self.questions, self.label = questions, label


class Jobs:
    """All jobs of a server, which run one after the other in a thread."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "job")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(self, work: Callable[[Job], str]) -> Job:
        """Run work, which returns the patient that it made; return its job at once.

        Raises
        ------
        InputError
            If too many are waiting.
        """
        with self._lock:
            if sum(not job.ended for job in self._jobs.values()) >= _MOST:
                raise InputError(f"{_MOST} patients are being measured already. Wait until one has ended.", "files")
            for code in [code for code, job in self._jobs.items() if job.ended][:-_KEPT]:
                del self._jobs[code]
            job = Job()
            self._jobs[job.code] = job
        self._worker.submit(self._run, job, work)
        return job

    def find(self, code: str) -> Job:
        """Return a job.

        Raises
        ------
        InputError
            If there is none of this code.
        """
        job = self._jobs.get(code)
        if job is None:
            raise InputError("There is no such measurement any more. Load the page again.", "code")
        return job

    def close(self) -> None:
        """Abort all jobs, and wait for the one that runs."""
        for job in self._jobs.values():
            job.aborted = True
        self._worker.shutdown(cancel_futures=True)

    @staticmethod
    def _run(job: Job, work: Callable[[Job], str]) -> None:
        job.state = "running"
        try:
            job.patient = work(job)
            job.share, job.message, job.state = 1.0, "", "done"
        except Aborted:
            job.message, job.state = "", "aborted"
        except InputError as error:
            if isinstance(error, Asks):
                job.questions, job.label = error.questions, error.label
            job.message, job.state = str(error), "failed"
        except Exception as error:  # the page shows a sentence; the log has the traceback
            _LOG.debug("A job failed.", exc_info=True)
            job.message = f"Unexpected error, please report it: {type(error).__name__}: {error}"
            job.state = "failed"
