"""The dock "Read patient": from the first radiograph to the report, in four steps."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Any
from weakref import ref

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QSize, Qt, QTimer, Signal
from qtpy.QtWidgets import QApplication, QVBoxLayout, QWidget

from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.viewer.forms.process_settings import COLLECTION
from napari_jsn.viewer.forms.run_panel import viewer_or_current
from napari_jsn.viewer.forms.style import inks, text_label
from napari_jsn.viewer.read_patient.canvas.known_length import KnownLength
from napari_jsn.viewer.read_patient.canvas.picture_layers import PictureLayers
from napari_jsn.viewer.read_patient.canvas.viewer_look import ViewerLook, toggle_layer_docks
from napari_jsn.viewer.read_patient.editing import Editing
from napari_jsn.viewer.read_patient.flow import AGAIN, MEASURING, PREPARING, PatientFlow
from napari_jsn.viewer.read_patient.key_list import reading_actions, show_keys
from napari_jsn.viewer.read_patient.keys import ReadingKeys
from napari_jsn.viewer.read_patient.opened import Left, OpenPatient, remember, summary
from napari_jsn.viewer.read_patient.read_controller import ReadController
from napari_jsn.viewer.read_patient.reports import Reports
from napari_jsn.viewer.read_patient.sources import Sources
from napari_jsn.viewer.read_patient.steps.joints import JointsStep
from napari_jsn.viewer.read_patient.steps.radiographs import RadiographsStep
from napari_jsn.viewer.read_patient.steps.read import ReadStep
from napari_jsn.viewer.read_patient.steps.report import ReportStep
from napari_jsn.viewer.read_patient.steps.step import Step
from napari_jsn.viewer.read_patient.style import dock_style

#: Packages that are loaded before the dock says that it is ready: loading them later would block the window.
MODULES = ("sqlalchemy", "pandas", "torch", "skimage.measure", "matplotlib.backends.backend_agg")
#: Waits in ms: before a changed position is saved, and before a changed box or mask is drawn with the figures out of
#: date, because most joints are measured again before.
_SAVE_MS, _EDIT_MS = 150, 1000


class ReadPatient(QWidget):
    """Open the radiographs of a patient, measure the joints, read them, and write the report.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer, optional
        By default the current one.
    """

    #: Emitted when the dock can be used without blocking.
    ready: Signal = Signal()

    @COLLECTION.changed()
    def __init__(self, napari_viewer: Any = None) -> None:
        viewer = self._viewer = viewer_or_current(napari_viewer)
        super().__init__()
        self.radiographs, self.joints = RadiographsStep(), JointsStep()
        self.reading, self.report = ReadStep(viewer), ReportStep()
        self.status = text_label("status", "Preparing …")
        contents = {"Radiographs": self.radiographs, "Joints": self.joints, "Read": self.reading, "Report": self.report}
        self.steps = [Step(k, *one) for k, one in enumerate(contents.items(), start=1)]
        layout = self._rows = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)  # napari's title lies over the first pixels
        layout.setSpacing(2)
        for step in self.steps:
            layout.addWidget(step)
            step.opened.connect(self.open_step)
        layout.addWidget(self.status)
        self.is_ready, self._is_shut, self._return_to = False, False, 0
        self.flow = PatientFlow()
        self.pictures, self._look = PictureLayers(viewer), ViewerLook(viewer)
        self.controller = ReadController(viewer, self.reading, self.pictures)
        self._length = KnownLength(viewer, self.pictures, self.controller.map, self)
        self.sources = Sources(self.radiographs, self.flow, self._length, self.controller.show_patient)
        self.reports = Reports(self.report, self.flow)
        self.editing = Editing(viewer, self.pictures, self.controller, self.joints)
        self._keys: ReadingKeys | None = None
        self._main_window: Callable[[], QWidget | None] = lambda: None
        self._saving, self._edited = QTimer(self), QTimer(self)
        self._saving.setInterval(_SAVE_MS)
        for timer, slot in ((self._saving, self.save_position), (self._edited, self._show_edit)):
            timer.setSingleShot(True)
            timer.timeout.connect(slot)
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
        two, three, flow, control = self.joints, self.reading, self.flow, self.controller
        self.sources.started.connect(lambda: self.open_step(self.steps[1]))
        for part in (self.sources, self.reports, self.editing, control, flow):
            part.failed.connect(self.show_error)
        for done in (flow.written, flow.graded):
            done.connect(lambda *_: self.show_status(""))
        two.abort.connect(flow.jobs.abort)
        two.read.connect(lambda: self.open_step(self.steps[2]))
        three.image.connect(self._update_steps)  # counts are those of the chosen visit
        three.measure_again.connect(flow.measure_again)
        three.grade_by_model.connect(flow.grade_by_model)
        three.keys.connect(lambda: show_keys(self))
        flow.found_changed.connect(self._show_found)
        flow.joints_found.connect(two.show_found)
        flow.joints_found.connect(control.show_patient)
        flow.joints_measured.connect(control.show_measured)
        flow.opened.connect(self._show_opened)
        flow.closing.connect(self._save_all)
        flow.closed.connect(self._show_closed)
        for measured in (flow.measured_again, flow.graded):
            measured.connect(self._show_again)
        flow.jobs.nothing.connect(self._show_nothing)
        flow.jobs.changed.connect(self._update_steps)
        flow.jobs.progressed.connect(self._show_progress)
        control.moved.connect(self._saving.start)
        control.moved.connect(lambda: None if flow.busy else self.show_status(""))  # an error of an earlier key
        control.changed.connect(self._update_steps)
        control.edited.connect(self._after_edit)
        self.editing.changed.connect(self._after_edit)
        self.pictures.disturbed.connect(self._on_disturbed)
        self._viewer.events.theme.connect(self._apply_theme)

    @COLLECTION.changed()
    def _prepare(self) -> None:
        """Create the layers, draw each once, and load what measuring needs; then the dock is ready."""
        if not isalive(self) or self._is_shut:
            return
        self.pictures.adopt_or_create()
        self.pictures.hide_others()
        self.pictures.warm_up()
        window = self.window()
        if isinstance(window, QWidget) and window is not self:
            self._main_window = ref(window)
            actions, held = reading_actions(self), {"Space": self.controller.canvas.hold_followup}
            self._keys = ReadingKeys(window, actions, self._keys_active, held, self._before_close, self._on_escape)
            self.toggle_layer_docks()
        self._look.set_up()
        self.flow.jobs.start(PREPARING, lambda progress: True, self._on_prepared, MODULES)

    def _on_prepared(self, _: Any) -> None:
        if self.flow.patient is None:
            self.pictures.show_only({})
        gc.freeze()  # to look at all packages for garbage blocks the window for 0.3 s
        self.is_ready = True
        self.show_status("Ready.")
        self.ready.emit()
        self.flow.warm_up()
        self._return_to = self.sources.take_over(self._viewer)

    def toggle_layer_docks(self) -> None:
        """Fold away napari's layer docks, or bring them back."""
        toggle_layer_docks(self._main_window() or self)

    def event(self, event: QEvent | None) -> bool:
        """Stop when the dock is closed, which takes the widget out of it."""
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.shut_down()
            self.deleteLater()  # napari lets go of it, but Qt would keep it
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
        self.editing.stop()
        self.flow.jobs.drop()
        self._before_close()
        step = next((k for k, one in enumerate(self.steps) if one.is_open and self.flow.patient is not None), 0)
        remember(self._viewer, Left(self.flow.way_back, self.radiographs.filled(), step))
        self._saving.stop()
        self._edited.stop()
        if self._keys is not None:
            self._keys.stop()
            self._keys = None
        self.controller.stop()
        self._length.stop()
        self.pictures.show_others()
        self.pictures.stop()
        self._look.give_back(self._main_window() or self)
        if self.flow.patient is not None:
            self.flow.patient.close()
            self.flow.patient = None

    def _save_all(self, edits: bool = True) -> None:
        """Save what is not saved yet: a stroke or a box of this moment, a comment that is being typed, the position."""
        if edits:
            self.editing.save_now()
        self.controller.comment(self.reading.comment_field.text())
        self._saving.stop()
        self.save_position()

    def _before_close(self) -> None:
        gc.unfreeze()
        self._save_all()
        QTimer.singleShot(0, self._drop_if_closed)

    def _drop_if_closed(self) -> None:
        """Stop the work when the window was closed; the user may have refused to close it."""
        window = self._main_window()
        if isalive(self) and window is not None and not (isalive(window) and window.isVisible()):
            self.flow.jobs.drop()

    def save_position(self) -> None:
        """Save where the reader is, for the next time."""
        patient, position = self.flow.patient, self.controller.position
        if patient is not None and position is not None:
            try:
                patient.save_position(position.saved() | self.editing.saved())
            except InputError as error:
                self.show_error(str(error), error.argument or "")

    def _keys_active(self) -> bool:
        window = self.window()
        shown = self.isVisible() or (window is not None and not window.isVisible())  # not behind another dock
        return shown and self.flow.patient is not None and self.steps[2].is_open and not self.editing.active

    # ------------------------------------------------------------------------------------------------------------ steps

    def open_step(self, step: Step) -> None:
        """Open one step and fold the others."""
        if step is not self.steps[1]:
            self.editing.stop()
        for each in sorted(self.steps, key=lambda one: one is step):  # two open steps would enlarge the window
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
        busy = self.flow.busy
        self.radiographs.set_busy(busy, found is not None, patient is not None)
        self.joints.show_running(measuring)
        self.steps[1].set_usable(measuring or patient is not None)
        for step in self.steps[2:]:
            step.set_usable(patient is not None and not busy)
        lines = [] if position is None else position.lines
        self.steps[0].set_summary(summary(patient, found))
        self.steps[1].set_summary("" if position is None else counted(len(lines), "joint"))
        self.steps[2].set_summary("" if position is None else self.reading.count.text())
        if patient is not None and position is not None:
            self.report.show_lines(lines, patient.store.reader, self.reading.images.currentText())
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
        text = text.replace("spacing_mm", "the pixel size in the list")  # the package names its argument
        shown: Any = next((step.content for step in self.steps if step.is_open), self.radiographs)
        if argument in ("store", "patient_id", "folder", "reader", "followup", "baseline", "spacing_mm"):
            shown = self.radiographs
            self.open_step(self.steps[0])
        (self.show_status if shown is self.reading else shown.show_message)(text)

    def _on_escape(self) -> bool:
        """Cancel what waits for the mouse, else abort the measurement; return whether there was something."""
        return self.editing.stop_adding() or self._length.stop() or self.flow.abort()

    def _show_progress(self, done: int, total: int, message: str) -> None:
        if self.flow.jobs.what == MEASURING:
            self.joints.show_progress(done, total, message)
        elif self.flow.busy:
            self.show_status(message)

    def _show_found(self) -> None:
        found = self.flow.found
        if found is not None:
            self.show_status("")
            self._update_steps()
            self.pictures.hide_others()
            self.controller.show_patient(found.patient)

    def _show_opened(self, patient: OpenPatient) -> None:
        self.pictures.hide_others()
        self.show_status("")
        self._look.show_scale(True)
        self.controller.open(patient.item, patient.title, patient.saved)
        notes = [] if patient.item.blinded else [str(note) for note in patient.item.progression.notes]
        self.joints.show_notes(notes)
        self.reading.show_notes(notes)
        self.joints.status.setText("")
        if not patient.item.blinded:
            self.radiographs.show_method(patient.item.progression.method)
        self.report.show_saved("")
        step, self._return_to = self._return_to, 0
        self.open_step(self.steps[step or 2])
        self._update_steps()

    def _show_closed(self) -> None:
        self.editing.stop()
        self.controller.close()
        self._look.show_scale(False)
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
        self.flow.measure_again()
        measuring = self.flow.jobs.running and self.flow.jobs.what == AGAIN
        self._edited.start(_EDIT_MS if measuring else 0)

    def _show_edit(self) -> None:
        if isalive(self) and QApplication.mouseButtons() != Qt.MouseButton.NoButton:
            self._edited.start(_SAVE_MS)  # not while a box is dragged
        elif isalive(self):
            self._edited.stop()
            self.controller.refresh()
            self._update_steps()

    def _show_nothing(self) -> None:
        """Return to radiographs or patient: a measurement was aborted before a joint was measured."""
        if self.flow.patient is not None:
            self.open_step(self.steps[2])
        elif self.flow.found is not None:
            self.open_step(self.steps[0])
            self.controller.show_patient(self.flow.found.patient)
            self.radiographs.show_message("Aborted before a joint was measured, so nothing was saved.")

    def _show_again(self) -> None:
        position = self.controller.position
        if position is not None:
            position.refresh()
            self._show_edit()

    def _on_disturbed(self, what: str) -> None:
        """Close the patient, because its figures would stand beside other images."""
        if self.flow.patient is None and self.flow.found is None and not self.flow.jobs.running:
            QTimer.singleShot(0, self._repair)
            return
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
