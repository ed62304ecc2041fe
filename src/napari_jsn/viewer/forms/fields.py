"""Fields of a form: a layer, a pixel size, a choice, a text, a folder, a model; each with label and message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from napari_jsn.common.errors import InputError
from napari_jsn.networks.weights import names
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.forms.style import set_property, text_label

_SHORT_COMBO = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon


class FormField(QObject):
    """Label, editor and message of one input.

    ``changed`` is emitted when the user, a script or a change of the layers changes the value.

    Parameters
    ----------
    editor : QWidget
    label, tip : str
    input_widget : QWidget, optional
        The part of the editor that is marked when its value is invalid; by default the editor.
    """

    changed: Signal = Signal()

    def __init__(self, editor: QWidget, label: str, tip: str, input_widget: QWidget | None = None) -> None:
        super().__init__(editor)
        self.name: str = ""  # in the form, set by the form
        self.editor: QWidget = editor
        self.input_widget: QWidget = input_widget or editor
        self.label: QLabel = QLabel(label)
        self.label.setBuddy(self.input_widget)
        self.message: QLabel = text_label("message")
        self.message.hide()
        for widget in (self.label, editor):
            widget.setToolTip(tip)

    @property
    def value(self) -> Any:
        """The value; None where the field is empty. A script can set it, as a user does.

        Raises
        ------
        InputError
            If the value that is set cannot be chosen or typed here.
        """
        return self.get_value()

    @value.setter
    def value(self, value: Any) -> None:
        self.set_value(value)
        self.changed.emit()

    def get_value(self) -> Any:
        """Return the value."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show the value as if the user had given it."""
        raise NotImplementedError

    def refuse(self, problem: str) -> NoReturn:
        """Raise an InputError that names the field."""
        raise InputError(f"{self.name}: {problem}", self.name)

    def show_problem(self, problem: str, empty: bool = False) -> None:
        """Show a sentence on what is wrong below the editor, in grey where it is only empty; "" hides the message."""
        self.message.setText(problem)
        self.message.setVisible(bool(problem))
        set_property(self.message, "empty", empty)
        set_property(self.input_widget, "invalid", bool(problem) and not empty)

    def set_visible(self, visible: bool) -> None:
        """Show or hide label and editor."""
        self.label.setVisible(visible)
        self.editor.setVisible(visible)


class LayerField(FormField):
    """A layer of the viewer, chosen by the user or else by default.

    Parameters
    ----------
    label, tip : str
    none : str, optional
        The text of the choice "no layer"; by default there is no such choice.
    """

    def __init__(self, label: str, tip: str, none: str | None = None) -> None:
        self._combo = QComboBox()
        super().__init__(self._combo, label, tip)
        self._none, self._tip = none, tip
        self._layers: list[Any] = []
        self._user_choice: tuple[Any] | None = None  # in a tuple, because "no layer" can be chosen too
        self._combo.setSizeAdjustPolicy(_SHORT_COMBO)  # a long name must not widen the dock
        self._combo.setMinimumContentsLength(14)
        self._combo.activated.connect(self._choose)

    def get_value(self) -> Any:
        """Return the layer, or None."""
        index = self._combo.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def set_value(self, value: Any) -> None:
        """Select a layer of the viewer, or None where there is a choice for it."""
        if not any(layer is value for layer in self._layers):
            name = repr(getattr(value, "name", type(value).__name__))
            self.refuse(f"{name} is no layer of this viewer that can be chosen here. Add it to the viewer first.")
        self._user_choice = (value,)
        self._select(value)

    def forget_choice(self) -> None:
        """Select the default when the choices are set next, and not what the user chose before."""
        self._user_choice = None

    def set_choices(self, layers: Iterable[Any], default: Any) -> None:
        """Show these layers; keep the user's choice while it is one of them, else select the default."""
        before = self.value
        self._layers = ([] if self._none is None else [None]) + list(layers)
        self._combo.clear()
        self._combo.addItems([self._none if layer is None else layer.name for layer in self._layers])
        choice = self._user_choice
        if choice is not None and not any(layer is choice[0] for layer in self._layers):
            choice = self._user_choice = None
        self._select(default if choice is None else choice[0])
        if self.value is not before:
            self.changed.emit()

    def _select(self, layer: Any) -> None:
        index = next((i for i, offered in enumerate(self._layers) if offered is layer), -1)
        self._combo.setCurrentIndex(index)
        self._combo.setToolTip(f"{self._combo.currentText()}\n\n{self._tip}".strip())

    def _choose(self) -> None:
        self._user_choice = (self.value,)
        self._select(self.value)
        self.changed.emit()


