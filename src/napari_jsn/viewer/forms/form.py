"""Forms built from a dataclass of inputs; the form of a joint pair is built from ``PairInputs``."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from napari.layers import Image, Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_jsn.viewer.forms.fields import ChoiceField, Field, LayerField, SpacingField
from napari_jsn.viewer.forms.inputs import PairInputs
from napari_jsn.viewer.layers.read_layer import spacing_of
from napari_jsn.viewer.layers.roles import is_of, notes, role_of

_TITLES = {"fixed": ("Fixed", "baseline"), "moving": ("Moving", "follow-up"), "how": ("Registration", "")}
#: The spacing field that belongs to an image field.
_SPACING_OF = {"fixed": "spacing_mm", "moving": "moving_spacing_mm"}


class Form(QWidget):
    """The fields of a dataclass of inputs; ``changed`` tells that one has another value.

    Parameters
    ----------
    kind : dataclass
        Each of its fields says in its metadata how it is asked for; see :mod:`napari_jsn.viewer.forms.inputs`.
    titles : dict of str to (str, str)
        For each part of the form its title, and an aside.
    """

    changed = Signal()

    def __init__(self, kind: Any, titles: dict[str, tuple[str, str]]) -> None:
        super().__init__()
        self._kind = kind
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        self.fields: dict[str, Field] = {}
        part = None
        for item in fields(kind):
            if item.metadata["part"] != part:
                part = item.metadata["part"]
                grid.addWidget(_title(*titles[part]), grid.rowCount(), 0, 1, 2)
            field = self.fields[item.name] = make_field(item)
            row = grid.rowCount()
            grid.addWidget(field.label, row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(field.editor, row, 1)
            grid.addWidget(field.message, row + 1, 1)
            field.changed.connect(self._changed)

    def inputs(self) -> Any:
        """The inputs as the form holds them."""
        return self._kind(**{name: field.value() for name, field in self.fields.items()})

    def check(self) -> bool:
        """Show at each field what is wrong with it; True when nothing is."""
        problems = self.inputs().problems()
        for name, field in self.fields.items():
            field.show_problem(problems.get(name, ""), empty=field.value() in (None, ()))
        return not problems

    def offer(self, layers: Any) -> None:
        """Take up the viewer's layers."""

    def _changed(self) -> None:
        self.check()
        self.changed.emit()


class PairForm(Form):
    """The form of a joint pair."""

    def __init__(self) -> None:
        super().__init__(PairInputs, _TITLES)
        self._labels: list[Any] = []
        for image in _SPACING_OF:
            self.fields[image].changed.connect(self._prefill)
            self.fields[image].changed.connect(self._offer_masks)
        self._prefilled: dict[str, Any] = {}

    def offer(self, layers: Any) -> None:
        """Take up the viewer's layers; those that the user did not choose follow their role and name."""
        images = [layer for layer in layers if isinstance(layer, Image)]
        self._labels = [layer for layer in layers if isinstance(layer, Labels)]
        for name, default in _default_images(images).items():
            self.fields[name].offer(images, default)
        self._offer_masks()
        self._prefill()

    def _offer_masks(self) -> None:
        """Masks by their role; else those that were found in the image chosen, and perhaps corrected since."""
        for image in _SPACING_OF:
            name = f"{image}_masks"
            of_image = next((each for each in self._labels if is_of(each, self.fields[image].value())), None)
            self.fields[name].offer(self._labels, of_image or _first(self._labels, name, mask=True))

    def spacing_source(self, image: str) -> str:
        """Where the pixel size of ``fixed`` or ``moving`` comes from, in words."""
        field, noted = self.fields[_SPACING_OF[image]], notes(self.fields[image].value())
        if field.value() is None:
            return ""
        if field.edited:
            return "typed in"
        # a layer scaled by hand since it was read no longer has the file's pixel size
        return str(noted.get("spacing_source")) if noted.get("spacing_mm") == field.value() else "layer scale"

    def _prefill(self) -> None:
        """Take the pixel size from a layer newly chosen, or newly scaled."""
        for image, spacing in _SPACING_OF.items():
            layer = self.fields[image].value()
            found = (layer, None if layer is None else spacing_of(layer))
            if self._prefilled.get(image) != found:
                self._prefilled[image] = found
                self.fields[spacing].prefill(found[1])
        self._changed()


def _default_images(images: list[Any]) -> dict[str, Any]:
    """Images for ``fixed`` and ``moving``: by role or name, else the first plain ones."""
    found = {name: _first(images, name, mask=False) for name in _SPACING_OF}
    plain = [i for i in images if role_of(i, False) is None and i.ndim == 2 and not i.rgb]
    for name in found:
        if found[name] is None:
            found[name] = next((image for image in plain if image not in found.values()), None)
    return found


def _first(layers: list[Any], role: str, mask: bool) -> Any:
    return next((layer for layer in layers if role_of(layer, mask) == role), None)


def make_field(item: Any) -> Field:
    """The editor for one field of the dataclass."""
    asked = item.metadata
    label, tip, kind = asked["label"], asked["tip"], asked["kind"]
    if kind == "choice":
        return ChoiceField(label, tip, asked["choices"], item.default)
    if kind == "spacing":
        return SpacingField(label, tip, "not known" if item.name == "spacing_mm" else "as fixed")
    if kind in ("image", "labels"):
        return LayerField(label, tip, none="find the bones" if kind == "labels" else None)
    made: Field = asked["field"](label, tip)
    return made


def _title(name: str, aside: str) -> QLabel:
    label = QLabel(f"{name} <span style='font-weight: 400'>({aside})</span>" if aside else name)
    label.setObjectName("section")
    label.setIndent(0)
    return label
