"""``Workplace``: the store of a server, the patients that are open in it, and the radiographs that were sent."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Aborted
from napari_jsn.patient.patient import Patient
from napari_jsn.patient.stated_facts import checked_facts, pixel_size
from napari_jsn.progression.progression import Progression
from napari_jsn.reading import (
    Item,
    Reading,
    load_models,
    measure_patient,
    measure_with_further,
    open_patient,
    score_measured,
)
from napari_jsn.store import Store, open_store
from napari_jsn.web.jobs import Asks, Job, Jobs
from napari_jsn.web.received import Received, Sent
from napari_jsn.web.uploads import UploadFolder, checked_names
from napari_jsn.web.views import SCHEME

if TYPE_CHECKING:
    import pandas as pd

    from napari_jsn.scoring import Scheme
    from napari_jsn.scoring.automatic.result import Scores

#: Patients that are kept open, each for one reader.
_MOST_OPEN = 12
#: Seconds from the first page until libraries and networks are loaded, and the most that this takes.
_LOAD_AFTER_S, _LOAD_MOST_S = 1.5, 60.0
_PSEUDONYM = re.compile(r"[^\W_][\w .-]{0,63}")
_READER = re.compile(r"[^\W_][\w .,'-]{0,63}")


class Workplace:
    """What all pages of a server share. One thread at a time uses the store.

    Parameters
    ----------
    place : str, optional
        SQLite file or URL of a database; by default a store in a private temporary folder, which is removed at the end.
    device : str
        Where to compute.
    """

    temporary: bool
    uploads: UploadFolder
    jobs: Jobs

    def __init__(self, place: str | None = None, device: str = "auto") -> None:
        self._device = device
        self.temporary = place is None
        self._folder = Path(tempfile.mkdtemp(prefix="napari-jsn-")) if place is None else None
        self._place = place or str(Path(self._folder or "") / "store.db")
        self._loading: threading.Timer | None = None
        self.ending: Callable[[], bool] = lambda: False
        self.lock, self.scoring = threading.RLock(), threading.Lock()
        self._scores: OrderedDict[str, tuple[Progression, Scores | None]] = OrderedDict()
        self._stores: dict[str, Store] = {}
        self._items: OrderedDict[tuple[str, str, str], tuple[object, Item]] = OrderedDict()
        try:
            self.store("")  # refuses a place that is none before anything else is made
            self.uploads = UploadFolder(_upload_folder(self._place, self._folder))
        except BaseException:
            self._remove()
            raise
        self.jobs = Jobs()

    def __enter__(self) -> Workplace:
        """Return the workplace itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the workplace."""
        self.close()

    @property
    def name(self) -> str:
        """What the page calls the store."""
        return "" if self.temporary else repr(self.store(""))[7:-1].removeprefix("sqlite:///")

    def close(self) -> None:
        """Abort what is measured, close the store, and remove what is temporary."""
        self.jobs.close()
        self.uploads.close()
        self._remove()
        if self._loading is not None:  # a library that is being imported while Python ends would abort the process
            self._loading.cancel()
            self._loading.join(_LOAD_MOST_S)

    def _remove(self) -> None:
        for store in self._stores.values():
            store.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def load_models(self) -> None:
        """Load libraries and networks, once and soon, so that the first measurement need not wait for them.

        A page calls it when it answers; loading begins when the browser has painted it.
        """
        with self.lock:
            if self._loading is None:
                self._loading = threading.Timer(_LOAD_AFTER_S, load_models, [self._device])
                self._loading.daemon = True
                self._loading.start()

    # ------------------------------------------------------------------------------------------------------ the store

    def store(self, reader: str) -> Store:
        """Return the store as one reader uses it."""
        with self.lock:
            if reader not in self._stores:
                self._stores[reader] = open_store(self._place, reader)
            return self._stores[reader]

    @contextmanager
    def item(self, reader: str, patient: str, fresh: bool = False, session: str = "") -> Iterator[Item]:
        """Give the patient as one reader reads it; no other thread uses the store meanwhile.

        Parameters
        ----------
        reader : str
        patient : str
            Pseudonym; in a session, the code of the item.
        fresh : bool
            Take note of what other programs changed.
        session : str
            A session of the reader.

        Raises
        ------
        InputError
            If the store has no measurement of the patient, the reader has no such session or item, or the files of its
            radiographs are not found.
        """
        with self.lock:
            store = self.store(reader)
            key = (reader, patient, session)
            now = self._measured(store, patient, session) if fresh or key not in self._items else self._items[key][0]
            if fresh:
                store.refresh()
            if key not in self._items or self._items[key][0] != now:
                opened = Reading(store, session).open(patient) if session else open_patient(store, patient)
                self._items[key] = (now, opened)
            self._items.move_to_end(key)
            while len(self._items) > _MOST_OPEN:
                self._items.popitem(last=False)
            yield self._items[key][1]

    def scheme(self, reader: str, session: str) -> str | Scheme:
        """Return the scheme of a session, or that of the table outside of sessions."""
        if not session:
            return SCHEME
        with self.lock:
            return Reading(self.store(reader), session).scheme or SCHEME

    def delete(self, patient: str, reader: str) -> None:
        """Delete a patient from the store, and the radiographs that were sent."""
        with self.lock:
            store = self.store(reader)
            store.refresh()
            store.delete_patient(patient)
            self._forget(patient)
            self.uploads.delete(patient)

    def add(self, sent: Sent, reader: str) -> Job:
        """Take over radiographs of one patient and measure them; return the job at once.

        Raises
        ------
        InputError
            If a file, the pseudonym or a fact is not allowed, or too much is waiting.
        """
        pseudonym = checked_pseudonym(sent.patient) if sent.patient.strip() else None
        spacing = pixel_size(sent.spacing_mm)
        names = checked_names([one.name for one in sent.files])
        stated = None if sent.facts is None else checked_facts(sent.facts, names)
        with self.lock:
            if sent.to and sent.to not in self.store("").visits():
                raise InputError(f"The store has no measurement of the patient {sent.to}.", "patient")
            if pseudonym is not None and not sent.to:
                self._refuse_known(pseudonym)
        taken = self.uploads.new(sent.files)
        radiographs = taken.__enter__()

        def work(job: Job) -> str:
            with _left(taken):
                return self._measure(Received(radiographs, sent.to, pseudonym, spacing, stated), reader, job)

        try:
            return self.jobs.start(work)
        except InputError as error:
            with _left(taken):
                raise error

    def _measure(self, received: Received, reader: str, job: Job) -> str:
        job.update(0, 0, "Reading the radiographs")
        with _without_folder(received.folder):
            added, numbers = received.patient()
            if received.to:
                try:
                    measured = self._with_further(received.to, added, numbers, reader, job)
                except InputError as error:
                    raise received.asks(error) from error
            else:
                with self.lock:
                    self._refuse_known(added.patient_id)
                measured = measure_patient(added, device=self._device, progress=job)
        if job.aborted:
            raise Aborted
        scores = self._scored(measured, job)
        with self.lock:
            if not received.to:
                self._refuse_known(measured.patient_id)
            self.uploads.keep(received.folder, measured.patient_id)
            store = self.store(reader)
            store.save(measured)
            if scores is not None:
                store.save(_of_new_hands(scores.table(), store, measured.patient_id))
            self._forget(measured.patient_id)
        return measured.patient_id

    def _with_further(
        self, patient: str, added: Patient, numbers: Sequence[int] | None, reader: str, job: Job
    ) -> Progression:
        with self.item(reader, patient, fresh=True) as item:
            before = self._measured(self.store(reader), patient, "")
        measured = measure_with_further(item, added, numbers, self._device, job)
        with self.lock:
            if not job.aborted and self._measured(self.store(reader), patient, "") != before:
                raise InputError(
                    "The patient was measured or deleted meanwhile. Load the page again, and add the visit again.",
                    "files",
                )
        return measured

    def score(self, patient: str, reader: str) -> Job:
        """Grade a patient of the store by the model; return the job at once."""

        def work(job: Job) -> str:
            with self.item(reader, patient, fresh=True) as item:
                progression = item.progression
            scores = self._scored(progression, job)
            with self.lock:
                if scores is not None:
                    self.store(reader).save(scores)
            return patient

        return self.jobs.start(work)

    def model_scores(self, progression: Progression) -> Scores | None:
        """Return the grades of the model with all that follows from them; they are computed once."""
        patient = progression.patient_id
        with self.scoring:
            known = self._scores.get(patient)
            if known is None or known[0] is not progression:
                known = (progression, score_measured(progression, device=self._device))
                self._keep_scores(patient, *known)
            return known[1]

    def _scored(self, progression: Progression, job: Job) -> Scores | None:
        job.update(0, 0, "Scoring")
        with self.scoring:
            scores = score_measured(progression, device=self._device, progress=job)
            if job.aborted:
                raise Aborted
            self._keep_scores(progression.patient_id, progression, scores)
        return scores

    def _keep_scores(self, patient: str, progression: Progression, scores: Scores | None) -> None:
        self._scores[patient] = (progression, scores)
        while len(self._scores) > _MOST_OPEN:
            self._scores.popitem(last=False)

    def _refuse_known(self, patient: str) -> None:
        if patient in set(self.store("").patients()["patient"]):
            raise InputError(
                f"The store has a patient {patient} already. Give another pseudonym; to add a visit, open "
                "that patient.",
                "patient",
            )

    def _forget(self, patient: str) -> None:
        for key in [key for key in self._items if key[1] == patient or key[2]]:
            del self._items[key]

    @staticmethod
    def _measured(store: Store, patient: str, session: str) -> object:
        """Return what changes when the patient, or any patient of a session, is measured; or the session is locked."""
        patients = store.patients()
        if session:
            stored = store.session(session)
            return tuple(patients["measured"].astype(str)), None if stored is None else stored.locked
        rows = patients.loc[patients["patient"] == patient, "measured"]
        return None if rows.empty else str(rows.iloc[0])


def _of_new_hands(scores: pd.DataFrame, store: Store, patient: str) -> pd.DataFrame:
    """Return the grades of the hands that the model has not graded yet: the initial values of the others stay."""
    known = store.scores(patient)
    there = {(str(row.visit), row.side, row.reader) for row in known.itertuples() if not row.session}
    rows = zip(scores["visit"].astype(str), scores["side"], scores["method"])
    return scores[[row not in there for row in rows]]


def checked_pseudonym(text: str) -> str:
    """Return a pseudonym of a patient without spaces around it.

    Raises
    ------
    InputError
        If it has characters that are not allowed.
    """
    if not _PSEUDONYM.fullmatch(text.strip()):
        raise InputError(
            "This pseudonym is not allowed. Give at most 64 letters, digits, spaces, full stops and hyphens.", "patient"
        )
    return text.strip()


def checked_reader(text: str) -> str:
    """Return the name of a reader without spaces around it.

    Raises
    ------
    InputError
        If it is empty, has characters that are not allowed, or is the name of a model.
    """
    from napari_jsn.scoring.automatic.score import METHODS

    name = text.strip()
    if not _READER.fullmatch(name) or name in METHODS:
        raise InputError("This name is not allowed. Give your name or initials: at most 64 letters.", "reader")
    return name


def _upload_folder(place: str, temporary: Path | None) -> Path:
    """Return where uploaded radiographs are held: beside the file of the store, or beside the user's data."""
    if temporary is not None:
        return temporary / "radiographs"
    if "://" not in place:
        path = Path(place).expanduser()
        return path.with_name(f"{path.name}-radiographs")
    from hashlib import sha256

    from platformdirs import user_data_path

    folder = user_data_path("napari-jsn", appauthor=False, ensure_exists=True)
    return folder / f"radiographs-{sha256(place.encode()).hexdigest()[:16]}"


@contextmanager
def _left(taken: object) -> Iterator[None]:
    """Leave a context that was entered elsewhere, with the error of the block if there is one."""
    try:
        yield
    except BaseException as error:
        taken.__exit__(type(error), error, error.__traceback__)  # type: ignore[attr-defined]
        raise
    taken.__exit__(None, None, None)  # type: ignore[attr-defined]


@contextmanager
def _without_folder(folder: Path) -> Iterator[None]:
    """Take the path of the private folder out of the messages of errors."""
    try:
        yield
    except InputError as error:
        text = str(error).replace(f"{folder}/", "").replace(str(folder), "The upload")
        if isinstance(error, Asks):
            raise Asks(text, error.questions, error.label) from error
        raise InputError(text, error.argument) from error