class ChoiceField(FormField):
    """One of a few texts; None where there is nothing to choose."""

    def __init__(self, label: str, tip: str, choices: Iterable[str], default: str) -> None:
        self._combo = QComboBox()
        super().__init__(self._combo, label, tip)
        self._combo.setSizeAdjustPolicy(_SHORT_COMBO)
        self._combo.addItems(list(choices))
        self._combo.setCurrentText(default)
        self._combo.activated.connect(self.changed)

    def get_value(self) -> str | None:
        """Return the text that is selected."""
        return self._combo.currentText() or None

    def set_value(self, value: Any) -> None:
        """Select a text."""
        choices = [self._combo.itemText(k) for k in range(self._combo.count())]
        if value not in choices:
            self.refuse(f"There is no choice {value!r}. Choose one of: {', '.join(choices)}.")
        self._combo.setCurrentText(value)

    def set_choices(self, choices: Iterable[str], default: str | None = None) -> None:
        """Show these texts; select the default where one is given, else keep the selected one while it is there."""
        choices, before = list(choices), self.value
        self._combo.clear()
        self._combo.addItems(choices)
        self._combo.setCurrentText(default if default in choices else before or "")
        if self.value != before:
            self.changed.emit()


class _Models(QObject):
    """Emits ``changed`` with task and name when a model was saved."""

    changed: Signal = Signal(str, str)


models: _Models = _Models()


class ModelField(ChoiceField):
    """A model of a task by name: the shipped ones and the user's own, a new one as soon as it is saved."""

    def __init__(self, label: str, tip: str, task: str = "segmentation") -> None:
        super().__init__(label, tip, names(task), "default")
        self._task = task
        models.changed.connect(self._update_choices)

    def _update_choices(self, task: str, name: str) -> None:
        if task == self._task:
            self.set_choices(names(task))


class TextField(FormField):
    """A line of text.

    Parameters
    ----------
    label, tip : str
    placeholder : str
        Shown in grey while the field is empty.
    beside : QWidget, optional
        Shown at the right of the line.
    """

    def __init__(self, label: str, tip: str, placeholder: str = "", beside: QWidget | None = None) -> None:
        self._edit = QLineEdit()
        editor: QWidget = self._edit
        if beside is not None:
            editor = QWidget()
            layout = QHBoxLayout(editor)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.addWidget(self._edit)
            layout.addWidget(beside)
        super().__init__(editor, label, tip, self._edit)
        self.set_placeholder(placeholder)
        self._edit.textEdited.connect(self._on_edit)

    def set_placeholder(self, text: str) -> None:
        """Set the text that is shown in grey while the field is empty."""
        self._edit.setPlaceholderText(text)

    def set_text(self, text: str) -> None:
        """Replace the text."""
        self.value = text

    def get_value(self) -> Any:
        """Return the text without blanks around it; None where it is empty."""
        return self._edit.text().strip() or None

    def set_value(self, value: Any) -> None:
        """Replace the text; None empties it."""
        self._edit.setText("" if value is None else str(value))

    def _on_edit(self) -> None:
        self.changed.emit()


class CountField(TextField):
    """A whole number; None where it is empty, 0 where the text is no whole number."""

    def get_value(self) -> int | None:
        """Return the number."""
        text = super().get_value()
        if text is None:
            return None
        return int(text) if text.isdecimal() else 0


class SpacingField(TextField):
    """A pixel size in mm; None where it is not known."""

    def __init__(self, label: str, tip: str, placeholder: str) -> None:
        super().__init__(label, tip, placeholder, QLabel("mm"))
        self.edited: bool = False

    def set_value(self, value: Any) -> None:
        """Show a pixel size in mm, a pair (row, col), or a text as the user types it; None empties the field."""
        sides = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        if value is None or isinstance(value, str):
            super().set_value(value)
        else:
            try:
                super().set_value(" x ".join(repr(float(side)) for side in sides))
            except (TypeError, ValueError):
                self.refuse(f"{value!r} is no pixel size. Give mm as a number or as (rows, columns).")
        self.edited = True

    def get_value(self) -> Spacing:
        """Return mm, or (row, col) where two numbers are given; None where it is empty, NaN where it is no number."""
        text = (super().get_value() or "").replace(",", ".").lower().replace("×", "x")
        if not text:
            return None
        try:
            sides = [float(side) for side in text.split("x")]
        except ValueError:
            return float("nan")
        if len(sides) == 1:
            return sides[0]
        return (sides[0], sides[1]) if len(sides) == 2 else float("nan")

    def prefill(self, spacing_mm: Spacing) -> None:
        """Show the pixel size of a layer in place of what was typed before."""
        sides = () if spacing_mm is None else spacing_mm if isinstance(spacing_mm, tuple) else (spacing_mm,)
        self._edit.setText(" x ".join(f"{side:.6g}" for side in sides))
        self.edited = False

    def _on_edit(self) -> None:
        self.edited = True
        self.changed.emit()


class FolderField(TextField):
    """A folder, typed or chosen in a dialog."""

    def __init__(self, label: str, tip: str) -> None:
        browse = QPushButton("Browse")
        super().__init__(label, tip, "choose a folder", browse)
        browse.clicked.connect(self._browse)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.editor, "Folder of joint images and masks", self.value or "")
        if folder:
            self.set_text(folder)
