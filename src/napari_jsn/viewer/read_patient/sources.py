"""What the step Radiographs does: it opens folders, files, examples and stores, and starts the measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_jsn.common.errors import InputError
from napari_jsn.common.samples import sample_folder
from napari_jsn.patient.patient import Patient
from napari_jsn.viewer.layers.patient import RADIOGRAPH
from napari_jsn.viewer.layers.read_layer import layer_metadata
from napari_jsn.viewer.read_patient.canvas.hand_map import hand_image
from napari_jsn.viewer.read_patient.canvas.known_length import KnownLength
from napari_jsn.viewer.read_patient.flow import PatientFlow
from napari_jsn.viewer.read_patient.opened import OpenPatient, left_by_last, place_of_store
from napari_jsn.viewer.read_patient.steps.radiographs import RadiographsStep, parsed_date


class Sources(QObject):
    """Connects the step Radiographs with the flow.

    ``started`` is emitted when a measurement begins; ``failed`` carries a sentence and the argument that it is about.

    Parameters
    ----------
    step : RadiographsStep
    flow : PatientFlow
    length : KnownLength
    show : callable
        Shows the radiograph of a row.
    """

    started: Signal = Signal()
    failed: Signal = Signal(str, str)

    def __init__(
        self, step: RadiographsStep, flow: PatientFlow, length: KnownLength, show: Callable[[Patient, int], None]
    ) -> None:
        super().__init__()
        self._step, self._flow, self._length, self._show = step, flow, length, show
        step.open_folder.connect(self.ask_folder)
        step.open_files.connect(self.ask_files)
        step.open_stored.connect(self.ask_stored)
        step.open_example.connect(self.open_example)
        step.measure.connect(self.measure)
        step.known_length.connect(self._draw_length)
        step.row_chosen.connect(self._show_row)
        length.measured.connect(self._set_length)
        length.hint.connect(lambda text: step.show_message(text, is_hint=True))
        flow.closed.connect(length.stop)
        step.date_edited.connect(self._edit_date)
        step.spacing_edited.connect(self._edit_spacing)
        flow.found_changed.connect(self._show_found)
        flow.opened.connect(self._show_stored)

    def take_over(self, viewer: Any) -> int:
        """Open again what the last dock of a viewer had open, else the radiographs in it; return the step to open."""
        left, opened = left_by_last(viewer), paths_of_layers(viewer)
        if self._flow.way_back is not None:
            return 0
        if left is not None:
            self._step.fill(*left.fields)
        if left is not None and left.open is not None:
            left.open(self._flow)
            if self._flow.found is not None:  # which are not measured
                self._step.fill(*left.fields)
            return left.step
        if opened:
            self._flow.open_paths(opened)
        return 0

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
        self._flow.open_paths([sample_folder(name)])

    def measure(self) -> None:
        """Measure the radiographs, or take what the store has of them; measure all again where that is shown."""
        step, again = self._step, self._flow.patient is not None
        step.show_message("")
        place = "" if step.store.value is None else str(step.store.value)
        try:
            self._flow.measure(place, step.reader.value.strip(), step.patient.value.strip(), again, **step.computing)
        except InputError as error:
            self.failed.emit(str(error), error.argument or "")
            return
        if self._flow.jobs.running:
            self.started.emit()

    def _edit_date(self, row: int, text: str) -> None:
        from napari_jsn.reading.radiograph_rows import with_date

        day = parsed_date(text)
        if day is None:
            self._refuse(row, f"{text!r} is no date. Type it as 2021-03-05.")
        else:
            self._edit(row, lambda patient: with_date(patient, row, day))

    def _edit_spacing(self, row: int, text: str) -> None:
        from napari_jsn.reading.radiograph_rows import typed_spacing, with_spacing

        self._edit(row, lambda patient: with_spacing(patient, row, typed_spacing(text)))

    def _edit(self, row: int, change: Callable[[Patient], Patient]) -> None:
        """Change a fact of the radiographs; the pseudonym that was typed, and the chosen radiograph, stay."""
        name, found = self._step.patient.value.strip(), self._flow.found
        pixels = None if found is None else found.patient.hands[row].radiograph.pixels

        def named(patient: Patient) -> Patient:
            return replace(change(patient), patient_id=name or patient.patient_id)

        try:
            self._flow.edit(named)
        except InputError as error:
            self._refuse(row, str(error))
            return
        hands = () if self._flow.found is None else self._flow.found.patient.hands
        self._step.choose_row(next((k for k, hand in enumerate(hands) if hand.radiograph.pixels is pixels), row))

    def _refuse(self, row: int, message: str) -> None:
        """Show what was there before a wrong text was typed, and say what was wrong."""
        if self._flow.found is not None:
            self._step.show_rows(self._flow.found.rows)
            self._step.choose_row(row)
        self._step.show_message(message)

    def _show_row(self, row: int) -> None:
        """Show the radiograph of a row, as long as its patient is not measured."""
        self._length.stop()  # the line belongs to the radiograph that was chosen before
        if self._flow.found is not None and self._flow.patient is None and not self._flow.jobs.running:
            self._show(self._flow.found.patient, row)

    def _draw_length(self, row: int) -> None:
        found = self._flow.found
        if found is not None:
            if self._flow.patient is not None:  # its figures do not belong to another pixel size
                self._edit(row, lambda patient: patient)
            self._length.begin(row, hand_image(found.patient.hands[row]))

    def _set_length(self, row: int, length_px: float, length_mm: float) -> None:
        from napari_jsn.reading.radiograph_rows import with_known_length

        self._edit(row, lambda patient: with_known_length(patient, row, length_px, length_mm))

    def _show_stored(self, patient: OpenPatient) -> None:
        """List the radiographs of a patient that was opened from a store."""
        if patient.found is not None and self._flow.found is patient.found:
            self._step.show_default_store(place_of_store(patient.found.place, patient.found.folder))
            self._step.show_rows(patient.found.rows)
            self._step.patient.value = patient.found.patient.patient_id

    def _show_found(self) -> None:
        found = self._flow.found
        if found is not None:
            self._step.show_default_store(place_of_store(found.place, found.folder))
            self._step.show_rows(found.rows)
            self._step.patient.value = found.patient.patient_id
            self._step.show_message("")
            self._step.focus_next()


def paths_of_layers(viewer: Any) -> list[str | Path]:
    """Return where the radiographs of a patient that lie in a viewer were opened from; empty where there are none."""
    found: dict[str | Path, None] = {}
    for layer in viewer.layers:
        about = layer_metadata(layer)
        if about.get("role") != RADIOGRAPH or "visit" not in about:
            continue
        if layer.source.sample:
            found[sample_folder(layer.source.sample[1])] = None
        elif layer.source.path:
            found[layer.source.path] = None
    return list(found)
