"""The base of all fields of a form: a widget of magicgui with a label and a message."""

from __future__ import annotations

from typing import Any, NoReturn

from qtpy.QtWidgets import QLabel, QWidget

from napari_jsn.common.errors import InputError
from napari_jsn.viewer.forms.style import set_property, text_label


class FormField:
    """What a field adds to a widget of magicgui; it stands before the class of that widget.

    ``changed`` is emitted with the value when the user, a script or a change of the layers changes it.

    Parameters
    ----------
    label, tip : str
    **options
        Of the widget of magicgui.
    """

    name: str
    native: Any
    changed: Any

    def __init__(self, label: str, tip: str, **options: Any) -> None:
        made: Any = super()
        made.__init__(tooltip=tip, **({} if "text" in options else {"label": label}), **options)
        self.label_widget: QLabel = QLabel(label)
        self.label_widget.setToolTip(tip)
        self.label_widget.setBuddy(self.input_widget)
        self.message: QLabel = text_label("message")
        self.message.hide()

    @property
    def editor(self) -> QWidget:
        """The widget that the form shows at the right of the label."""
        editor: QWidget = self.native
        return editor

    @property
    def input_widget(self) -> QWidget:
        """The part of the editor that is marked when its value is invalid."""
        return self.editor

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
        self.announce()

    def get_value(self) -> Any:
        """Return the value."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show the value as if the user had given it."""
        raise NotImplementedError

    def announce(self) -> None:
        """Emit ``changed``."""
        self.changed.emit(self.value)

    def fit(self) -> None:
        """Fit sizes to the font, which has changed."""

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
        """Show or hide label, editor and message."""
        self.label_widget.setVisible(visible)
        self.editor.setVisible(visible)
        self.message.setVisible(visible and bool(self.message.text()))

    def _on_value_change(self, value: Any = None) -> None:
        """Do not announce every change of the editor, as magicgui does: many are not made by the user."""
