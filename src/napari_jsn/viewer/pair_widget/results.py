"""The panel with the figures of one registration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QGridLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_jsn.registration import labels
from napari_jsn.viewer.forms.style import set_property, text_label

if TYPE_CHECKING:
    from napari_jsn.registration.result import Registration

#: Lines below the large figure, and their tips.
_LINES = {
    "Pair": "Follow-up against baseline.",
    "Eq. 7": "The difference of both bones' translations, not corrected for rotation (Wang et al. 2023, Eq. 7).",
    "Loss": "Mean squared difference before and after the registration, half for each bone (Eq. 6).",
    "Method": "How the bones were registered.",
    "Pixel size": "Of the fixed image, and where it comes from.",
}


class ResultsPanel(QFrame):
    """JSN with its interval and its direction, and the facts of the registration.

    ``side_by_side_toggled`` is emitted when the user switches the view side by side on or off; ``bones_requested`` when
    the user asks for the bones that were measured; ``figure_requested`` when the user saves the figure.
    """

    side_by_side_toggled: Signal = Signal(bool)
    bones_requested: Signal = Signal()
    figure_requested: Signal = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("results")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._hint, self._body = _label("note", "Run shows the narrowing here."), QWidget()
        self._figure, self._direction, self._interval = _label("figure"), _label("direction"), _label("interval")
        self._reason = _label("reason")
        self._values = {name: _label("value") for name in _LINES}
        self.side_by_side: QPushButton = QPushButton("Side by side")
        self.copy: QPushButton = QPushButton("Copy")
        self.bones: QPushButton = QPushButton("Bones")
        self.figure: QPushButton = QPushButton("Figure\u2026")
        self._add_widgets()
        self.side_by_side.setCheckable(True)
        self.side_by_side.setChecked(True)
        self.side_by_side.setToolTip("Fixed, moving, transformed and both loss spectra in napari's grid")
        self.side_by_side.toggled.connect(self.side_by_side_toggled)
        self.bones.setToolTip(
            "Add the bones that were measured as a labels layer, to check them, correct them and choose them as masks"
        )
        self.bones.clicked.connect(self.bones_requested)
        self.figure.setToolTip("Save the six-panel figure as PNG or SVG")
        self.figure.clicked.connect(self.figure_requested)
        self.copy.setToolTip("Copy these figures as text")
        self.copy.clicked.connect(self._copy)
        self.clear()

    def _copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self.text())

    def _add_widgets(self) -> None:
        outer, layout = QVBoxLayout(self), QVBoxLayout(self._body)
        outer.setContentsMargins(12, 10, 12, 10)
        outer.addWidget(self._hint)
        outer.addWidget(self._body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        title = _label("name", "Joint space narrowing")
        for widget in (title, self._figure, self._direction, self._interval, self._reason):
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
        buttons = QGridLayout()  # in two rows, which fit at large fonts too
        for k, button in enumerate((self.side_by_side, self.bones, self.figure, self.copy)):
            buttons.addWidget(button, *divmod(k, 2))
        layout.addLayout(buttons)

    def clear(self) -> None:
        """Remove the figures."""
        self.set_current(False)

    def set_current(self, current: bool) -> None:
        """Show the figures if they are those of the pair in the form, else hide them."""
        self._hint.setVisible(not current)
        self._body.setVisible(current)

    def show_result(self, result: Registration, pair: str, spacing: str) -> None:
        """Show a registration.

        Parameters
        ----------
        result : Registration
        pair : str
            Names of the two images.
        spacing : str
            The pixel size and where it comes from.
        """
        self._figure.setText(labels.jsn_label(result))
        self._direction.setText(direction_label(result))
        self._interval.setText(f"95 % interval {labels.interval_label(result)}".replace(" (", "\n("))
        state = labels.state_label(result)
        self._reason.setText("" if state == "good" else f"{state[:1].upper()}{state[1:]}")
        self._reason.setVisible(state != "good")
        loss = " → ".join(labels.loss_labels(result))
        facts = (pair, labels.eq7_label(result), loss, result.method, spacing)
        for value, text in zip(self._values.values(), facts):
            value.setText(text)
        for label in (self._figure, self._direction, self._interval):
            set_property(label, "reliable", result.reliable)
        self.set_current(True)

    def text(self) -> str:
        """Return all figures as text, a line each; empty where none are shown."""
        if self._body.isHidden():
            return ""
        shown = [label.text() for label in (self._figure, self._direction, self._interval, self._reason)]
        shown += [f"{name}: {value.text()}" for name, value in self._values.items()]
        return "\n".join(line for line in shown if line)


def direction_label(result: Registration) -> str:
    """Return in words whether the joint space is narrower, wider or unchanged."""
    low, high = result.ci95_px
    if low <= 0 <= high:
        return "no change beyond the uncertainty"
    return "narrower in the follow-up" if result.jsn_px > 0 else "wider in the follow-up"


def _label(name: str, text: str = "") -> QLabel:
    return text_label(name, text, selectable=True)
