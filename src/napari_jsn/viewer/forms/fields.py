"""The editors of the form: a layer, a pixel size, a choice; each with its label and its message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.forms.style import set_property


class Field(QObject):
    """Label, editor and message of one input.

    ``changed`` is emitted whenever the user, or a change of the layers, gives it another value.
    """

    changed = Signal()

    def __init__(self, editor: QWidget, label: str, tip: str) -> None:
        super().__init__(editor)
        self.editor = self.marked = editor
        self.label = QLabel(label)
        self.label.setBuddy(editor)
        self.message = QLabel()
        self.message.setObjectName("message")
        self.message.setWordWrap(True)
        self.message.hide()
        for widget in (self.label, editor):
            widget.setToolTip(tip)

    def show_problem(self, problem: str, empty: bool = False) -> None:
        """Say below the editor what is wrong, quietly where it is only still empty; nothing wrong: no message."""
        self.message.setText(problem)
        self.message.setVisible(bool(problem))
        set_property(self.message, "empty", empty)
        set_property(self.marked, "wrong", bool(problem) and not empty)


class LayerField(Field):
    """A layer of the viewer, chosen by the user or else by default."""

    def __init__(self, label: str, tip: str, none: str | None = None) -> None:
        self._combo = QComboBox()
        super().__init__(self._combo, label, tip)
        self._none, self._layers, self._chosen = none, [], None
        self._tip = tip
        # a long name must not widen the dock
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(14)
        self._combo.activated.connect(self._choose)

    def value(self) -> Any:
        """The layer, or None."""
        index = self._combo.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def offer(self, layers: Iterable[Any], default: Any) -> None:
        """Show these layers; keep what the user chose while it is among them, else take the default."""
        before = self.value()
        self._layers = ([] if self._none is None else [None]) + list(layers)
        self._combo.clear()
        self._combo.addItems([self._none if layer is None else layer.name for layer in self._layers])
        keep = self._chosen is not None and any(layer is self._chosen[0] for layer in self._layers)
        if not keep:
            self._chosen = None
        self.take(self._chosen[0] if keep else default)
        if self.value() is not before:
            self.changed.emit()

    def take(self, layer: Any) -> None:
        """Select a layer that is on offer."""
        index = next((i for i, offered in enumerate(self._layers) if offered is layer), -1)
        self._combo.setCurrentIndex(index)
        self._combo.setToolTip(f"{self._combo.currentText()}\n\n{self._tip}".strip())

    def _choose(self) -> None:
        self._chosen = (self.value(),)
        self.take(self.value())
        self.changed.emit()


class SpacingField(Field):
    """A pixel size in mm; empty where it is not known."""

    def __init__(self, label: str, tip: str, empty: str) -> None:
        box = QWidget()
        self._edit = QLineEdit()
        self._edit.setPlaceholderText(empty)
        layout = QHBoxLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._edit)
        layout.addWidget(QLabel("mm"))
        super().__init__(box, label, tip)
        self.label.setBuddy(self._edit)
        self.marked = self._edit
        self._edit.textEdited.connect(self._edited)
        self.edited = False

    def value(self) -> Spacing:
        """Millimetres, (row, col) where two numbers were given; None when empty, NaN for what is no number."""
        text = self._edit.text().strip().replace(",", ".")
        try:
            sides = [float(side) for side in text.lower().replace("×", "x").split("x")] if text else [None]
        except ValueError:
            return float("nan")
        return sides[0] if len(sides) == 1 else tuple(sides) if len(sides) == 2 else float("nan")

    def show_empty(self, empty: str) -> None:
        """What stands there, greyed, while it is empty."""
        self._edit.setPlaceholderText(empty)

    def prefill(self, spacing_mm: Spacing) -> None:
        """Show what the layer says, whatever was typed before."""
        sides = () if spacing_mm is None else spacing_mm if isinstance(spacing_mm, tuple) else (spacing_mm,)
        self._edit.setText(" x ".join(f"{side:.6g}" for side in sides))
        self.edited = False

    def _edited(self) -> None:
        self.edited = True
        self.changed.emit()


class ChoiceField(Field):
    """One of a few words."""

    def __init__(self, label: str, tip: str, choices: Iterable[str], default: str) -> None:
        self._combo = QComboBox()
        super().__init__(self._combo, label, tip)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.addItems(list(choices))
        self._combo.setCurrentText(default)
        self._combo.activated.connect(self.changed)

    def offer(self, choices: Iterable[str], default: str | None = None) -> None:
        """Show these words; keep the one chosen while it is among them, unless another is asked for."""
        choices, before = list(choices), self.value()
        self._combo.clear()
        self._combo.addItems(choices)
        self._combo.setCurrentText(default if default in choices else before)
        if self.value() != before:
            self.changed.emit()

    def value(self) -> str:
        """The word chosen."""
        return self._combo.currentText()


class TextField(Field):
    """A line of text; None where it is empty."""

    def __init__(self, label: str, tip: str, empty: str = "") -> None:
        self._edit = QLineEdit()
        super().__init__(self._edit, label, tip)
        self.show_empty(empty)
        self._edit.textEdited.connect(self.changed)

    def show_empty(self, empty: str) -> None:
        """What stands there, greyed, while it is empty."""
        self._edit.setPlaceholderText(empty)

    def value(self) -> str | None:
        """The text, without blanks around it."""
        return self._edit.text().strip() or None

    def set(self, text: str) -> None:
        """Write it."""
        self._edit.setText(text)
        self.changed.emit()


class CountField(TextField):
    """A whole number; None where it is empty, 0 for what is none."""

    def value(self) -> int | None:  # type: ignore[override]
        """The number."""
        text = super().value()
        return int(text) if text and text.isdecimal() else None if text is None else 0


class FolderField(TextField):
    """A folder, typed or browsed for."""

    def __init__(self, label: str, tip: str) -> None:
        super().__init__(label, tip, "choose a folder")
        box, browse = QWidget(), QPushButton("Browse")
        layout = QHBoxLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._edit)
        layout.addWidget(browse)
        self.editor = box
        browse.clicked.connect(self._browse)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.editor, "Folder of joint images and masks", self.value() or "")
        if folder:
            self.set(folder)
