"""Forms that are built from a dataclass of inputs, and checks that several forms use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, field, fields
from math import isfinite
from typing import Any, TypeVar

from magicgui.type_map import TypeMap
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.radiograph.spacing import Spacing
from napari_jsn.viewer.forms.fields import ChoiceField, FormField, LayerField, SpacingField
from napari_jsn.viewer.layers.read_layer import dimension_problem, frozen_pixels, load_pixels

#: Choices of the field "Device", and what they mean.
DEVICES = {"auto": "A CUDA GPU if there is one, else the processor.", "cpu": "The processor.", "cuda": "A CUDA GPU."}
DEVICE_TIP = "Where to compute. auto: a CUDA GPU if there is one."

_Kind = TypeVar("_Kind", bound=FormField)


def form_field(
    label: str,
    kind: str | Callable[[str, str], FormField],
    part: str,
    tip: str,
    default: Any = None,
    choices: Any = (),
) -> Any:
    """Return a dataclass field with what a form needs to show it.

    Parameters
    ----------
    label : str
    kind : {"choice", "spacing", "image", "labels"} or callable
        A callable makes the form field from label and tip.
    part : str
        The part of the form, under a title of its own.
    tip : str
    default : object
    choices : iterable of str, or mapping of str to description
        Of the kind "choice".
    """
    metadata = {"label": label, "kind": kind, "part": part, "tip": tip, "choices": choices}
    return field(default=default, metadata=metadata)


class Form(QWidget):
    """A form with one field for each field of a dataclass of inputs; ``changed`` is emitted when one has a new value.

    Parameters
    ----------
    kind : dataclass
        Its fields are made with :func:`form_field`. Its method ``problems`` returns what is wrong: name of a field to
        a sentence.
    titles : dict of str to (str, str)
        For each part of the form its title, and a remark in parentheses.
    """

    changed: Signal = Signal()

    def __init__(self, kind: Any, titles: dict[str, tuple[str, str]]) -> None:
        super().__init__()
        self.inputs_class = kind
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self.fields: dict[str, FormField] = {}
        part = None
        for item in fields(kind):
            if item.metadata["part"] != part:
                part = item.metadata["part"]
                grid.addWidget(_title(*titles[part]), grid.rowCount(), 0, 1, 2)
            made = self.fields[item.name] = make_form_field(item)
            made.name = item.name
            row = grid.rowCount()
            grid.addWidget(made.label_widget, row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(made.editor, row, 1)
            grid.addWidget(made.message, row + 1, 1)
            made.changed.connect(self._on_change)

    def field(self, name: str, kind: type[_Kind]) -> _Kind:
        """Return the field of this name, which is of this class."""
        found = self.fields[name]
        assert isinstance(found, kind), f"{name} is a {type(found).__name__}"
        return found

    def inputs(self) -> Any:
        """Return the values of all fields as an object of the dataclass."""
        return self.inputs_class(**{name: each.value for name, each in self.fields.items()})

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Set fields by their names, in the order of the form.

        Raises
        ------
        InputError
            If there is no such field, or it does not take this value.
        """
        for name in values:
            if name not in self.fields:
                raise InputError(f"There is no field {name!r}. Choose one of: {', '.join(self.fields)}.", name)
        for name, each in self.fields.items():
            if name in values:
                each.value = values[name]

    def check(self) -> bool:
        """Show at each field what is wrong with it; return True where nothing is."""
        problems = self.inputs().problems()
        for name, each in self.fields.items():
            each.show_problem(problems.get(name, ""), empty=each.value in (None, ()))
        return not problems

    def set_choices(self, layers: Any) -> None:
        """Update the choices of layers to those of the viewer."""

    def in_words_of_the_form(self, text: str) -> str:
        """Return a message of the package with the labels of the fields in place of names of arguments."""
        for name, each in self.fields.items():
            if "_" in name:  # others are words of the language too
                label = each.label_widget.text().lower().partition(",")[0]
                text = re.sub(rf"\b(the (?:true |correct )?){name}\b", rf"\g<1>{label}", text, flags=re.IGNORECASE)
                text = re.sub(rf"\b{name}\b", f"the {label}", text)
        return text

    def _on_change(self) -> None:
        self.check()
        self.changed.emit()


class FieldsOf(TypeMap):
    """Gives a FunctionGui of magicgui the fields of a form, in place of widgets that it would make itself."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._fields = form.fields

    def create_widget(self, *args: Any, name: str = "", annotation: Any = None, **options: Any) -> Any:
        """Return the field of the argument of this name."""
        made: Any = self._fields[name]
        made.annotation = annotation
        return made


def make_form_field(item: Field[Any]) -> FormField:
    """Return the form field for one field of the dataclass."""
    options = item.metadata
    label, tip, kind = options["label"], options["tip"], options["kind"]
    if kind == "choice":
        return ChoiceField(label, tip, options["choices"], str(item.default))
    if kind == "spacing":
        return SpacingField(label, tip, "not known" if item.name == "spacing_mm" else "as fixed")
    if kind in ("image", "labels"):
        return LayerField(label, tip, none="find the bones" if kind == "labels" else None)
    made: FormField = kind(label, tip)
    return made


def image_problem(layer: Any, other: Any = None) -> str:
    """Return why a layer is no joint image, or not one of another visit than ``other``; empty where it is."""
    if layer is None:
        return "Open a second image of this joint." if other else "Open a joint image, or the folder of a pair."
    if layer is other:
        return "This is the fixed image. Choose another image."
    return dimension_problem(layer)


def layer_reader(layer: Any, argument: str) -> Callable[[], NDArray[Any]]:
    """Return a function that returns the array of an image or labels layer as it is now; call it in a worker.

    Later changes of the layer do not matter. Colour images become intensities.

    Parameters
    ----------
    layer : napari.layers.Image or Labels
    argument : str
        The argument that an error of reading names.
    """
    pixels, name, is_image = frozen_pixels(layer), layer.name, isinstance(layer, Image)
    colour = is_image and layer.rgb

    def read() -> NDArray[Any]:
        loaded = load_pixels(pixels, name, argument)
        if not is_image:
            return loaded
        intensities = to_intensities(loaded, argument, f"The image {name!r}")  # an error names the layer
        return intensities if colour else loaded

    return read


def device_of(chosen: str) -> str | None:
    """Return the device argument of the package for a choice of the field "Device"."""
    return None if chosen == "auto" else chosen


def spacing_problem(spacing_mm: Spacing, fixed_mm: Spacing = None, moving: bool = False) -> str:
    """Return why this is no pixel size; empty where it is one, or where it is not known."""
    if spacing_mm is None:
        return ""
    sides = spacing_mm if isinstance(spacing_mm, tuple) else (spacing_mm,)
    if not all(isfinite(side) and side > 0 for side in sides):
        return "Give a number of mm above 0, or leave it empty."
    if moving and fixed_mm is None:
        return "Give the fixed image's pixel size too, or leave both empty."
    return ""


def _title(name: str, remark: str) -> QLabel:
    label = QLabel(f"{name} <span style='font-weight: 400'>({remark})</span>" if remark else name)
    label.setObjectName("section")
    label.setIndent(0)
    return label
