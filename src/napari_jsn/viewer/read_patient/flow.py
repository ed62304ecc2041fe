"""The patient of the dock from opening to report: what is read, measured, saved and written, each in a thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Patient
from napari_jsn.viewer.forms.worker import WorkerProgress
from napari_jsn.viewer.read_patient import opened as work
from napari_jsn.viewer.read_patient.opened import Found, OpenPatient
from napari_jsn.viewer.read_patient.work import Jobs

MEASURING, AGAIN, READING = "Measuring", "Measuring the joint again", "Reading the radiographs"
OPENING, WRITING = "Opening the patient", "Writing the report"


class PatientFlow(QObject):
    """What the dock has open, and the jobs on it.

    ``found_changed`` is emitted when radiographs were read or edited, ``joints_found`` with the patient while it is
    measured, ``opened`` with the patient that can be read, ``closed`` when there is none any more, ``measured_again``
    after a joint was, ``written`` with the files of a report.
    """

    found_changed: Signal = Signal()
    joints_found: Signal = Signal(object)
    opened: Signal = Signal(object)
    closed: Signal = Signal()
    measured_again: Signal = Signal()
    written: Signal = Signal(object)
    failed: Signal = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs()
        self.jobs.failed.connect(self.failed)
        self.found: Found | None = None
        self.patient: OpenPatient | None = None
        self._again = False

    # --------------------------------------------------------------------------------------------------- open and close

    def open_paths(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        """Read the radiographs of a folder, or files."""
        self.close()
        self.jobs.drop()

        def show(found: Found) -> None:
            self.found = found
            self.found_changed.emit()

        self.jobs.start(READING, lambda progress: work.find(paths, progress), show)

    def edit(self, change: Callable[[Patient], Patient]) -> None:
        """Change a fact of the radiographs; what was measured is closed, because it does not belong to them."""
        if self.found is None:
            return
        found = self.found.with_patient(change(self.found.patient))
        self.close()
        self.found = found
        self.found_changed.emit()

    def open_stored(self, place: str, reader: str, patient: str = "", session: str = "") -> None:
        """Open a patient of a store, or an item of a session."""
        self.close()
        self.jobs.drop()
        self.jobs.start(OPENING, lambda _: work.open_stored(place, reader, patient, session), self.take)

    def take(self, patient: OpenPatient) -> None:
        """Read this patient from now on."""
        if self.patient is not None:
            self.patient.close()
        self.patient = patient
        self._again = False
        self.opened.emit(patient)

    def close(self) -> None:
        """Close the patient and forget the radiographs; everything was saved."""
        if self.jobs.what in (MEASURING, AGAIN, OPENING, READING):
            self.jobs.drop()
        self.found = None
        if self.patient is not None:
            self.patient.close()
            self.patient = None
        self.closed.emit()

    # ---------------------------------------------------------------------------------------------------------- measure

    def measure(self, place: str, reader: str, name: str = "", again: bool = False) -> None:
        """Measure the radiographs, or take what the store has of them, and open the patient.

        Raises
        ------
        InputError
            If no reader is named.
        """
        found = self.found
        if found is None:
            return
        if not reader:
            raise InputError("Type your name or code: it stands with all that you decide.", "reader")
        if name and name != found.patient.patient_id:
            found = self.found = found.named(name)
        where = work.place_of_store(place, found.folder)

        def measured(progress: WorkerProgress) -> OpenPatient | None:
            return work.measured(found, where, reader, again, progress, progress.intermediate.emit)

        self.jobs.start(MEASURING, measured, self.take, intermediate=self.joints_found.emit)

    def measure_again(self) -> None:
        """Measure the joints again whose boxes or masks were changed; those of a blinded session later."""
        patient = self.patient
        if patient is None or patient.item.blinded or patient.reading.locked:
            return
        if self.jobs.running:
            self._again = self.jobs.what == AGAIN  # what was changed meanwhile is measured next
            return
        item = patient.item

        def again(progress: WorkerProgress) -> Any:
            return item.measure_again(progress=progress), item

        self.jobs.start(AGAIN, again, self._show_again)

    def _show_again(self, result: tuple[Any, Any]) -> None:
        if self.patient is None or result[1] is not self.patient.item:
            return
        self.measured_again.emit()
        if self._again and self.patient.item.out_of_date:
            self._again = False
            self.measure_again()

    # ----------------------------------------------------------------------------------------------------------- report

    def write_report(self, folder: str | os.PathLike[str], dicom: bool) -> None:
        """Write table, report, and on request DICOM objects, with the decisions."""
        patient = self.patient
        if patient is None:
            return
        if patient.item.blinded:
            raise InputError("Figures are hidden until the session is locked, so no report is written.", "session")
        self.jobs.start(WRITING, partial(_written, patient, Path(folder), dicom), self.written.emit)

    def finish(self) -> None:
        """Mark the patient as done, and open the next one of the work list."""
        patient = self.patient
        if patient is None:
            return
        if not patient.reading.locked:
            patient.reading.finish(patient.item.code)
        following = patient.reading.next(patient.item.code)
        if following is None:
            raise InputError("All patients of the work list are done.", "patient")
        place, reader, session = work.place_of(patient.store), patient.store.reader, patient.reading.session
        folder = patient.folder
        self.close()
        self.jobs.start(OPENING, lambda _: work.open_stored(place, reader, following.code, session, folder), self.take)


def _written(patient: OpenPatient, folder: Path, dicom: bool, progress: WorkerProgress) -> list[Path]:
    from napari_jsn.export.progression_files import write_progression

    progress.update(0, 0, "Writing table and report")
    return write_progression(folder, work.with_decisions(patient), dicom=dicom)
