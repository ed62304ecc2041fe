"""What the step Radiographs does: it opens folders, files, examples and stores, and starts the measurement."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.read_patient.flow import PatientFlow
from napari_jsn.viewer.read_patient.steps.radiographs import RadiographsStep, parsed_date


class Sources(QObject):
    """Connects the step Radiographs with the flow.

    ``started`` is emitted when a measurement begins; ``failed`` carries a sentence and the argument that it is about.
    """

    started: Signal = Signal()
    failed: Signal = Signal(str, str)

    def __init__(self, step: RadiographsStep, flow: PatientFlow) -> None:
        super().__init__()
        self._step, self._flow = step, flow
        step.open_folder.connect(self.ask_folder)
        step.open_files.connect(self.ask_files)
        step.open_stored.connect(self.ask_stored)
        step.open_example.connect(self.open_example)
        step.measure.connect(self.measure)
        step.date_edited.connect(self._edit_date)
        step.spacing_edited.connect(self._edit_spacing)
        flow.found_changed.connect(self._show_found)

    def ask_folder(self) -> None:
        """Ask for a folder and read it."""
        folder = QFileDialog.getExistingDirectory(self._step, "Folder with the radiographs of one patient")
        if folder:
            self._flow.open_paths([folder])

    def ask_files(self) -> None:
        """Ask for files and read them."""
        files, _ = QFileDialog.getOpenFileNames(self._step, "Radiographs of one patient")
        if files:
            self._flow.open_paths(files)

    def ask_stored(self) -> None:
        """Ask for a store and a patient in it, and open it."""
        from napari_jsn.viewer.read_patient.steps.store_dialog import ask_for_item

        chosen = ask_for_item(self._step, self._step.reader.value.strip())
        if chosen is not None:
            place, reader, session, code = chosen
            self._step.reader.value = reader
            self._flow.open_stored(place, reader, code, session)

    def open_example(self, name: str = "hand_pair") -> None:
        """Read the radiographs of a shipped sample."""
        from napari_jsn.common.samples import sample_folder

        self._flow.open_paths([sample_folder(name)])

    def measure(self) -> None:
        """Measure the radiographs, or take what the store has of them; measure all again where that is shown."""
        step, again = self._step, self._flow.patient is not None
        step.show_message("")
        place = "" if step.store.value is None else str(step.store.value)
        try:
            self._flow.measure(place, step.reader.value.strip(), step.patient.value.strip(), again)
        except InputError as error:
            self.failed.emit(str(error), error.argument or "")
            return
        if self._flow.jobs.running:
            self.started.emit()

    def _edit_date(self, row: int, text: str) -> None:
        from napari_jsn.reading.radiograph_rows import with_date

        day = parsed_date(text)
        if day is None:
            self._show_found()
            self._step.show_message(f"{text!r} is no date. Type it as 2021-03-05.")
        else:
            self._flow.edit(lambda patient: with_date(patient, row, day))

    def _edit_spacing(self, row: int, text: str) -> None:
        from napari_jsn.reading.radiograph_rows import typed_spacing, with_spacing

        try:
            self._flow.edit(lambda patient: with_spacing(patient, row, typed_spacing(text)))
        except InputError as error:
            self._show_found()
            self._step.show_message(str(error))

    def _show_found(self) -> None:
        found = self._flow.found
        if found is not None:
            self._step.show_rows(found.rows)
            self._step.patient.value = found.patient.patient_id
            self._step.show_message("")
            self._step.focus_next()
