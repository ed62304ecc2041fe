"""Step 2: progress of the measurement, and the tools that change boxes and masks."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.joint import LOWER, UPPER
from napari_jsn.patient.patient import Patient
from napari_jsn.viewer.forms.status import Status
from napari_jsn.viewer.forms.style import set_property, text_label


class JointsStep(QWidget):
    """Progress and tools.

    ``abort``, ``read``, ``undo``, ``redo``, ``reset`` are emitted by buttons, ``boxes`` and ``masks`` with whether
    editing begins, ``add`` with the name of a joint that the next click adds, ``label`` with the label to paint.
    """

    abort: Signal = Signal()
    read: Signal = Signal()
    boxes: Signal = Signal(bool)
    masks: Signal = Signal(bool)
    add: Signal = Signal(str)
    undo: Signal = Signal()
    redo: Signal = Signal()
    reset: Signal = Signal()
    label: Signal = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.bar: QProgressBar = QProgressBar()
        self.bar.setTextVisible(False)
        self.status: QLabel = text_label("status")
        self.notes: QLabel = text_label("note")
        self.message: QLabel = text_label("failure")
        self.abort_button: QPushButton = QPushButton("Abort")
        self.boxes_button, self.masks_button = QPushButton("Change boxes"), QPushButton("Paint bones")
        self.add_button, self.reset_button = QPushButton("Add joint"), QPushButton("Reset this joint")
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.read_button: QPushButton = QPushButton("Read")
        self.read_button.setObjectName("run")
        self._missing = QMenu(self.add_button)
        self.add_button.setMenu(self._missing)
        for button in (self.boxes_button, self.masks_button):
            button.setCheckable(True)
            button.toggled.connect(lambda on, button=button: button.setText(_TITLES[button is self.boxes_button][on]))
        self.boxes_button.setToolTip("Move, rotate and resize boxes with their handles; Delete removes one")
        self.masks_button.setToolTip("Paint the bones of the joint: 1 upper, 2 lower, 3 both")
        self.add_button.setToolTip("Choose a joint that is missing, then click on its joint space")
        self.reset_button.setToolTip("Return box and masks of the joint to what was measured")
        layout, tools = QVBoxLayout(self), QGridLayout()
        layout.setContentsMargins(9, 2, 9, 4)
        layout.addWidget(self.status)
        layout.addWidget(self.bar)
        layout.addWidget(self.abort_button)
        pairs = (
            (self.boxes_button, self.masks_button),
            (self.add_button, self.reset_button),
            (self.undo_button, self.redo_button),
        )
        for row, pair in enumerate(pairs):
            for column, button in enumerate(pair):
                button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
                tools.addWidget(button, row, column)
        layout.addLayout(tools)
        layout.addWidget(self._label_row())
        layout.addWidget(self.notes)
        layout.addWidget(self.message)
        layout.addStretch(1)
        layout.addWidget(self.read_button)
        self.abort_button.clicked.connect(self.abort)
        self.read_button.clicked.connect(self.read)
        self.boxes_button.toggled.connect(self.boxes)
        self.masks_button.toggled.connect(self.masks)
        self.undo_button.clicked.connect(self.undo)
        self.redo_button.clicked.connect(self.redo)
        self.reset_button.clicked.connect(self.reset)
        self._progress = Status()
        self.show_running(False)
        self.show_message("")
        self.show_notes(())

    def _label_row(self) -> QWidget:
        """Return the row that chooses what is painted, which is shown while bones are painted."""
        row, group = QWidget(), QButtonGroup(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        self.label_buttons: dict[int, QPushButton] = {}
        for label, title in _LABELS.items():
            button = self.label_buttons[label] = QPushButton(title)
            button.setObjectName("view")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setToolTip(f"Label {label}")
            button.clicked.connect(lambda _, label=label: self.label.emit(label))
            group.addButton(button)
            layout.addWidget(button, 1)
        self.masks_button.toggled.connect(row.setVisible)
        row.hide()
        return row

    def show_label(self, label: int) -> None:
        """Show which label is painted."""
        if label in self.label_buttons:
            self.label_buttons[label].setChecked(True)

    def show_running(self, running: bool) -> None:
        """Show bar and Abort during a run, and the tools otherwise."""
        for widget in (self.status, self.bar, self.abort_button):
            widget.setVisible(running)
        for widget in (
            self.boxes_button, self.masks_button, self.add_button, self.reset_button, self.undo_button,
            self.redo_button, self.read_button,
        ):  # fmt: skip
            widget.setVisible(not running)

    def show_progress(self, done: int, total: int, message: str) -> None:
        """Show how far the run is, and the seconds left."""
        self.bar.setRange(0, max(total, 1))  # a range of 0 would be animated, and repaint the canvas all the time
        self.bar.setValue(done if total else 0)
        self.status.setText(self._progress.text(done, total, message))

    def show_found(self, patient: Patient) -> None:
        """Show which joints were found, while they are measured."""
        hands = [f"{hand.label}: {len(hand.joints)} joints" for hand in patient.hands]
        self.show_notes([f"Found at {'; '.join(hands)}."])

    def clear(self) -> None:
        """Show nothing of a patient."""
        self.status.setText("")
        self.show_notes(())
        self.show_message("")
        self.show_missing(())

    def show_notes(self, notes: Sequence[str]) -> None:
        """Show what applies to all figures."""
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))

    def show_message(self, text: str, is_hint: bool = False) -> None:
        """Show an error, or what the user does next."""
        set_property(self.message, "hint", is_hint)
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def show_missing(self, names: Sequence[str]) -> None:
        """Set the joints that can be added."""
        self._missing.clear()
        for name in names:
            self._missing.addAction(name, lambda name=name: self.add.emit(name))
        self.add_button.setEnabled(bool(names))

    def stop_editing(self, mode: str) -> None:
        """Release the button of a tool: ``"boxes"`` or ``"masks"``."""
        (self.boxes_button if mode == "boxes" else self.masks_button).setChecked(False)


#: What is painted, by label.
_LABELS = {UPPER: "Upper bone", LOWER: "Lower bone", UPPER | LOWER: "Both", 0: "Erase"}
_TITLES = {True: ("Change boxes", "Boxes are changed: end"), False: ("Paint bones", "Bones are painted: end")}
