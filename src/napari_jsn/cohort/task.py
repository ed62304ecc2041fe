"""What a worker does: measure one patient, and return the rows of the store; it writes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn import __version__
from napari_jsn.cohort.sources import Source, check_visits, storable
from napari_jsn.common.device import device_name
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted, written_notes
from napari_jsn.common.progress import Silent
from napari_jsn.common.run_record import file_sha256
from napari_jsn.common.search_folder import search_folder
from napari_jsn.common.secret_key import keyed_code
from napari_jsn.networks.weights import model_identity
from napari_jsn.patient.find_hands import find_hands
from napari_jsn.patient.identity import ANONYMOUS
from napari_jsn.progression.measure import measure, measuring_models
from napari_jsn.scoring.automatic.score import METHODS
from napari_jsn.store.changes import now_utc
from napari_jsn.store.cohorts import CohortPatient, MeasuredPatient
from napari_jsn.store.measurements import identity_code
from napari_jsn.store.progression_rows import rows_of

if TYPE_CHECKING:
    import pandas as pd

    from napari_jsn.patient.patient import Patient

#: Names of files and folders that sentences have as ordinary words or numbers; they identify nobody.
_ORDINARY = re.compile(r"\d{1,3}|left|right|both|hands?|visits?|baseline|files?|folder|image|a", re.IGNORECASE)
#: Path, size, time of change in ns and SHA-256 of a file.
FileFacts = tuple[str, int, int, str]


@dataclass(frozen=True)
class Options:
    """How every patient of a cohort is measured.

    ``made_with`` is what :func:`made_with` returned for the client; ``identity_key`` is that of the store, and
    ``computer`` a code of the secret key of the client, which makes pseudonyms.
    """

    joints: tuple[str, ...]
    method: str = "refined"
    localization: str = "default"
    segmentation: str = "default"
    device: str = "auto"
    wide_mm: float = 0.15
    keep_identity: bool = False
    reader: str = ""
    score: str = ""
    identity_key: str = ""
    computer: str = ""
    made_with: str = ""


@dataclass(frozen=True)
class Outcome(MeasuredPatient):
    """What became of one patient: what the store keeps, and more that the program that started the cohort needs.

    ``unchanged`` means that the patient was measured before from the same content, and was not measured again.
    ``detail`` says why a patient failed with the names of folders and files, which results do not have.
    """

    unchanged: bool = False
    detail: str = ""


def made_with(options: Options) -> str:
    """Return models with their hashes, options and software on which figures depend, as JSON."""
    facts = {
        "software": __version__,
        "localization": model_identity("localization", options.localization),
        **measuring_models(options.segmentation, options.method),
        **({"scoring": model_identity("scoring", METHODS[options.score])} if options.score else {}),
        "joints": options.joints, "wide_mm": options.wide_mm, "score": options.score,
        "keep_identity": options.keep_identity,
    }  # fmt: skip
    return json.dumps(facts, sort_keys=True)


def computer_code() -> str:
    """Return a code of the secret key of this computer; ``""`` if there is none."""
    try:
        return keyed_code("cohort")[:8]
    except OSError:
        return ""


def measure_source(source: Source, options: Options, known: CohortPatient | None = None) -> Outcome:
    """Measure one patient.

    Parameters
    ----------
    source : Source
    options : Options
    known : CohortPatient, optional
        What an earlier run measured; where the content is still the same, nothing is measured again.

    Returns
    -------
    Outcome
        Also of a patient that cannot be measured: this function raises no error.
    """
    started = time.perf_counter()
    base = CohortPatient(source.key, source.label, "failed", arm=source.arm, age=source.age, sex=source.sex)
    files: list[FileFacts] = []
    try:
        _check_worker(source, options)
        files = files_of(source)
        content = content_of(source, files, options.made_with)
        base = replace(base, files=json.dumps(files), content=content)
        if known is not None and known.state == "measured" and known.content == content:
            again = replace(known, files=base.files, arm=base.arm, age=base.age, sex=base.sex, log="")
            return Outcome(again, unchanged=True)
        return _measured(source, options, base, started)
    except InputError as error:
        sentence, log = str(error), f"{error}\n"
    except MemoryError:
        sentence, log = "There is not enough memory to measure this patient. Use fewer workers.", traceback.format_exc()
    except Exception as error:  # one patient must not stop the others
        sentence, log = " ".join(f"Unexpected error: {type(error).__name__}: {error}".split()), traceback.format_exc()
    seconds, detail = time.perf_counter() - started, storable(sentence)
    if not options.keep_identity:
        sentence, log = (without_names(text, source) for text in (sentence, log))
    failed = replace(base, sentence=storable(sentence), log=storable(log), content="", seconds=seconds)
    return Outcome(failed, detail=detail)


def without_names(text: str, source: Source) -> str:
    """Return a text in which folder and files of a patient are not named.

    Examples
    --------
    >>> from napari_jsn.cohort.sources import Source
    >>> without_names("/data/Doe/a.dcm is damaged.", Source("Doe", "/data/Doe", visits=(("/data/Doe/a.dcm",),)))
    'A file is damaged.'
    """
    paths = [path for visit in source.visits for path in visit]
    for folder, folders, files in os.walk(source.folder) if source.folder else ():
        paths += [os.path.join(folder, name) for name in (*folders, *files)]
    inside = [os.path.relpath(path, source.folder) for path in paths] if source.folder else []
    files_named = {*paths, *inside, *map(os.path.basename, paths), *source.named}
    folders_named = {source.folder, source.name} if source.folder and not source.patient else {source.folder}
    words = dict.fromkeys(folders_named, "the folder") | dict.fromkeys(files_named, "a file")
    for name in sorted(words, key=len, reverse=True):
        if name and not _ORDINARY.fullmatch(name):
            text = re.sub(rf"(?<![\w]){re.escape(name)}(?![\w])", words[name], text)
    return text[:1].upper() + text[1:]


def files_of(source: Source) -> list[FileFacts]:
    """Return the files that a measurement of this patient may read, with their hashes.

    Raises
    ------
    InputError
        If a file or folder cannot be read.
    """
    if source.folder:
        paths = sorted(search_folder(Path(source.folder)).files)
    else:
        paths = [Path(path) for visit in source.visits for path in visit]
    found = []
    for path in paths:
        try:
            stat = path.stat()
            found.append((storable(str(path)), stat.st_size, stat.st_mtime_ns, file_sha256(path)))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return found


def are_unchanged(source: Source, known: CohortPatient) -> bool:
    """Return whether the files of a patient are those of an earlier run by name, size and time; none is read."""
    files: list[Sequence[Any]] = json.loads(known.files)
    try:
        if source.folder:
            now = sorted(storable(str(path)) for path in search_folder(Path(source.folder)).files)
        else:
            now = [storable(path) for visit in source.visits for path in visit]
        stats = [os.stat(path) for path, *_ in files]
    except (InputError, OSError, ValueError):
        return False
    same = [(stat.st_size, stat.st_mtime_ns) == (size, when) for stat, (_, size, when, _) in zip(stats, files)]
    return bool(files) and now == [path for path, *_ in files] and all(same)


def content_of(source: Source, files: Sequence[Sequence[Any]], made: str) -> str:
    """Return the hash of everything that the measurement of a patient depends on."""
    if source.folder:
        named = [[os.path.relpath(path, storable(source.folder)), digest] for path, _, _, digest in files]
    else:
        visits = [len(visit) for visit in source.visits]
        facts = [{name: str(value) for name, value in asdict(source.stated[path]).items()} for path in source.stated]
        named = [visits, facts, [digest for *_, digest in files]]
    stated = json.dumps([source.patient, named, made], sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()


def _check_worker(source: Source, options: Options) -> None:
    """Refuse a worker whose program or key differs from that of the client; otherwise figures or names would differ."""
    import torch

    torch.set_num_threads(1)
    if made_with(options) != options.made_with:
        raise InputError(
            "The worker has another version of napari-jsn or other models than the program that started the cohort. "
            "Install the same on all computers."
        )
    if not source.patient and computer_code() != options.computer:
        raise InputError(
            "The worker makes other pseudonyms than the program that started the cohort. Let the environment variable "
            "NAPARI_JSN_KEY name one file for all, or state pseudonyms (--pseudonyms, or a table)."
        )


def _read(source: Source, options: Options) -> Patient:
    from napari_jsn.patient.read import patient_from_radiographs, read_patient

    if source.faults:
        raise InputError(" ".join(source.faults))
    name = source.patient or None
    if source.folder:
        patient = read_patient(Path(source.folder), split=False, patient_id=name, keep_identity=options.keep_identity)
        if patient.patient_id == ANONYMOUS and not name:
            patient = replace(patient, patient_id=source.substitute())
        return patient
    visits = [list(visit) for visit in source.visits]
    return patient_from_radiographs(*visits, split=False, patient_id=name, stated=source.stated)


def _measured(source: Source, options: Options, base: CohortPatient, started: float) -> Outcome:
    patient = _read(source, options)
    check_visits(patient)
    base = replace(base, patient=patient.patient_id)
    if options.score:  # the hands are found once, for measuring and scoring
        patient = find_hands(patient, None, options.localization, device_name(options.device), Silent())
    found = measure(
        patient, joints=options.joints, method=options.method, localization=options.localization,
        segmentation=options.segmentation, device=options.device, wide_mm=options.wide_mm,
    )  # fmt: skip
    rows = rows_of(found, options.reader, now_utc())
    identity = identity_code(options.identity_key, [hand.radiograph.path for hand in found.hands])
    scores = _scores(patient, options) if options.score else None
    notes = [*source.notes, *written_notes(found.notes, options.keep_identity)]
    seconds = time.perf_counter() - started
    failed = sum(not row.reliable for row in found.narrowings)
    lines = [
        f"patient {found.patient_id}",
        f"{len(patient.visits)} visits, {counted(len(found.hands), 'radiograph')} of one hand, "
        f"{counted(len(found.narrowings), 'figure')}, {failed} failed, {seconds:.1f} s",
        *notes,
        *(f"{row.side} {row.joint} visit {row.visit}: {row.reason}" for row in found.narrowings if not row.reliable),
    ]
    measured = replace(
        base, state="measured", sentence=storable(" ".join(notes)), joints=len(found.narrowings), seconds=seconds,
        log=storable("\n".join(lines) + "\n"),
    )  # fmt: skip
    return Outcome(measured, rows, identity, scores)


def _scores(patient: Patient, options: Options) -> pd.DataFrame:
    from napari_jsn.scoring.automatic.score import score

    return score(patient, options.score, localization=options.localization, device=options.device).table()
