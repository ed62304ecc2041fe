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
from napari_jsn.progression.progression import Progression
from napari_jsn.reading import Item, load_models, measure_patient, open_patient, score_measured
from napari_jsn.store import Store, open_store
from napari_jsn.web.jobs import Job, Jobs
from napari_jsn.web.uploads import Upload, UploadFolder

if TYPE_CHECKING:
    from napari_jsn.scoring.automatic.result import Scores

#: Patients that are kept open, each for one reader.
_MOST_OPEN = 12
#: Seconds from the first page until libraries and networks are loaded, and the most that this takes.
_LOAD_AFTER_S, _LOAD_MOST_S = 1.5, 60.0
#: Pixel sizes of radiographs of hands.
_PIXEL_MM = (0.01, 2.0)
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
        self._items: OrderedDict[tuple[str, str], tuple[object, Item]] = OrderedDict()
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
    def item(self, reader: str, patient: str, fresh: bool = False) -> Iterator[Item]:
        """Give the patient as one reader reads it; no other thread uses the store meanwhile.

        Parameters
        ----------
        reader : str
        patient : str
        fresh : bool
            Take note of what other programs changed.

        Raises
        ------
        InputError
            If the store has no measurement of the patient, or the files of its radiographs are not found.
        """
        with self.lock:
            store = self.store(reader)
            key = (reader, patient)
            measured = self._measured(store, patient) if fresh or key not in self._items else self._items[key][0]
            if fresh:
                store.refresh()
            if key not in self._items or self._items[key][0] != measured:
                self._items[key] = (measured, open_patient(store, patient))
            self._items.move_to_end(key)
            while len(self._items) > _MOST_OPEN:
                self._items.popitem(last=False)
            yield self._items[key][1]

    def delete(self, patient: str, reader: str) -> None:
        """Delete a patient from the store, and the radiographs that were sent."""
        with self.lock:
            store = self.store(reader)
            store.refresh()
            store.delete_patient(patient)
            self._forget(patient)
            self.uploads.delete(patient)

    def add(self, uploads: Sequence[Upload], reader: str, patient: str = "", spacing_mm: str = "") -> Job:
        """Take over radiographs of one patient and measure them; return the job at once.

        Raises
        ------
        InputError
            If a file, the pseudonym or the pixel size is not allowed, or too much is waiting.
        """
        pseudonym = checked_pseudonym(patient) if patient.strip() else None
        spacing = _spacing(spacing_mm)
        if pseudonym is not None:
            with self.lock:
                self._refuse_known(pseudonym)
        taken = self.uploads.new(uploads)
        radiographs = taken.__enter__()

        def work(job: Job) -> str:
            with _left(taken):
                return self._measure(radiographs, pseudonym, spacing, reader, job)

        try:
            return self.jobs.start(work)
        except InputError as error:
            with _left(taken):
                raise error

    def _measure(self, radiographs: Path, pseudonym: str | None, spacing: float | None, reader: str, job: Job) -> str:
        from napari_jsn.patient.read import patient_from_radiographs, read_patient

        job.update(0, 0, "Reading the radiographs")
        files = [path for path in radiographs.rglob("*") if path.is_file()]
        with _without_folder(radiographs):
            if len(files) == 1:
                patient = patient_from_radiographs(files[0], split=False, patient_id=pseudonym, spacing_mm=spacing)
            else:
                patient = read_patient(radiographs, split=False, patient_id=pseudonym, spacing_mm=spacing)
            with self.lock:
                self._refuse_known(patient.patient_id)
            measured = measure_patient(patient, device=self._device, progress=job)
        if measured is None or job.aborted:
            raise Aborted
        scores = self._scored(measured, job)
        with self.lock:
            self._refuse_known(measured.patient_id)
            self.uploads.keep(radiographs, measured.patient_id)
            self.store(reader).save(measured)
            if scores is not None:
                self.store(reader).save(scores)
            self._forget(measured.patient_id)
        return measured.patient_id

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

    def model_scores(self, patient: str, progression: Progression) -> Scores | None:
        """Return the grades of the model with all that follows from them; they are computed once."""
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
                f"The store has a patient {patient} already. Give another pseudonym, or delete that patient first.",
                "patient",
            )

    def _forget(self, patient: str) -> None:
        for key in [key for key in self._items if key[1] == patient]:
            del self._items[key]

    @staticmethod
    def _measured(store: Store, patient: str) -> object:
        patients = store.patients()
        rows = patients.loc[patients["patient"] == patient, "measured"]
        return None if rows.empty else str(rows.iloc[0])


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


def _spacing(text: str) -> float | None:
    if not text.strip():
        return None
    from napari_jsn.radiograph.spacing import check_spacing

    try:
        given: object = float(text.strip().replace(",", "."))
    except ValueError:
        given = text
    checked = check_spacing(given)
    if not isinstance(checked, float) or not _PIXEL_MM[0] <= checked <= _PIXEL_MM[1]:
        raise InputError(
            f"The pixel size is {text.strip()} mm. Give that of a radiograph: {_PIXEL_MM[0]} to {_PIXEL_MM[1]} mm.",
            "spacing_mm",
        )
    return checked


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
        raise InputError(text, error.argument) from error
