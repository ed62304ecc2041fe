"""The patient that the dock has open, and the work that opens, measures and saves it. Without Qt."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.common.progress import Progress
from napari_jsn.patient.patient import Hand, Patient, Visit
from napari_jsn.progression.measure import ABORTED
from napari_jsn.progression.narrowing import JointView
from napari_jsn.progression.progression import Progression
from napari_jsn.radiograph import Radiograph
from napari_jsn.reading import (
    Item,
    Reading,
    default_store,
    measure_patient,
    measured_before,
    score_measured,
    with_kept_changes,
)
from napari_jsn.reading.radiograph_rows import ORDER_OF_NAMES, RadiographRow, radiograph_rows
from napari_jsn.registration.result import Registration
from napari_jsn.scoring.automatic.result import Scores
from napari_jsn.store import Store, open_store
from napari_jsn.viewer.layers.unwrapped import unwrapped

#: What a dock that was closed had open, by its viewer.
_left: WeakKeyDictionary[Any, Left] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Left:
    """What a dock that was closed had open, for the next dock of its viewer.

    Attributes
    ----------
    open : callable or None
        Opens it again in the flow of the next dock.
    fields : tuple of str
        What was typed: reader, patient and store.
    step : int
        Number of the step that was open.
    """

    open: Callable[[Any], None] | None
    fields: tuple[str, str, str]
    step: int


@dataclass(frozen=True, eq=False)
class Found:
    """Radiographs that were read and are not measured in this dock yet.

    Attributes
    ----------
    patient : Patient
    rows : list of RadiographRow
    folder : Path
        Beside which the readings are kept by default.
    place : str
        Of the store that they were opened from, where their readings are kept; empty where they were not.
    """

    patient: Patient
    rows: list[RadiographRow]
    folder: Path
    place: str = ""

    def with_patient(self, patient: Patient) -> Found:
        """Return the same with another patient, and its rows."""
        return replace(self, patient=patient, rows=radiograph_rows(patient))

    def named(self, patient_id: str) -> Found:
        """Return the same with another pseudonym."""
        return replace(self, patient=replace(self.patient, patient_id=patient_id))


@dataclass(frozen=True, eq=False)
class Measured:
    """Joints of a patient that is measured, by visit, side and name.

    Attributes
    ----------
    views : mapping to JointView
        Their widths are known.
    registered : mapping to Registration
        Their registrations from the baseline, of those that are registered.
    """

    views: Mapping[tuple[int, str | None, str], JointView]
    registered: Mapping[tuple[int, str | None, str], Registration] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class OpenPatient:
    """A patient of a store that is read.

    Attributes
    ----------
    store : Store
    reading : Reading
    item : Item
    title : str
        What stands in the corner of the canvas: the pseudonym, or the code of a blinded session.
    saved : dict or None
        Where the reader was last.
    folder : Path
        Where reports are written by default.
    found : Found or None
        The radiographs, to be listed; None in a blinded session.
    """

    store: Store
    reading: Reading
    item: Item
    title: str
    saved: Any
    folder: Path
    found: Found | None = None

    def save_position(self, saved: Any) -> None:
        """Save where the reader is."""
        if not self.reading.locked:
            self.reading.show(self.item.code, saved)

    def close(self) -> None:
        """Close the store; everything was saved before."""
        self.store.close()


def graded_by_model(patient: OpenPatient, device: str | None, progress: Progress) -> Scores | None:
    """Save the grades of the shipped network and return them; None where it was aborted."""
    scores = score_measured(patient.item.progression, "svdh-fingers", device, progress)
    if scores is not None:
        patient.store.save(scores)
    return scores


def find(paths: Sequence[str | os.PathLike[str]], progress: Progress | None = None) -> Found:
    """Read the radiographs of a folder, or files, in the order of their dates or, if there are none, of their names.

    A note on the patient, and a warning in each row, say where neither dates nor names state the order.

    Raises
    ------
    InputError
        As :func:`napari_jsn.read_patient`, except for an unknown order.
    """
    from napari_jsn.patient.list_files import list_radiographs
    from napari_jsn.patient.order.visits import UnknownOrder
    from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE
    from napari_jsn.patient.read import patient_from_radiographs, read_patient

    first = Path(paths[0])
    if len(paths) > 1 or not first.is_dir():
        files, folder = [Path(each) for each in paths], first.parent
    else:
        try:
            patient = read_patient(first, split=False, progress=progress)
            return Found(patient, radiograph_rows(patient), first)
        except UnknownOrder:
            if (first / RADIOGRAPHS_TABLE).is_file():  # what it states of the radiographs would be lost
                raise
            files, folder = [file.path for file in list_radiographs(first, {})[0]], first
    patient = _in_order(patient_from_radiographs(*files, split=False, progress=progress), files)
    return Found(patient, radiograph_rows(patient), folder)


def place_of(store: Store) -> str:
    """Return the place by which a store is opened again."""
    url = store.url
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=False)


def remember(viewer: Any, left: Left) -> None:
    """Keep what a dock that is closed has open, for the next dock of this viewer."""
    _left[unwrapped(viewer)] = left


def left_by_last(viewer: Any) -> Left | None:
    """Return what the last dock of this viewer had open, once."""
    return _left.pop(unwrapped(viewer), None)


def summary(patient: OpenPatient | None, found: Found | None) -> str:
    """Return one line: what is open, and how many radiographs and visits it has; empty where nothing is open."""
    title = "" if patient is None else patient.title
    if found is None:
        return title
    visits = counted(len(found.patient.visits), "visit")
    return f"{title or found.patient.patient_id}: {counted(len(found.rows), 'radiograph')}, {visits}"


def with_decisions(patient: OpenPatient) -> Progression:
    """Return the measurement with all decisions that the store has on it now."""
    progression = patient.item.progression
    return replace(progression, decisions=patient.store.decisions_on(progression.patient_id))


def _in_order(patient: Patient, files: Sequence[Path]) -> Patient:
    """Return the patient with the visits in order of time, where all dates are known, else with a note if need be."""
    from napari_jsn.patient.order.file_names import all_ranks
    from napari_jsn.patient.order.visits import visits_in_given_order

    days: dict[date, list[Radiograph]] = {}
    for hand in patient.hands:
        if hand.day is not None:
            days.setdefault(hand.day, []).append(hand.radiograph)
        elif days or len(files) == 1 or all_ranks([str(file) for file in files]):
            return patient
        else:
            return replace(patient, notes=(*patient.notes, ORDER_OF_NAMES))
    return replace(patient, visits=visits_in_given_order([days[day] for day in sorted(days)]))


def place_of_store(given: str | os.PathLike[str] | None, folder: Path) -> str:
    """Return the store that the reader named, or the default one of a folder."""
    return str(given) if given and str(given) not in (".", "") else str(default_store(folder))


def measured(
    found: Found,
    place: str,
    reader: str,
    again: bool,
    progress: Progress,
    show: Callable[[Any], None],
    wanted: Callable[[], bool] = lambda: True,
    how: Mapping[str, Any] | None = None,
) -> OpenPatient | None:
    """Measure a patient unless the store has its measurement, save it, and return it open.

    Boxes and bones that a person set before are kept. When aborted, what was measured is saved, unless the store has a
    measurement of the same radiographs, which is then opened.

    Parameters
    ----------
    found : Found
    place : str
        Of the store.
    reader : str
    again : bool
        Measure even where the store has a measurement of the same radiographs.
    progress : Progress
    show : callable
        Called with the patient when its joints are found, then with what is :class:`Measured` so far.
    wanted : callable
        Whether somebody waits for the result; if not, nothing is saved.
    how : mapping, optional
        Method and device.

    Returns
    -------
    OpenPatient or None
        None if it was aborted before anything was measured.

    Raises
    ------
    InputError
    """
    store = open_store(place, reader)
    try:
        before = measured_before(store, found.patient)
        progression = None if again or (before is not None and ABORTED in before.notes) else before
        if before is None:
            store.check_patient(found.patient)  # else all is measured, and then cannot be saved
        if progression is None:
            widths: dict[Any, Any] = {}

            def show_widths(views: Mapping[Any, Any]) -> None:
                widths.update(views)
                show(Measured(widths))

            progression = measure_patient(
                found.patient, progress=progress, found=show, on_widths=show_widths,
                on_registered=lambda registered: show(Measured(widths, registered)), **(how or {}),
            )  # fmt: skip
            nothing = not any(hand.joints for hand in progression.hands)
            if progress.aborted and before is not None and wanted():
                progression = before
            elif nothing or not wanted():
                store.close()
                return None
            else:
                progression = with_kept_changes(store, progression)
                store.save(progression)
        return opened(store, progression.patient_id, "", found.folder, progression)
    except BaseException:
        store.close()
        raise


def opened(store: Store, code: str, session: str, folder: Path, progression: Progression | None = None) -> OpenPatient:
    """Return a patient of a store, or an item of a session, open; its pixels are read.

    Raises
    ------
    InputError
        If there is no such item or session, or the radiographs are not found.
    """
    reading = Reading(store, session)
    work = {item.code: item for item in reading.work_list()}
    if code not in work:
        raise InputError(f"The work list has no patient {code}.", "patient")
    item = reading.open(code, [folder], progression=progression)
    for image in item.images:
        image.radiograph.pixels  # noqa: B018 (read here, not in the window's thread)
    saved = store.items(session).get(code, ("", None))[1]
    title = f"Session {session}, item {code}" if reading.blinded else code
    found = None if item.blinded else _found_of(item.progression, folder, place_of(store))
    return OpenPatient(store, reading, item, title, saved, folder, found)


def _found_of(progression: Progression, folder: Path, place: str) -> Found:
    """Return the radiographs of a measurement, as they are read from a folder."""
    visits: dict[int, list[Hand]] = {}
    for hand in progression.hands:
        visits.setdefault(hand.visit, []).append(Hand(hand.visit, hand.day, hand.radiograph))
    of_visits = tuple(Visit(number, hands[0].day, tuple(hands)) for number, hands in sorted(visits.items()))
    patient = Patient(of_visits, progression.patient_id, hands_split=True)
    return Found(patient, radiograph_rows(patient), folder, place)


def open_stored(
    place: str, reader: str, patient: str = "", session: str = "", folder: Path | None = None
) -> OpenPatient:
    """Open a patient of a store; by default the one that was used last, or the next one of the work list.

    Raises
    ------
    InputError
        If there is no such store or patient, or nothing to read.
    """
    store = open_store(place, reader, create=False)
    try:
        code = patient
        if not code:
            resumed = Reading(store, session).resume()
            if resumed is None:
                raise InputError("Nothing is left to read in this store.", "store")
            code = resumed[0].code
        beside = folder or (Path(place).parent if "://" not in place else Path.cwd())
        return opened(store, code, session, beside)
    except BaseException:
        store.close()
        raise
