"""Step 3: the list of joints, how the joint is shown, and what the reader decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.reading import ALIGNMENTS, Position, read_text, shipped_method
from napari_jsn.reading.joints.joint_list import FILTERS
from napari_jsn.viewer.forms.style import set_property, text_label
from napari_jsn.viewer.hands_widget.trend import TrendPlot
from napari_jsn.viewer.read_patient.steps.joint_table import JointTable
from napari_jsn.viewer.read_patient.steps.score_table import ScoreTable
from napari_jsn.viewer.read_patient.steps.step import ElidedLabel

#: Buttons of the views, with their keys.
_VIEWS = {
    "side by side": ("Side by side", "S"), "blink": ("Blink", "B"), "difference": ("Difference", "D"),
    "loss spectra": ("Spectra", "L"), "hand": ("Hand", "H"),
}  # fmt: skip
DECISIONS = {"accepted": ("Accept", "A"), "rejected": ("Reject", "R"), "unsure": ("Unsure", "U")}


class ReadStep(QWidget):
    """The list, the views, the decisions and the comment of the step Read.

    ``decide`` carries a decision, ``comment`` a text, ``view``, ``align`` and ``filter`` a choice, ``image`` a number.
    """

    decide: Signal = Signal(str)
    comment: Signal = Signal(str)
    view: Signal = Signal(str)
    align: Signal = Signal(str)
    filter: Signal = Signal(str)
    image: Signal = Signal(int)
    undo: Signal = Signal()
    score_mode: Signal = Signal(bool)
    measure_again: Signal = Signal()
    grade_by_model: Signal = Signal()
    keys: Signal = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.count: QLabel = QLabel()
        self.filters: QComboBox = _combo(
            FILTERS, {"all": "All joints", "doubtful": "Doubtful", "undecided": "Undecided"}
        )
        self.images: QComboBox = QComboBox()
        self.images.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table: JointTable = JointTable()
        self.scores: ScoreTable = ScoreTable()
        self.figures: ElidedLabel = ElidedLabel("figures")
        self.reason: QLabel = text_label("reason")
        self.notes: ElidedLabel = ElidedLabel("reason")
        self.trend: TrendPlot = TrendPlot(viewer)
        self.comment_field: QLineEdit = QLineEdit()
        self.comment_field.setPlaceholderText("Comment (C)")
        self.comment_field.setMaxLength(500)
        self.again_button: QPushButton = _button("Measure this joint again", "")
        self.model_button: QPushButton = _button("Grade by the network", "")
        self.model_button.setToolTip("Show the grades of a network that learned on simulated hands beside yours")
        self.score_button: QPushButton = _button("Scores", "G")
        self.score_button.setCheckable(True)
        self.undo_button: QPushButton = _button("Undo", "Z")
        self.keys_button: QPushButton = _button("Keys", "?")
        self.align_label: QLabel = QLabel("Align to")
        self.aligned: QComboBox = _combo(ALIGNMENTS, {name: text.capitalize() for name, text in ALIGNMENTS.items()})
        self.view_buttons: dict[str, QPushButton] = {}
        self.decision_buttons: dict[str, QPushButton] = {}
        self._commented: tuple[int, str, str] | None = None
        self._arrange()
        self.show_notes(())
        self.filters.activated.connect(lambda index: self.filter.emit(self.filters.itemData(index)))
        self.images.activated.connect(lambda index: self.image.emit(self.images.itemData(index)))
        self.aligned.activated.connect(lambda index: self.align.emit(self.aligned.itemData(index)))
        self.comment_field.editingFinished.connect(lambda: self.comment.emit(self.comment_field.text()))
        self.comment_field.returnPressed.connect(self.comment_field.clearFocus)  # keys are those of the reading again
        self.undo_button.clicked.connect(self.undo)
        self.keys_button.clicked.connect(self.keys)
        self.again_button.clicked.connect(self.measure_again)
        self.model_button.clicked.connect(self.grade_by_model)
        self.score_button.toggled.connect(self.score_mode)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 2, 9, 4)
        layout.setSpacing(4)
        top = QHBoxLayout()
        top.addWidget(self.images, 3)
        top.addWidget(self.filters, 2)
        top.addWidget(self.score_button, 0)
        layout.addLayout(top)
        layout.addWidget(self.table, 3)
        layout.addWidget(self.scores, 3)
        layout.addWidget(self.model_button)
        layout.addWidget(self.figures)
        layout.addWidget(self.reason)
        layout.addWidget(self.notes)
        layout.addWidget(self.again_button)
        layout.addWidget(self.trend)
        layout.addLayout(self._view_row())
        row = QHBoxLayout()
        row.addWidget(self.align_label)
        row.addWidget(self.aligned, 1)
        row.addWidget(self.undo_button)
        row.addWidget(self.keys_button)
        layout.addLayout(row)
        layout.addWidget(self.comment_field)
        decisions = QHBoxLayout()
        for name, (title, key) in DECISIONS.items():
            button = self.decision_buttons[name] = _button(f"{title} ({key})", "")
            button.setObjectName("decision")
            button.setCheckable(True)
            button.clicked.connect(lambda _, name=name: self.decide.emit(name))
            decisions.addWidget(button, 1)
        layout.addLayout(decisions)

    def _view_row(self) -> QGridLayout:
        row, group = QGridLayout(), QButtonGroup(self)
        row.setSpacing(3)
        group.setExclusive(True)
        for column, (name, (title, key)) in enumerate(_VIEWS.items()):
            button = self.view_buttons[name] = _button(title, key)
            button.setCheckable(True)
            button.setObjectName("view")
            group.addButton(button)
            button.clicked.connect(lambda _, name=name: self.view.emit(name))
            row.addWidget(button, 0, column)
        return row

    def show_notes(self, notes: Sequence[str]) -> None:
        """Show what applies to all figures, in one line whose tip has all of it."""
        self.notes.setText(" ".join(notes))
        self.notes.setVisible(bool(notes))

    def clear(self) -> None:
        """Show nothing of a patient."""
        self.show_notes(())
        self.table.show_lines([], ("", ""), False)
        self.scores.show_lines([], "", "")
        self.set_images([])
        for label in (self.count, self.figures, self.reason):
            label.setText("")
        self.comment_field.setText("")
        self.trend.hide()

    def set_images(self, choices: list[tuple[int, str]]) -> None:
        """Set the images whose figures can be shown."""
        self.images.clear()
        self.images.setToolTip("The visit whose figures are listed, on which you decide, and which is graded")
        for number, label in choices:
            self.images.addItem(label, number)
        self.images.setVisible(len(choices) > 1)

    def show_position(self, position: Position, busy: bool = False) -> None:
        """Show list, figures and decision of the position."""
        item, line = position.item, position.line
        self.count.setText(read_text(position.lines))
        self.filters.setCurrentIndex(self.filters.findData(position.filter))
        self.images.setCurrentIndex(self.images.findData(position.image))
        self.aligned.setCurrentIndex(self.aligned.findData(position.align))
        for widget in (self.aligned, self.align_label):
            widget.setVisible(not item.blinded and len(item.images) > 1)
        for name, button in self.view_buttons.items():
            button.setChecked(name == position.view)
            button.setVisible(
                name in ("side by side", "hand")
                or (len(item.images) > 1 and name != "loss spectra")
                or (name == "loss spectra" and not item.blinded and len(item.images) > 1)
            )
        self.table.setVisible(not position.scoring)
        self.scores.setVisible(position.scoring)
        self.score_button.setChecked(position.scoring)
        self.table.show_lines(position.shown_lines, (position.side, position.joint), item.blinded)
        lines = position.score_lines() if position.scoring else []
        if position.scoring:
            self.scores.show_lines(lines, position.site, position.kind)
        asked = position.scoring and not (busy or item.blinded or any(line.model for line in lines))
        self.model_button.setVisible(asked and bool(shipped_method()))
        for name, button in self.decision_buttons.items():
            button.setChecked(line is not None and line.decision == name)
        key = None if line is None else (position.image, *line.key)
        if key != self._commented or not self.comment_field.isModified():  # not while it is typed
            self._commented = key
            self.comment_field.setText("" if line is None else line.comment)
        self.undo_button.setEnabled(item.can_undo)
        outdated = line is not None and line.state == "out of date"
        self.again_button.setVisible(outdated and not busy)
        self._show_figures(position)

    def _show_figures(self, position: Position) -> None:
        line = position.line
        text, reason = "", ""
        if line is not None and not position.item.blinded:
            text = f"{line.title}  "
            if line.state == "out of date":
                text += "changed since it was measured"
            elif line.jsn.known:
                digits = 3 if line.unit == "mm" else 1
                low, high = line.jsn.ci95
                text += f"JSN {line.jsn.value:+.{digits}f} {line.unit} [{low:+.{digits}f}, {high:+.{digits}f}]"
            reason = line.reason if line.state == "failed" else ""
        elif line is not None:
            text = f"{line.title}  Figures are hidden until the session is locked."
        self.figures.setText(text)
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))
        set_property(self.figures, "reliable", line is None or line.state in ("good", "wide"))


def _button(title: str, key: str) -> QPushButton:
    button = QPushButton(title)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if key:
        button.setToolTip(f"{title} ({key})")
    return button


def _combo(values: Any, titles: dict[str, str]) -> QComboBox:
    combo = QComboBox()
    combo.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    for name in values:
        combo.addItem(titles.get(name, name), name)
    return combo
