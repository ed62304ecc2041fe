"""Fields of a form: widgets of magicgui for a layer, a pixel size, a choice, a number, a text, a folder, a model.

What they add to those of magicgui: a message below the field, texts for empty values, and a value that changes only
where a user, a script or a change of the layers changes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, FileEdit, LineEdit
from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QWidget

from napari_jsn.networks.weights import described
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.registration import method_names
from napari_jsn.viewer.forms.field import FormField

#: Letters that a list to choose from is wide at least; longer names of layers and models are cut and shown as a tip.
_LEAST_LETTERS, _MOST_LETTERS = 8, 14


class _ComboField(FormField, ComboBox):
    """A list to choose from, which is not wider than its form."""

    native: QComboBox

    def __init__(self, label: str, tip: str) -> None:
        super().__init__(label, tip)
        self.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.native.setMinimumContentsLength(_LEAST_LETTERS)
        self.native.activated.connect(self._on_choice)

    def reset_choices(self, *_: Any) -> None:
        """Do nothing: the form sets the choices."""

    def _on_choice(self) -> None:
        self.announce()


class LayerField(_ComboField):
    """A layer of the viewer, chosen by the user or else by default.

    Parameters
    ----------
    label, tip : str
    none : str, optional
        The text of the choice "no layer"; by default there is no such choice.
    """

    def __init__(self, label: str, tip: str, none: str | None = None) -> None:
        self._none, self._tip = none, tip
        self._layers: list[Any] = []
        self._user_choice: tuple[Any] | None = None  # in a tuple, because "no layer" can be chosen too
        super().__init__(label, tip)

    def get_value(self) -> Any:
        """Return the layer, or None."""
        index = self.native.currentIndex()
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
        self.native.clear()
        for layer in self._layers:
            self.native.addItem(self._none if layer is None else layer.name, layer)
        choice = self._user_choice
        if choice is not None and not any(layer is choice[0] for layer in self._layers):
            choice = self._user_choice = None
        self._select(default if choice is None else choice[0])
        if self.value is not before:
            self.announce()

    def _select(self, layer: Any) -> None:
        index = next((i for i, offered in enumerate(self._layers) if offered is layer), -1)
        self.native.setCurrentIndex(index)
        self.native.setToolTip(f"{self.native.currentText()}\n\n{self._tip}".strip())

    def _on_choice(self) -> None:
        self._user_choice = (self.value,)
        self._select(self.value)
        self.announce()


class ChoiceField(_ComboField):
    """One of a few texts; None where there is nothing to choose.

    Parameters
    ----------
    label, tip : str
    choices : collection of str, or mapping
        A mapping has the description of each choice, which is shown as its tip.
    default : str, optional
    """

    def __init__(self, label: str, tip: str, choices: Collection[str] = (), default: str | None = None) -> None:
        super().__init__(label, tip)
        self._show(choices)
        self.native.setCurrentText(default or "")

    def get_value(self) -> Any:
        """Return the text that is selected."""
        return self.native.currentText() or None

    def set_value(self, value: Any) -> None:
        """Select a text."""
        if value not in self.choices:
            self.refuse(f"There is no choice {value!r}. Choose one of: {', '.join(map(str, self.choices))}.")
        self.native.setCurrentText(value)

    def set_choices(self, choices: Collection[str], default: str | None = None) -> None:
        """Show these texts; select the default where one is given, else keep the selected one while it is there."""
        before = self.value
        self._show(choices)
        self.native.setCurrentText(default if default in self.choices else before or "")
        if self.value != before:
            self.announce()

    def _show(self, choices: Collection[str]) -> None:
        self.native.clear()
        for k, choice in enumerate(choices):
            self.native.addItem(choice, choice)
            if isinstance(choices, Mapping):
                self.native.setItemData(k, choices[choice], Qt.ItemDataRole.ToolTipRole)
        longest = max(map(len, choices), default=0)
        self.native.setMinimumContentsLength(min(max(longest, _LEAST_LETTERS), _MOST_LETTERS))


class _Models:
    """Emits ``changed`` with task and name when a model was saved; it does not keep what is connected alive."""

    changed = Signal(str, str)


models: _Models = _Models()


class ModelField(ChoiceField):
    """A model of a task by name: the shipped ones and the user's own, a new one as soon as it is saved."""

    def __init__(self, label: str, tip: str, task: str = "segmentation") -> None:
        super().__init__(label, tip, described(task), "default")
        self._task = task
        models.changed.connect(self._update_choices)

    def _update_choices(self, task: str, name: str) -> None:
        if task == self._task and isalive(self.native):
            self.set_choices(described(task))


