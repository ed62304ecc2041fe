"""The dock "Read patient": from the first radiograph to the report, in four steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import ref

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication, QDockWidget, QFileDialog, QVBoxLayout, QWidget

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.patient.patient import Patient
from napari_jsn.viewer.forms.run_panel import viewer_or_current
from napari_jsn.viewer.forms.style import inks, text_label
from napari_jsn.viewer.read_patient.canvas.picture_layers import PictureLayers, is_picture
from napari_jsn.viewer.read_patient.editing import Editing
from napari_jsn.viewer.read_patient.flow import AGAIN, MEASURING, PatientFlow
from napari_jsn.viewer.read_patient.key_list import reading_actions, show_keys
from napari_jsn.viewer.read_patient.keys import ReadingKeys
from napari_jsn.viewer.read_patient.opened import OpenPatient, last_read, remember
from napari_jsn.viewer.read_patient.read_controller import ReadController
from napari_jsn.viewer.read_patient.sources import Sources
from napari_jsn.viewer.read_patient.steps.joints import JointsStep
from napari_jsn.viewer.read_patient.steps.radiographs import RadiographsStep
from napari_jsn.viewer.read_patient.steps.read import ReadStep
from napari_jsn.viewer.read_patient.steps.report import ReportStep
from napari_jsn.viewer.read_patient.steps.step import Step
from napari_jsn.viewer.read_patient.style import dock_style

#: Packages that are loaded before the dock says that it is ready: loading them later would block the window.
MODULES = ("sqlalchemy", "pandas", "torch", "monai.networks.nets", "skimage.measure", "matplotlib.backends.backend_agg")
#: Wait before the position is saved after it changed, in ms.
_SAVE_MS = 150


class ReadPatient(QWidget):
    """Open the radiographs of a patient, measure the joints, read them, and write the report.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    #: Emitted when the dock can be used without blocking.
    ready: Signal = Signal()

    def __init__(self, napari_viewer: Any = None) -> None:
        viewer = self._viewer = viewer_or_current(napari_viewer)
        super().__init__()
        self.radiographs, self.joints = RadiographsStep(), JointsStep()
        self.reading, self.report = ReadStep(viewer), ReportStep()
        self.status = text_label("status", "Preparing …")
        contents = {"Radiographs": self.radiographs, "Joints": self.joints, "Read": self.reading, "Report": self.report}
        self.steps = [Step(k, *one) for k, one in enumerate(contents.items(), start=1)]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for step in self.steps:
            layout.addWidget(step)
            step.opened.connect(self.open_step)
        layout.addWidget(self.status)
        self._rows = layout
        self.is_ready = self._is_shut = False
        self.flow = PatientFlow()
        self.sources = Sources(self.radiographs, self.flow)
        self.pictures = PictureLayers(viewer)
        self.controller = ReadController(viewer, self.reading, self.pictures)
        self.editing = Editing(viewer, self.pictures, self.controller, self.joints)
        self._keys: ReadingKeys | None = None
        self._main_window: Callable[[], QWidget | None] = lambda: None
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(_SAVE_MS)
        self._saving.timeout.connect(self.save_position)
        self._connect()
        self._apply_theme()
        self.open_step(self.steps[0])
        QTimer.singleShot(0, self._prepare)

    def __call__(
        self,
        folder: str | os.PathLike[str],
        reader: str,
        store: str | os.PathLike[str] | None = None,
        patient: str = "",
        timeout_s: float = 600.0,
    ) -> Any:
        """Open a folder, measure it, and return the measurement; the window stays alive meanwhile.

        Raises
        ------
        InputError
            If something is wrong with the radiographs, the reader or the store.
        """
        from napari_jsn.viewer.read_patient.scripted import open_and_measure

        return open_and_measure(self, folder, reader, store, patient, timeout_s)

    def sizeHint(self) -> QSize:
        """Return the width that the list of joints needs."""
        return QSize(400, 640)

    def _connect(self) -> None:
        two, three, four = self.joints, self.reading, self.report
        flow, control = self.flow, self.controller
        self.sources.started.connect(lambda: self.open_step(self.steps[1]))
        self.sources.failed.connect(self.show_error)
        two.abort.connect(flow.jobs.abort)
        two.read.connect(lambda: self.open_step(self.steps[2]))
        three.measure_again.connect(flow.measure_again)
        three.keys.connect(lambda: show_keys(self))
        four.write.connect(self.ask_report)
        four.next_patient.connect(lambda: self._try(flow.finish))
        flow.found_changed.connect(self._show_found)
        flow.joints_found.connect(self._show_joints_found)
        flow.opened.connect(self._show_opened)
        flow.closed.connect(self._show_closed)
        flow.measured_again.connect(self._show_again)
        flow.written.connect(
            lambda files: four.show_saved(f"Saved {', '.join(f.name for f in files)} in {files[0].parent}.")
        )
        flow.failed.connect(self.show_error)
        flow.jobs.changed.connect(self._update_steps)
        flow.jobs.progressed.connect(self._show_progress)
        control.moved.connect(self._saving.start)
        control.changed.connect(self._update_steps)
        control.edited.connect(self._after_edit)
        control.failed.connect(self.show_error)
        self.editing.changed.connect(self._after_edit)
        self.editing.failed.connect(self.show_error)
        self.pictures.disturbed.connect(self._on_disturbed)
        self._viewer.events.theme.connect(self._apply_theme)

    # ----------------------------------------------------------------------------------------------- prepare and close

    def _prepare(self) -> None:
        """Create the layers, draw each once, and load what measuring needs; then the dock is ready."""
        if not isalive(self) or self._is_shut:
            return
        self._hide_others()
        self.pictures.adopt_or_create()
        self.pictures.warm_up()
        window = self.window()
        if isinstance(window, QWidget) and window is not self:
            self._main_window = ref(window)
            held = {"Space": self.controller.canvas.hold_followup}
            self._keys = ReadingKeys(window, reading_actions(self), self._keys_active, held, self._before_close)
            self.toggle_layer_docks()
        overlays = self._viewer.canvas.overlays
        overlays.text.position, overlays.text.font_size = "bottom_left", 10
        overlays.text.text = " "
        overlays.text.color = overlays.scale_bar.color = "#f2f2f2"
        self._viewer.canvas.background_color_override = "black"
        self.flow.jobs.start("Preparing", lambda progress: True, self._on_prepared, MODULES)

    def _on_prepared(self, _: Any) -> None:
        if self.flow.patient is None:
            self.pictures.show_only({})
        self.is_ready = True
        self.show_status("Ready.")
        self.ready.emit()
        again = last_read(self._viewer)
        if again is not None and self.flow.patient is None and not self.flow.jobs.running:
            self.radiographs.reader.value = again[1]
            self.flow.open_stored(*again)

    def _hide_others(self) -> None:
        """Hide the layers that are not of the dock, which would lie over its pictures."""
        for layer in self._viewer.layers:
            if not is_picture(layer):
                layer.visible = False

    def toggle_layer_docks(self) -> None:
        """Fold away napari's layer docks, or bring them back."""
        docks = self._find_layer_docks()
        hidden = any(dock.isHidden() for dock in docks)
        for dock in docks:
            dock.setVisible(hidden)

    def _find_layer_docks(self) -> list[QDockWidget]:
        """Return napari's layer docks; they are not kept, because nobody may keep a window of napari."""
        window = self._main_window() or self
        return [one for one in window.findChildren(QDockWidget) if one.objectName() in ("layer list", "layer controls")]

    def event(self, event: QEvent | None) -> bool:
        """Stop when the dock is closed, which takes the widget out of it."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.shut_down()
        return super().event(event)

    def closeEvent(self, event: Any) -> None:
        """Save where the reader is, and leave keys and mouse to napari."""
        self.shut_down()
        super().closeEvent(event)

    def shut_down(self) -> None:
        """Stop all work; the layers stay, and everything was saved."""
        if self._is_shut:
            return
        self._is_shut = True
        self._before_close()
        self._saving.stop()
        if self._keys is not None:
            self._keys.stop()
            self._keys = None
        self.controller.stop()
        self.pictures.stop()
        for dock in self._find_layer_docks():
            dock.show()
        overlays = self._viewer.canvas.overlays
        overlays.text.visible = overlays.scale_bar.visible = False
        overlays.text.color = overlays.scale_bar.color = None
        self._viewer.canvas.background_color_override = None
        patient = self.flow.patient
        if patient is not None:
            remember(self._viewer, patient)
            patient.close()
            self.flow.patient = None

    def _before_close(self) -> None:
        self.flow.jobs.drop()
        self.save_position()

    def save_position(self) -> None:
        """Save where the reader is, for the next time."""
        patient, position = self.flow.patient, self.controller.position
        if patient is not None and position is not None:
            self._try(lambda: patient.save_position(position.saved()))

    def _keys_active(self) -> bool:
        window = self.window()
        shown = self.isVisible() or (window is not None and not window.isVisible())  # not behind another dock
        return shown and self.flow.patient is not None and self.steps[2].is_open and not self.editing.active

    def _try(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except InputError as error:
            self.show_error(str(error), error.argument or "")

    # ------------------------------------------------------------------------------------------------------------ steps

    def open_step(self, step: Step) -> None:
        """Open one step and fold the others."""
        if step is not self.steps[1]:
            self.editing.stop()
        for each in self.steps:
            each.set_open(each is step)
            self._rows.setStretchFactor(each, int(each is step))
        if step is self.steps[2]:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
            self.controller.refresh()

    def _update_steps(self) -> None:
        if not isalive(self):
            return
        jobs, patient, found, position = self.flow.jobs, self.flow.patient, self.flow.found, self.controller.position
        measuring = jobs.running and jobs.what == MEASURING
        busy = jobs.running and jobs.what not in ("Preparing", AGAIN)
        self.radiographs.set_busy(busy, found is not None, patient is not None)
        self.joints.show_running(measuring)
        self.steps[1].set_usable(measuring or patient is not None)
        for step in self.steps[2:]:
            step.set_usable(patient is not None and not busy)
        lines = [] if position is None else position.lines
        title = "" if patient is None else patient.title
        if found is not None:
            visits = counted(len(found.patient.visits), "visit")
            title = f"{title or found.patient.patient_id}: {counted(len(found.rows), 'radiograph')}, {visits}"
        self.steps[0].set_summary(title)
        self.steps[1].set_summary("" if position is None else counted(len(lines), "joint"))
        self.steps[2].set_summary("" if position is None else self.reading.count.text())
        if patient is not None and position is not None:
            self.report.show_lines(lines, patient.store.reader)
            self.joints.undo_button.setEnabled(patient.item.can_undo)
            self.joints.redo_button.setEnabled(patient.item.can_redo)
            self.editing.update_missing()

    def show_status(self, text: str) -> None:
        """Show what the dock does."""
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def show_error(self, text: str, argument: str = "") -> None:
        """Show an error: in the first step where it is about the radiographs, else in the step that is open."""
        self.show_status("")
        shown: Any = next((step.content for step in self.steps if step.is_open), self.radiographs)
        if argument in ("store", "patient_id", "folder", "reader", "followup", "baseline", "spacing_mm"):
            shown = self.radiographs
            self.open_step(self.steps[0])
        if shown is self.reading:
            self.show_status(text)
        else:
            shown.show_message(text)

    def _show_progress(self, done: int, total: int, message: str) -> None:
        if self.flow.jobs.what == MEASURING:
            self.joints.show_progress(done, total, message)
        elif self.flow.jobs.what not in ("Preparing", AGAIN):
            self.show_status(message)

    def ask_report(self, dicom: bool) -> None:
        """Ask for a folder and write the report into it."""
        patient = self.flow.patient
        if patient is None:
            return
        start = str(patient.folder.parent)
        folder = QFileDialog.getExistingDirectory(self, "Folder for the table and the report", start)
        if folder:
            self._try(lambda: self.flow.write_report(folder, dicom))

    # -------------------------------------------------------------------------------------------- what the flow reports

    def _show_found(self) -> None:
        found = self.flow.found
        if found is not None:
            self.show_status("")
            self._update_steps()
            self._hide_others()
            self.controller.show_patient(found.patient)

    def _show_joints_found(self, patient: Patient) -> None:
        self.joints.show_found(patient)
        self.controller.show_patient(patient)

    def _show_opened(self, patient: OpenPatient) -> None:
        self._hide_others()
        self.show_status("")
        self._viewer.canvas.overlays.scale_bar.visible = True
        self.controller.open(patient.item, patient.title, patient.saved)
        notes = [] if patient.item.blinded else [str(note) for note in patient.item.progression.notes]
        self.joints.show_notes(notes)
        self.joints.status.setText("")
        self.report.show_saved("")
        self.open_step(self.steps[2])
        self._update_steps()

    def _show_closed(self) -> None:
        remember(self._viewer, None)
        self.editing.stop()
        self.controller.close()
        self._viewer.canvas.overlays.scale_bar.visible = False
        if self.pictures.layers:
            self.pictures.show_only({})
        self.radiographs.show_message("")
        self.radiographs.show_rows([])
        self.radiographs.patient.value = ""
        self.joints.clear()
        self.reading.clear()
        self.report.clear()
        self.show_status("")
        self.open_step(self.steps[0])
        self._update_steps()

    def _after_edit(self) -> None:
        self.controller.refresh()
        self._update_steps()
        self.flow.measure_again()

    def _show_again(self) -> None:
        if isalive(self) and QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            QTimer.singleShot(_SAVE_MS, self._show_again)  # not while a box is dragged
            return
        position = self.controller.position
        if position is not None:
            position.refresh()
            self.controller.refresh()
            self._update_steps()

    def _on_disturbed(self, what: str) -> None:
        """Close the patient, because its figures would stand beside other images."""
        if self.flow.patient is None and self.flow.found is None and not self.flow.jobs.running:
            QTimer.singleShot(0, self._repair)
            return
        self.save_position()
        self.flow.close()
        self.radiographs.show_message(f"{what}, so the patient was closed. Everything was saved; open it again.")
        QTimer.singleShot(0, self._repair)

    def _repair(self) -> None:
        """Create the layers again that were removed."""
        if isalive(self) and self.is_ready:
            self.pictures.adopt_or_create()

    def _apply_theme(self, event: Any = None) -> None:
        if isalive(self):
            self.setStyleSheet(dock_style(self._viewer.theme))
            self.reading.table.set_muted_ink(inks(self._viewer.theme).muted)
            self.reading.trend.redraw()
