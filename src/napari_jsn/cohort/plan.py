"""What a cohort would do, before anything is measured: which patients are new or done, and which are wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_jsn.cohort.sources import Source, list_sources, patient_by_headers
from napari_jsn.cohort.task import Options, are_unchanged, computer_code, content_of, files_of, made_with
from napari_jsn.common.errors import InputError, renamed_arguments
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.patient.identity import ANONYMOUS
from napari_jsn.store import check_place, open_store
from napari_jsn.store.cohorts import CohortPatient, have_same_radiograph
from napari_jsn.store.encoding import from_json

#: Devices of workers; a worker that uses CUDA has one GPU.
DEVICES = ("auto", "cpu", "cuda")
#: States of :class:`PlannedPatient`, as a list of patients counts them.
STATES = ("new", "changed", "failed before", "done", "wrong")


@dataclass(frozen=True)
class PlannedPatient:
    """What would be done with one patient.

    Attributes
    ----------
    source : Source
    state : str
        ``"new"``; ``"done"``: measured before, and would not be measured again; ``"changed"``: would be measured again;
        ``"failed before"``: would be tried again; ``"wrong"``: cannot be measured.
    radiographs, visits : int
        Numbers by the headers; 0 where they are not known.
    sentence : str
        What is wrong, or notes.
    """

    source: Source
    state: str
    radiographs: int = 0
    visits: int = 0
    sentence: str = ""


def options_of(
    joints: Sequence[str],
    method: str,
    localization: str,
    segmentation: str,
    device: str,
    wide_mm: float,
    keep_identity: bool,
    score: str | None,
    scheduler: str | None = None,
) -> Options:
    """Return the options of a cohort; see :func:`napari_jsn.measure_cohort`.

    Whether there is a GPU is checked for local workers only; those of a scheduler may be on other computers.

    Raises
    ------
    InputError
        If one of them is wrong.
    """
    from napari_jsn.progression.measure import check_measuring
    from napari_jsn.scoring.automatic.score import load_grader

    if device not in DEVICES:
        raise InputError(f"There is no device {device!r} for workers. Choose one of: {', '.join(DEVICES)}.", "device")
    here = device if scheduler is None else "cpu"
    names = check_measuring(joints, method, localization, segmentation, here, wide_mm)
    if score is not None:
        with renamed_arguments(method="score"):
            load_grader(score, None, "cpu")
    options = Options(
        names, method, localization, segmentation, device, wide_mm, keep_identity, score=score or "",
        computer=computer_code(),
    )  # fmt: skip
    return replace(options, made_with=made_with(options))


def is_done(source: Source, known: CohortPatient | None, options: Options) -> bool:
    """Return whether a patient was measured before from files that have not been touched since, in the same way."""
    return (
        known is not None
        and known.state == "measured"
        and (known.arm, known.age, known.sex) == (source.arm, source.age, source.sex)
        and known.content == content_of(source, from_json(known.files), options.made_with)
        and are_unchanged(source, known)
    )


def plan_cohort(
    source: str | os.PathLike[str],
    store: str | os.PathLike[str] | None,
    options: Options,
    pseudonyms: bool = False,
    progress: Progress | None = None,
) -> list[PlannedPatient]:
    """Return what would be done with each patient; headers are read, but no pixels, and nothing is written.

    Parameters
    ----------
    source, pseudonyms
        See :func:`napari_jsn.measure_cohort`.
    store : path or URL, optional
        Patients that it has are not new; it need not exist.
    options : Options
    progress : Progress, optional
        When aborted, patients that were not reached are left out.

    Raises
    ------
    InputError
        If the source holds no patient, or the store cannot be opened.
    """
    progress = progress or Silent()
    sources = list_sources(source, pseudonyms)
    before = _before(store)
    names = {each.key: each.name for each in sources}
    elsewhere = {key: each for key, each in before.items() if each.state == "measured" and key not in names}
    owners = {each.patient: key for key, each in elsewhere.items()}
    numbers: dict[str, str] = {}
    planned = []
    for count, each in enumerate(sources):
        if progress.aborted:
            break
        progress.update(count, len(sources), f"{count} of {len(sources)} patients")
        try:
            patient = patient_by_headers(each)
            name = each.patient or patient.patient_id
            first = owners.setdefault(each.label if name == ANONYMOUS else name, each.key)
            if first != each.key and not (first in elsewhere and _was_moved(each, elsewhere[first])):
                raise InputError(
                    f"This is the same patient as {names.get(first, first)}. Put the radiographs of the patient "
                    "together, give another pseudonym, or use another store."
                )
            notes = [*each.notes, *map(str, patient.notes)]
            number = patient.identity.number
            if number and (other := numbers.setdefault(number, each.name)) != each.name:
                notes.append(f"The files state the same Patient ID as those of {other}.")
            known = before.get(each.key) or elsewhere.get(first)
            state = "new" if known is None else "failed before" if known.state != "measured" else "changed"
            state = "done" if is_done(each, known, options) else state
            count_of = sum(len(visit.hands) for visit in patient.visits)
            planned.append(PlannedPatient(each, state, count_of, len(patient.visits), " ".join(notes)))
        except InputError as error:
            planned.append(PlannedPatient(each, "wrong", sentence=str(error)))
    return planned


def _was_moved(source: Source, known: CohortPatient) -> bool:
    """Return whether a patient of another folder or table has a radiograph of this one."""
    return have_same_radiograph(json.dumps(files_of(source)), known.files)


def _before(store: str | os.PathLike[str] | None) -> dict[str, CohortPatient]:
    if store is None:
        return {}
    check_place(store)
    try:
        opened = open_store(store, create=False)
    except InputError:  # a new store, which the measurement would make
        return {}
    with opened:
        return opened.cohort()