class MethodField(ChoiceField):
    """A method of registration by name; a network that was trained is a method too, as soon as it is saved."""

    def __init__(self, label: str, tip: str) -> None:
        super().__init__(label, tip, method_names.described(), next(iter(method_names.METHODS)))
        models.changed.connect(self._update_choices)

    def _update_choices(self, task: str, name: str) -> None:
        if task == "registration" and isalive(self.native):
            self.set_choices(method_names.described())


class TextField(FormField, LineEdit):
    """A line of text.

    Parameters
    ----------
    label, tip : str
    placeholder : str
        Shown in grey while the field is empty.
    """

    def __init__(self, label: str, tip: str, placeholder: str = "") -> None:
        super().__init__(label, tip)
        self.set_placeholder(placeholder)
        self.native.textEdited.connect(self._on_edit)

    def set_placeholder(self, text: str) -> None:
        """Set the text that is shown in grey while the field is empty."""
        self.native.setPlaceholderText(text)

    def get_value(self) -> Any:
        """Return the text without blanks around it; None where it is empty."""
        return self.native.text().strip() or None

    def set_value(self, value: Any) -> None:
        """Replace the text; None empties it."""
        self.native.setText("" if value is None else str(value))

    def _on_edit(self) -> None:
        self.announce()


class CountField(TextField):
    """A whole number; None where it is empty, 0 where the text is no whole number."""

    def get_value(self) -> Any:
        """Return the number."""
        text = super().get_value()
        if text is None:
            return None
        return int(text) if text.isdecimal() else 0


class SpacingField(TextField):
    """A pixel size in mm; None where it is not known."""

    def __init__(self, label: str, tip: str, placeholder: str) -> None:
        super().__init__(label, tip, placeholder)
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

    def get_value(self) -> Any:
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
        self.native.setText(" x ".join(f"{side:.6g}" for side in sides))
        self.edited = False

    def _on_edit(self) -> None:
        self.edited = True
        self.announce()


class FolderField(FormField, FileEdit):
    """A folder, typed or chosen in a dialog; its path as text, or None."""

    def __init__(self, label: str, tip: str) -> None:
        super().__init__(label, tip, mode="d", nullable=True)
        self.choose_btn.text = "Browse"
        self.line_edit.native.setPlaceholderText("choose a folder")

    @property
    def input_widget(self) -> QWidget:
        """The line of text."""
        edit: QWidget = self.line_edit.native
        return edit

    def _on_choose_clicked(self) -> None:
        folder = self._show_file_dialog(self.mode, "Folder of joint images and masks", self.value)
        if folder:
            self.value = folder

    def get_value(self) -> Any:
        """Return the path; None where it is empty."""
        text: str = self.line_edit.value
        return text.strip() or None

    def set_value(self, value: Any) -> None:
        """Replace the path; None empties it."""
        self.line_edit.value = "" if value is None else str(value)


class CheckField(FormField, CheckBox):
    """Yes or no, with a text at the right of its box."""

    def __init__(self, label: str, tip: str, text: str, default: bool) -> None:
        super().__init__(label, tip, text=text)
        self.native.setChecked(default)
        self.native.clicked.connect(self._on_click)

    def get_value(self) -> bool:
        """Return whether the box is ticked."""
        ticked: bool = self.native.isChecked()
        return ticked

    def set_value(self, value: Any) -> None:
        """Tick the box, or untick it."""
        self.native.setChecked(bool(value))

    def _on_click(self) -> None:
        self.announce()
