"""Step 4: what was decided, and the files that are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_jsn.common.notes import counted
from napari_jsn.reading import JointLine
from napari_jsn.viewer.forms.style import text_label


class ReportStep(QWidget):
    """Counts and buttons; ``write`` is emitted with whether DICOM objects are wanted, ``next_patient`` by a button."""

    write: Signal = Signal(bool)
    next_patient: Signal = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.counts: QLabel = text_label("summary")
        self.undecided: QLabel = text_label("reason")
        self.dicom: QCheckBox = QCheckBox("DICOM SR and SEG too")
        self.dicom.setToolTip("A structured report and the segmentations of the bones; needs DICOM radiographs")
        self.write_button: QPushButton = QPushButton("Write table and report…")
        self.write_button.setObjectName("run")
        self.next_button: QPushButton = QPushButton("Done, next patient")
        self.saved: QLabel = text_label("status", selectable=True)
        self.message: QLabel = text_label("failure")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 2, 9, 4)
        for widget in (
            self.counts, self.undecided, self.dicom, self.write_button, self.saved, self.message, self.next_button,
        ):  # fmt: skip
            layout.addWidget(widget)
        layout.addStretch(1)
        self.write_button.clicked.connect(lambda: self.write.emit(self.dicom.isChecked()))
        self.next_button.clicked.connect(self.next_patient)
        self.show_saved("")
        self.show_message("")

    def show_lines(self, lines: Sequence[JointLine], reader: str, visit: str = "") -> None:
        """Show the numbers of decisions, and the joints without one, at the visit (or image) that is named."""
        decided = Counter(line.decision for line in lines if line.decision)
        parts = [f"{number} {name}" for name, number in sorted(decided.items())]
        changed = sum(line.changed_by_hand for line in lines)
        where = f" at {visit}" if visit else ""
        text = f"{counted(len(lines), 'joint')}{where}: {', '.join(parts) or 'none decided'}. "
        text += f"Reader: {reader.rstrip('.')}."
        if changed:
            text += f" {counted(changed, 'joint')} changed by hand."
        self.counts.setText(text)
        missing = [line.title for line in lines if not line.decision]
        outdated = [line.title for line in lines if line.state == "out of date"]
        sentences = [f"Undecided: {', '.join(missing)}."] if missing else []
        sentences += [f"Out of date, measure again: {', '.join(outdated)}."] if outdated else []
        self.undecided.setText("\n".join(sentences))
        self.undecided.setVisible(bool(sentences))

    def clear(self) -> None:
        """Show nothing of a patient."""
        for label in (self.counts, self.undecided):
            label.setText("")
        self.show_saved("")
        self.show_message("")

    def show_saved(self, text: str) -> None:
        """Show which files were written."""
        self.saved.setText(text)
        self.saved.setVisible(bool(text))

    def show_message(self, text: str) -> None:
        """Show an error."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
