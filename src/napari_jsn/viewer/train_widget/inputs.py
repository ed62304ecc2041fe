"""What the form of the widget "Train" asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_jsn.common.errors import InputError
from napari_jsn.networks.weights import check_name, names, user_folder
from napari_jsn.training.tasks import PRESETS
from napari_jsn.viewer.forms.fields import ChoiceField, CountField, Field, FolderField, TextField
from napari_jsn.viewer.forms.form import Form
from napari_jsn.viewer.forms.inputs import DEVICES, ask, ask_with, image_problem
from napari_jsn.viewer.forms.models import models
from napari_jsn.viewer.layers.read_layer import pixels_of
from napari_jsn.viewer.layers.roles import FIXED, MOVING, is_of, notes, role_in_name

#: What can be learned here, as the menu calls it.
TASKS = {"find bones": "segmentation", "register": "registration"}
_PRESETS = PRESETS["segmentation"]
LAYERS, FOLDER, SIMULATED = "layers in the viewer", "a folder", "simulated joints only"
NEW, GO_ON = "random weights", "go on: "
_NO_PAIRS = {
    "segmentation": "Open joint images and, for each, a labels layer of its size and name. Or take a folder.",
    "registration": "Open two images of a joint, say MCP2 fixed and MCP2 moving. Or take a folder.",
}
#: What a labels layer's name may have that its image's has not.
_WORDS = re.compile(r"bones of|masks?|labels?|bones?|[-_ ]+", re.IGNORECASE)
#: What the names of two visits of one joint differ by.
_VISITS = re.compile(r"fixed|baseline|moving|follow[-_ ]?up|visit|[-_ ]*\d+$|[-_ ]+", re.IGNORECASE)


class PairsField(Field):
    """The image layers that have a labels layer of the same size, or another visit's image, to be ticked."""

    def __init__(self, label: str, tip: str) -> None:
        self._list = QListWidget()
        super().__init__(self._list, label, tip)
        self._list.setMaximumHeight(72)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setWordWrap(False)
        self._pairs: list[tuple[Any, Any]] = []
        self.find = pairs_of
        self._list.itemChanged.connect(lambda item: self.changed.emit())

    def value(self) -> tuple[tuple[Any, Any], ...]:
        """(image, labels) layers that are ticked."""
        ticked = (self._list.item(k).checkState() == Qt.CheckState.Checked for k in range(self._list.count()))
        return tuple(pair for pair, taken in zip(self._pairs, ticked, strict=True) if taken)

    def offer(self, layers: Any) -> None:
        """Show the pairs among these layers; what was unticked stays so."""
        before = {id(image) for image, _ in self._pairs} - {id(image) for image, _ in self.value()}
        self._list.blockSignals(True)
        self._list.clear()
        self._pairs = self.find(layers)
        for image, labels in self._pairs:
            item = QListWidgetItem(f"{image.name}  +  {labels.name}")
            item.setToolTip(item.text())
            item.setCheckState(Qt.CheckState.Unchecked if id(image) in before else Qt.CheckState.Checked)
            self._list.addItem(item)
        self._list.blockSignals(False)


def pairs_of(layers: Any) -> list[tuple[Any, Any]]:
    """Each joint image with its labels: those found in it, else by role or name, else the only ones of its size."""
    labels = [layer for layer in layers if isinstance(layer, Labels) and layer.ndim == 2]
    pairs = []
    for image in layers:
        if not isinstance(image, Image) or image_problem(image):
            continue
        fitting = [each for each in labels if np.shape(pixels_of(each)) == np.shape(pixels_of(image))]
        best = max(fitting, key=lambda each: _likeness(image, each), default=None)
        if best is not None and (_likeness(image, best) > 0):
            pairs.append((image, best))
    return pairs


def visits_of(layers: Any) -> list[tuple[Any, Any]]:
    """Images of one joint at two visits: fixed and moving, or those whose names differ by their visit alone."""
    images = [each for each in layers if isinstance(each, Image) and not image_problem(each) and not _is_result(each)]
    named = [(_VISITS.sub("", each.name).casefold(), each) for each in images]
    return [
        (first, second)
        for k, (name, first) in enumerate(named)
        for other, second in named[k + 1 :]
        if name == other
    ]  # fmt: skip


def _is_result(layer: Any) -> bool:
    return notes(layer).get("role") not in (None, FIXED, MOVING)


def labels_of(image: Any, layers: Any) -> Any:
    """The labels layer of an image, or None."""
    return next((labels for each, labels in pairs_of(layers) if each is image), None)


def _likeness(image: Any, labels: Any) -> int:
    if is_of(labels, image):
        return 3
    stripped = [_WORDS.sub("", layer.name).casefold() for layer in (image, labels)]
    if stripped[0] == stripped[1]:
        return 2
    role = role_in_name(image.name, mask=True)
    return int(role is not None and role == role_in_name(labels.name, mask=True))


def _tasks() -> tuple[str, tuple[str, ...]]:
    return next(iter(TASKS)), tuple(TASKS)


