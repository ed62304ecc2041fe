"""The figures of one registration, large enough to read at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.registration import labels as words
from napari_jsn.viewer.forms.style import set_property

if TYPE_CHECKING:
    from napari_jsn.registration.result import Registration

#: Lines below the large figure, and what each means.
_LINES = {
    "Pair": "Follow-up against baseline.",
    "Eq. 7": "The raw difference of both bones' shifts (Wang et al. 2023, Eq. 7), without the correction for turn.",
    "Loss": "Mean squared difference before and after the registration, half for each bone (Eq. 6).",
    "Method": "How the bones were registered.",
    "Pixel size": "Of the fixed image, and where it comes from.",
}


class ResultsPanel(QFrame):
    """JSN, its interval, what it means, and what it rests on.

    ``compare`` is emitted when the user asks to see the images side by side, or no longer;
    ``bones_wanted`` when they ask for the bones that were measured.
    """

    compare = Signal(bool)
    bones_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("results")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._hint, self._body = _label("note", "Run shows the narrowing here."), QWidget()
        self._figure, self._meaning, self._interval = _label("figure"), _label("meaning"), _label("interval")
        self._reason = _label("reason")
        self._values = {name: _label("value") for name in _LINES}
        self.side_by_side, self.copy = QPushButton("Side by side"), QPushButton("Copy")
        self.bones = QPushButton("Bones")
        self._lay_out()
        self.side_by_side.setCheckable(True)
        self.side_by_side.setChecked(True)
        self.side_by_side.setToolTip("Fixed, moving, transformed and both loss spectra in napari's grid")
        self.side_by_side.toggled.connect(self.compare)
        self.bones.setToolTip("Add the bones that were measured as a labels layer: look, correct, choose it as masks")
        self.bones.clicked.connect(self.bones_wanted)
        self.copy.setToolTip("Copy these figures as text")
        self.copy.clicked.connect(self._copy)
        self.clear()

    def _copy(self) -> None:
        QApplication.clipboard().setText(self.text())

    def _lay_out(self) -> None:
        outer, layout = QVBoxLayout(self), QVBoxLayout(self._body)
        outer.setContentsMargins(12, 10, 12, 10)
        outer.addWidget(self._hint)
        outer.addWidget(self._body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        title = _label("name", "Joint space narrowing")
        for widget in (title, self._figure, self._meaning, self._interval, self._reason):
            layout.addWidget(widget)
        layout.addSpacing(8)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self._values.items()):
            key = _label("name", name)
            key.setWordWrap(False)
            for column, label in enumerate((key, value)):
                label.setToolTip(_LINES[name])
                label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
                grid.addWidget(label, row, column)
        layout.addLayout(grid)
        layout.addSpacing(8)
        buttons = QHBoxLayout()
        for button in (self.side_by_side, self.bones, self.copy):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout.addLayout(buttons)

    def clear(self) -> None:
        """Show no figures: an old one must not be taken for the pair in the form."""
        self._hint.show()
        self._body.hide()

    def show_result(self, result: Registration, pair: str, spacing: str) -> None:
        """Show a registration.

        Parameters
        ----------
        result : Registration
        pair : str
            Which images it compares.
        spacing : str
            The pixel size and where it comes from.
        """
        self._figure.setText(words.jsn_label(result))
        self._meaning.setText(meaning(result))
        self._interval.setText(f"95 % interval {words.interval_label(result)}".replace(" (", "\n("))
        self._reason.setText("" if result.reliable else f"Not reliable. {result.reason}")
        self._reason.setVisible(not result.reliable)
        loss = " → ".join(words.loss_labels(result))
        facts = (pair, words.eq7_label(result), loss, result.method, spacing)
        for value, text in zip(self._values.values(), facts):
            value.setText(text)
        for label in (self._figure, self._meaning, self._interval):
            set_property(label, "reliable", result.reliable)
        self._hint.hide()
        self._body.show()

    def text(self) -> str:
        """All figures as text, a line each; empty when none are shown."""
        if self._body.isHidden():
            return ""
        shown = [label.text() for label in (self._figure, self._meaning, self._interval, self._reason)]
        shown += [f"{name}: {value.text()}" for name, value in self._values.items()]
        return "\n".join(line for line in shown if line)


def meaning(result: Registration) -> str:
    """The figure in words."""
    low, high = result.ci95_px
    if low <= 0 <= high:
        return "no change beyond the uncertainty"
    return "narrower in the follow-up" if result.jsn_px > 0 else "wider in the follow-up"


def _label(name: str, text: str = "") -> QLabel:
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setIndent(0)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
