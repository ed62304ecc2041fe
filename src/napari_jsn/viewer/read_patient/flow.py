"""The patient of the dock from opening to report: what is read, measured, saved and written, each in a thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_jsn.common.errors import InputError
from napari_jsn.patient.patient import Patient
from napari_jsn.reading import warm_up
from napari_jsn.viewer.forms.worker import WorkerProgress, start_worker
from napari_jsn.viewer.read_patient import opened as work
from napari_jsn.viewer.read_patient.opened import Found, OpenPatient
from napari_jsn.viewer.read_patient.work import Jobs

MEASURING, AGAIN, READING = "Measuring", "Measuring the joint again", "Reading the radiographs"
OPENING, WRITING, PREPARING = "Opening the patient", "Writing the report", "Preparing"
GRADING = "Grading by the network"
#: Time in which figures of a joint that was measured again are drawn before they are saved, and the longest wait for
#: that, because the window's thread may be busy.
_DRAWN_MS, _DRAWN_S = 20, 0.5


class PatientFlow(QObject):
    """What the dock has open, and the jobs on it.

    ``found_changed`` is emitted when radiographs were read or edited, ``joints_found`` with the patient while it is
    measured, ``joints_measured`` with what is known of its joints so far, ``opened`` with the
    patient that can be read, ``closing`` before a patient is closed, with whether its radiographs are closed too (they
    are not where they were measured again), ``closed`` when there is none any more, ``measured_again`` after a joint
    was, ``graded`` after the network graded the joints, ``written`` with the files of a report.
    """

    found_changed: Signal = Signal()
    joints_found: Signal = Signal(object)
    joints_measured: Signal = Signal(object)
    opened: Signal = Signal(object)
    closing: Signal = Signal(bool)
    closed: Signal = Signal()
    measured_again: Signal = Signal()
    graded: Signal = Signal()
    written: Signal = Signal(object)
    failed: Signal = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.jobs: Jobs = Jobs()
        self.jobs.failed.connect(self.failed)
        self.found: Found | None = None
        self.patient: OpenPatient | None = None
        self.jobs.changed.connect(self._grade_if_asked)
        self._again = self._to_grade = False
        self._device: str | None = None
        #: Opens again, in the flow of another dock, what is open here or is being opened.
        self.way_back: Callable[[PatientFlow], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a job runs for which the user waits: not the one that measures a joint again."""
        return self.jobs.running and self.jobs.what not in (PREPARING, AGAIN)

    def warm_up(self) -> None:
        """Load networks and compute once with them in a thread, so that the first measurement does not wait."""
        start_worker(lambda progress: warm_up(), WorkerProgress(), (), lambda *_: None)

    # --------------------------------------------------------------------------------------------------- open and close

    def open_paths(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        """Read the radiographs of a folder, or files."""
        self.close()
        self.jobs.drop()
        self.way_back = partial(PatientFlow.open_paths, paths=paths)
        self.jobs.start(READING, lambda progress: work.find(paths, progress), self.show_found)

    def show_found(self, found: Found) -> None:
        """Show radiographs that were read."""
        self.found = found
        self.way_back = partial(PatientFlow.show_found, found=found)
        self.found_changed.emit()

    def edit(self, change: Callable[[Patient], Patient]) -> None:
        """Change a fact of the radiographs; what was measured is closed, because it does not belong to them."""
        if self.found is None:
            return
        found = self.found.with_patient(change(self.found.patient))
        self.close()
        self.show_found(found)

    def open_stored(
        self, place: str, reader: str, patient: str = "", session: str = "", folder: Path | None = None
    ) -> None:
        """Open a patient of a store, or an item of a session; ``folder`` is where reports are written by default."""
        self.close()
        self.jobs.drop()
        self.way_back = partial(
            PatientFlow.open_stored, place=place, reader=reader, patient=patient, session=session, folder=folder
        )
        self.jobs.start(OPENING, lambda _: work.open_stored(place, reader, patient, session, folder), self.take)

    def take(self, patient: OpenPatient) -> None:
        """Read this patient from now on."""
        if self.patient is not None:
            self.closing.emit(False)
            self.patient.close()
        self.patient = patient
        if self.found is None:
            self.found = patient.found
        self._again = False
        self.way_back = partial(
            PatientFlow.open_stored,
            place=work.place_of(patient.store),
            reader=patient.store.reader,
            patient=patient.item.code,
            session=patient.reading.session,
            folder=patient.folder,
        )
        self.opened.emit(patient)
        if not patient.item.blinded and patient.item.out_of_date:  # changed when there was no time to measure it
            self.measure_again()

    def close(self) -> None:
        """Close the patient and forget the radiographs; everything was saved."""
        if self.patient is not None:
            self.closing.emit(True)
        self._to_grade = False
        if self.jobs.what in (MEASURING, AGAIN, OPENING, READING, GRADING):
            self.jobs.drop()
        self.found = self.way_back = None
        if self.patient is not None:
            self.patient.close()
            self.patient = None
        self.closed.emit()

    # ---------------------------------------------------------------------------------------------------------- measure

    def measure(
        self,
        place: str,
        reader: str,
        name: str = "",
        again: bool = False,
        method: str = "refined",
        device: str | None = None,
    ) -> None:
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
        where = work.place_of_store(place or found.place, found.folder)

        self._device = device
        how = {"method": method, "device": device}

        def measured(progress: WorkerProgress) -> OpenPatient | None:
            show, wanted = progress.intermediate.emit, lambda: self.jobs.wants(progress)
            return work.measured(found, where, reader, again, progress, show, wanted, how)

        self.jobs.start(MEASURING, measured, self.take, intermediate=self._show_intermediate)

    def _show_intermediate(self, what: Any) -> None:
        (self.joints_found if isinstance(what, Patient) else self.joints_measured).emit(what)

    def abort(self) -> bool:
        """Abort the measurement of the patient; return whether there is one."""
        measuring = self.jobs.running and self.jobs.what == MEASURING
        if measuring:
            self.jobs.abort()
        return measuring

    def measure_again(self) -> None:
        """Measure the joints again whose boxes or masks were changed; those of a blinded session later."""
        patient = self.patient
        if patient is None or patient.item.blinded or patient.reading.locked:
            return
        if self.jobs.running:
            self._again = self.jobs.what == AGAIN  # what was changed meanwhile is measured next
            return
        item, device = patient.item, self._device

        def again(progress: WorkerProgress) -> Any:
            shown = Event()

            def show() -> None:
                progress.intermediate.emit((item, shown))
                shown.wait(_DRAWN_S)

            return item.measure_again(device, progress, show), item

        self.jobs.start(AGAIN, again, self._end_again, intermediate=self._show_again)

    def grade_by_model(self) -> None:
        """Grade the measured joints by the shipped network, and keep its grades in the store."""
        patient = self.patient
        self._to_grade = self.jobs.running  # by a joint that is measured again: its end is waited for
        if patient is None or patient.item.blinded or patient.reading.locked or self._to_grade:
            return
        grade = partial(work.graded_by_model, patient, self._device)
        self.jobs.start(GRADING, grade, lambda _: self.graded.emit())

    def _grade_if_asked(self) -> None:
        if self._to_grade and not self.jobs.running:
            self._to_grade = False
            QTimer.singleShot(0, self.grade_by_model)  # after the result of the job that ended is shown

    def _show_again(self, measured: tuple[Any, Event]) -> None:
        item, shown = measured
        if self.patient is not None and item is self.patient.item:
            self.measured_again.emit()
        QTimer.singleShot(_DRAWN_MS, shown.set)

    def _end_again(self, result: tuple[Any, Any]) -> None:
        if self.patient is None or result[1] is not self.patient.item:
            return
        again, self._again = self._again, False
        if again and self.patient.item.out_of_date:
            self.measure_again()
        elif again:
            self.measured_again.emit()  # what was changed meanwhile was undone, and the figures are those before

    # ----------------------------------------------------------------------------------------------------------- report

    def check_report(self) -> None:
        """Check that a report may be written, before a folder is asked for.

        Raises
        ------
        InputError
            In a blinded session.
        """
        if self.patient is not None and self.patient.item.blinded:
            raise InputError("Figures are hidden until the session is locked, so no report is written.", "session")

    def write_report(self, folder: str | os.PathLike[str], dicom: bool) -> None:
        """Write table, report, and on request DICOM objects, with the decisions."""
        patient = self.patient
        if patient is None:
            return
        self.check_report()
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
        self.open_stored(place, reader, following.code, session, patient.folder)


def _written(patient: OpenPatient, folder: Path, dicom: bool, progress: WorkerProgress) -> list[Path]:
    from napari_jsn.export.progression_files import write_progression

    progress.update(0, 0, "Writing table and report")
    return write_progression(folder, work.with_decisions(patient), dicom=dicom)