@dataclass(frozen=True)
class TrainInputs:
    """What to learn from, what, and for how long."""

    task: str = ask(
        "Learn to", "choice", "data", "Find the two bones of a joint image, or register its visits.", *_tasks()
    )
    source: str = ask(
        "Learn from", "choice", "data", "Simulated joints are always mixed in.", LAYERS, (LAYERS, FOLDER, SIMULATED)
    )
    pairs: tuple[tuple[Any, Any], ...] = ask_with(
        PairsField,
        "Pairs",
        "data",
        "An image layer and a labels layer of its size and name (MCP2 and MCP2 mask):\n1 upper, 2 lower, 3 both."
        "\nTo register: two images of a joint (MCP2 fixed and MCP2 moving); labels are not needed.",
        (),
    )
    data: str | None = ask_with(
        FolderField, "Folder", "data", "Images with their masks beside them: NAME.jpg and NAME.png, or NAME_mask.png."
    )
    start: str = ask("Start from", "choice", "how", "Of the weights of a model, or a training to go on with.", NEW)
    preset: str = ask(
        "Preset", "choice", "how", "Network and recipe; paper: as published, for a GPU.", "default", _PRESETS
    )
    epochs: int | None = ask_with(lambda *told: CountField(*told, "as the preset"), "Epochs", "how", "At most.")
    device: str = ask("Device", "choice", "how", "auto takes a CUDA GPU if there is one.", DEVICES[0], DEVICES)
    name: str | None = ask_with(
        lambda *told: TextField(*told, "my-default"), "Name", "how", "What the model is called in the menus."
    )

    @property
    def what(self) -> str:
        """The task, as training calls it."""
        return TASKS[self.task]

    @property
    def resume(self) -> Path | None:
        """The resume file of a training to go on with."""
        return unfinished(self.what).get(self.start.removeprefix(GO_ON)) if self.start.startswith(GO_ON) else None

    def problems(self) -> dict[str, str]:
        """Why nothing can be learned: field name to a sentence; empty when it can."""
        found = {}
        if self.source == LAYERS and not self.pairs:
            found["pairs"] = _NO_PAIRS[self.what]
        if self.source == FOLDER and self.data is None:
            found["data"] = "Choose the folder of your images and masks."
        elif self.source == FOLDER and not Path(str(self.data)).is_dir():
            found["data"] = "There is no such folder."
        if self.epochs is not None and self.epochs < 1:
            found["epochs"] = "Give a whole number above 0, or leave it empty."
        if self.name is not None and self.resume is None:
            found["name"] = _name_problem(self.what, self.name)
        return {name: problem for name, problem in found.items() if problem}


def unfinished(task: str) -> dict[str, Path]:
    """Trainings that were stopped and can go on: name and resume file."""
    found = sorted(user_folder().glob(f"{task}-*.ckpt"))
    return {path.stem.removeprefix(f"{task}-"): path for path in found}


def _name_problem(task: str, name: str) -> str:
    try:
        check_name(name)
    except InputError as error:
        return str(error)
    if name in names(task):
        return "There is a model of that name. Choose another."
    return f"Choose {GO_ON}{name!r} above, or another name." if name in unfinished(task) else ""


class TrainForm(Form):
    """The form of a training; what does not matter for the chosen source is hidden."""

    def __init__(self) -> None:
        super().__init__(TrainInputs, {"data": ("Images and masks", ""), "how": ("Training", "")})
        self._layers: Any = ()
        self.fields["task"].changed.connect(self._take_task)
        self.fields["source"].changed.connect(self._show_what_matters)
        self.fields["start"].changed.connect(self._show_what_matters)
        models.changed.connect(self.offer_starts)  # a method, so that a form that was closed is not called
        self.offer_starts()
        self._show_what_matters()

    def check(self) -> bool:
        """Nothing is wrong with a form that is at work: its name is taken by itself."""
        return not self.isEnabled() or super().check()

    def offer(self, layers: Any) -> None:
        """Take up the viewer's layers."""
        self._layers = layers
        self.fields["pairs"].offer(layers)
        self._changed()

    def _take_task(self) -> None:
        """Another task has other pairs and other models."""
        self.fields["pairs"].find = pairs_of if self.inputs().what == "segmentation" else visits_of
        self.offer_starts()
        self.offer(self._layers)

    def offer_starts(self, *told: str) -> None:
        """Show the models and stopped trainings there are now."""
        start = self.fields["start"]
        assert isinstance(start, ChoiceField)
        task = self.inputs().what
        start.offer([NEW, *names(task), *(GO_ON + name for name in unfinished(task))])
        self._show_what_matters()

    def _show_what_matters(self) -> None:
        inputs = self.inputs()
        goes_on = inputs.resume is not None  # preset, epochs and name are those it began with
        shown = {
            "pairs": inputs.source == LAYERS,
            "data": inputs.source == FOLDER,
            **dict.fromkeys(("preset", "epochs", "name"), not goes_on),
        }
        for name, matters in shown.items():
            self.fields[name].label.setVisible(matters)
            self.fields[name].editor.setVisible(matters)
