"""What the step Report does: it asks for a folder, writes the files, and opens the next patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QFileDialog

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.read_patient.flow import PatientFlow
from napari_jsn.viewer.read_patient.steps.report import ReportStep


class Reports(QObject):
    """Connects the step Report with the flow; ``failed`` carries a sentence and the argument that it is about."""

    failed: Signal = Signal(str, str)

    def __init__(self, step: ReportStep, flow: PatientFlow) -> None:
        super().__init__()
        self._step, self._flow = step, flow
        step.write.connect(self.ask_folder)
        step.next_patient.connect(lambda: self._try(flow.finish))
        flow.written.connect(self._show_written)

    def ask_folder(self, dicom: bool) -> None:
        """Ask for a folder and write the report into it."""
        patient = self._flow.patient
        if patient is None:
            return
        self._step.show_message("")
        try:
            self._flow.check_report()
        except InputError as error:
            self.failed.emit(str(error), error.argument or "")
            return
        start = str(patient.folder.parent)
        folder = QFileDialog.getExistingDirectory(self._step, "Folder for the table and the report", start)
        if folder:
            self._try(lambda: self._flow.write_report(folder, dicom))

    def _show_written(self, files: list[Path]) -> None:
        self._step.show_saved(f"Saved {', '.join(file.name for file in files)} in {files[0].parent}.")

    def _try(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except InputError as error:
            self.failed.emit(str(error), error.argument or "")
