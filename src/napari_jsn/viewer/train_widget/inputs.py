"""Inputs and form of the widget "Train"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_jsn.common.errors import InputError
from napari_jsn.networks.weights import check_name, names, user_folder
from napari_jsn.training.tasks import PRESETS
from napari_jsn.viewer.forms.fields import ChoiceField, CountField, FolderField, FormField, TextField, models
from napari_jsn.viewer.forms.form import DEVICES, Form, form_field, image_problem
from napari_jsn.viewer.layers.read_layer import FIXED, MOVING, found_in, layer_metadata, pixels_of, role_in_name

#: Tasks by their text in the menu.
TASKS = {"find bones": "segmentation", "register": "registration"}
_PRESETS = PRESETS["segmentation"]
#: Choices of the field "Learn from".
LAYERS, FOLDER, SIMULATED = "layers in the viewer", "a folder", "simulated joints only"
#: Choices of the field "Start from"; the name of a training that was stopped follows RESUME.
RANDOM_WEIGHTS, RESUME = "random weights", "resume "
_NO_PAIRS = {
    "segmentation": "Open joint images and, for each, a labels layer of the same size and name. Or choose a folder.",
    "registration": "Open two images of a joint, for instance MCP2 fixed and MCP2 moving. Or choose a folder.",
}
#: Words in the name of a labels layer that are left out to compare it with the name of an image.
_LABELS_WORDS = re.compile(r"bones of|masks?|labels?|bones?|[-_ ]+", re.IGNORECASE)
#: Words by which the names of two visits of one joint differ.
_VISIT_WORDS = re.compile(r"fixed|baseline|moving|follow[-_ ]?up|visit|[-_ ]*\d+$|[-_ ]+", re.IGNORECASE)


class PairsField(FormField):
    """Pairs of an image and a labels layer, or of two visits' images, each with a tick box."""

    def __init__(self, label: str, tip: str) -> None:
        self._list = QListWidget()
        super().__init__(self._list, label, tip)
        self._list.setMaximumHeight(72)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setWordWrap(False)
        self._layers: list[Any] = []
        self._pairs: list[tuple[Any, Any]] = []
        self._given: list[tuple[Any, Any]] = []  # by a script
        self.find_pairs = labelled_images
        self._list.itemChanged.connect(lambda item: self.changed.emit())

    def get_value(self) -> tuple[tuple[Any, Any], ...]:
        """Return the pairs of layers that are ticked."""
        items = [self._list.item(k) for k in range(self._list.count())]
        ticked = [item is not None and item.checkState() == Qt.CheckState.Checked for item in items]
        return tuple(pair for pair, is_ticked in zip(self._pairs, ticked, strict=True) if is_ticked)

    def set_value(self, value: Any) -> None:
        """Tick these pairs of layers and no others; pairs that are not in the list yet are added."""
        pairs = [tuple(pair) for pair in value]
        for pair in pairs:
            if len(pair) != 2 or not all(any(layer is each for each in self._layers) for layer in pair):
                self.refuse("Give pairs of two layers of this viewer, (image, labels) or (fixed, moving).")
        self._given = pairs
        self.set_choices(self._layers)
        ticked = {_pair_key(pair) for pair in pairs}
        self._list.blockSignals(True)
        for k, pair in enumerate(self._pairs):
            item = self._list.item(k)
            assert item is not None
            item.setCheckState(Qt.CheckState.Checked if _pair_key(pair) in ticked else Qt.CheckState.Unchecked)
        self._list.blockSignals(False)

    def set_choices(self, layers: Any) -> None:
        """Show the pairs among these layers; keep which pairs the user unticked."""
        self._layers = list(layers)
        unticked = {_pair_key(pair) for pair in self._pairs} - {_pair_key(pair) for pair in self.value}
        self._list.blockSignals(True)
        self._list.clear()
        self._pairs = self.find_pairs(layers)
        found = {_pair_key(pair) for pair in self._pairs}
        shown = {id(layer) for layer in self._layers}
        self._pairs += [pair for pair in self._given if _pair_key(pair) not in found and {*_pair_key(pair)} <= shown]
        for image, labels in self._pairs:
            item = QListWidgetItem(f"{image.name}  +  {labels.name}")
            item.setToolTip(item.text())
            item.setCheckState(
                Qt.CheckState.Unchecked if _pair_key((image, labels)) in unticked else Qt.CheckState.Checked
            )
            self._list.addItem(item)
        self._list.blockSignals(False)


def _pair_key(pair: tuple[Any, Any]) -> tuple[int, int]:
    return id(pair[0]), id(pair[1])


def labelled_images(layers: Any) -> list[tuple[Any, Any]]:
    """Return each joint image with its labels: those found in it, else labels of its size by name or role."""
    labels = [layer for layer in layers if isinstance(layer, Labels) and layer.ndim == 2]
    pairs = []
    for image in layers:
        if not isinstance(image, Image) or image_problem(image):
            continue
        same_size = [each for each in labels if np.shape(pixels_of(each)) == np.shape(pixels_of(image))]
        best = max(same_size, key=lambda each: _match_rank(image, each), default=None)
        if best is not None and _match_rank(image, best) > 0:
            pairs.append((image, best))
    return pairs


def visit_pairs(layers: Any) -> list[tuple[Any, Any]]:
    """Return pairs of images of one joint at two visits, whose names differ in words for the visit only."""
    images = [each for each in layers if isinstance(each, Image) and not image_problem(each) and not _is_result(each)]
    named = [(_VISIT_WORDS.sub("", each.name).casefold(), each) for each in images]
    return [
        (first, second)
        for k, (name, first) in enumerate(named)
        for other, second in named[k + 1 :]
        if name == other
    ]  # fmt: skip


def labels_of(image: Any, layers: Any) -> Any:
    """Return the labels layer of an image; None where there is none."""
    return next((labels for each, labels in labelled_images(layers) if each is image), None)


def _is_result(layer: Any) -> bool:
    return layer_metadata(layer).get("role") not in (None, FIXED, MOVING)


def _match_rank(image: Any, labels: Any) -> int:
    """Return 3 for labels found in the image, 2 for the same name, 1 for the same role in the name, else 0."""
    if found_in(labels, image):
        return 3
    image_name, labels_name = (_LABELS_WORDS.sub("", layer.name).casefold() for layer in (image, labels))
    if image_name == labels_name:
        return 2
    role = role_in_name(image.name, mask=True)
    return int(role is not None and role == role_in_name(labels.name, mask=True))


@dataclass(frozen=True)
class TrainInputs:
    """Task, training data, and how to train."""

    task: str = form_field(
        "Learn to",
        "choice",
        "data",
        "Find the two bones of a joint image, or register its visits.",
        next(iter(TASKS)),
        tuple(TASKS),
    )
    source: str = form_field(
        "Learn from",
        "choice",
        "data",
        "Simulated joints are always added to the training data.",
        LAYERS,
        (LAYERS, FOLDER, SIMULATED),
    )
    pairs: tuple[tuple[Any, Any], ...] = form_field(
        "Pairs",
        PairsField,
        "data",
        "An image layer and a labels layer of the same size and name (MCP2 and MCP2 mask):\n1 upper, 2 lower, 3 both."
        "\nTo register: two images of a joint (MCP2 fixed and MCP2 moving); labels are not needed.",
        (),
    )
    data: str | None = form_field(
        "Folder", FolderField, "data", "Images, each with its mask: NAME.jpg and NAME.png, or NAME_mask.png."
    )
    start: str = form_field(
        "Start from",
        "choice",
        "how",
        "Random weights, the weights of a model, or a training that was stopped.",
        RANDOM_WEIGHTS,
    )
    preset: str = form_field(
        "Preset", "choice", "how", "Network and training settings; paper: as published, for a GPU.", "default", _PRESETS
    )
    epochs: int | None = form_field(
        "Epochs", partial(CountField, placeholder="as the preset"), "how", "The largest number of epochs."
    )
    device: str = form_field("Device", "choice", "how", "auto takes a CUDA GPU if there is one.", DEVICES[0], DEVICES)
    name: str | None = form_field(
        "Name", partial(TextField, placeholder="my-default"), "how", "Name of the model in the menus."
    )

    @property
    def task_id(self) -> str:
        """The task by its name in :mod:`napari_jsn.training.tasks`."""
        return TASKS[self.task]

    @property
    def resume(self) -> Path | None:
        """The resume file of a training that was stopped."""
        return (
            stopped_runs(self.task_id).get(self.start.removeprefix(RESUME)) if self.start.startswith(RESUME) else None
        )

    def problems(self) -> dict[str, str]:
        """Return why training cannot start: field name to a sentence; empty where it can."""
        found = {}
        if self.source == LAYERS and not self.pairs:
            found["pairs"] = _NO_PAIRS[self.task_id]
        if self.source == FOLDER and self.data is None:
            found["data"] = "Choose the folder of your images and masks."
        elif self.source == FOLDER and not Path(str(self.data)).is_dir():
            found["data"] = "There is no such folder. Choose another."
        if self.epochs is not None and self.epochs < 1:
            found["epochs"] = "Give a whole number above 0, or leave it empty."
        if self.name is not None and self.resume is None:
            found["name"] = _name_problem(self.task_id, self.name)
        return {name: problem for name, problem in found.items() if problem}


def stopped_runs(task: str) -> dict[str, Path]:
    """Return trainings of a task that were stopped and can be resumed: name and resume file."""
    found = sorted(user_folder().glob(f"{task}-*.ckpt"))
    return {path.stem.removeprefix(f"{task}-"): path for path in found}


def _name_problem(task: str, name: str) -> str:
    try:
        check_name(name)
    except InputError as error:
        return str(error)
    if name in names(task):
        return "There is a model of that name. Choose another."
    return f"Choose {RESUME + name!r} above, or another name." if name in stopped_runs(task) else ""


class TrainForm(Form):
    """The form of a training; fields that the chosen source does not need are hidden."""

    def __init__(self) -> None:
        super().__init__(TrainInputs, {"data": ("Images and masks", ""), "how": ("Training", "")})
        self._layers: Any = ()
        self.fields["task"].changed.connect(self._on_task_change)
        self.fields["source"].changed.connect(self._update_visibility)
        self.fields["start"].changed.connect(self._update_visibility)
        models.changed.connect(self.update_starts)  # a bound method, which Qt disconnects when the form is closed
        self.update_starts()

    def check(self) -> bool:
        """Show what is wrong, except while training runs: then its own name is in use."""
        return not self.isEnabled() or super().check()

    def set_choices(self, layers: Any) -> None:
        """Update the pairs to those of the viewer's layers."""
        self._layers = layers
        self.field("pairs", PairsField).set_choices(layers)
        self._on_change()

    def update_starts(self, *changed: str) -> None:
        """Update the choices of "Start from" to the models and stopped trainings there are."""
        task = self.inputs().task_id
        starts = [RANDOM_WEIGHTS, *names(task), *(RESUME + name for name in stopped_runs(task))]
        self.field("start", ChoiceField).set_choices(starts)
        self._update_visibility()

    def _on_task_change(self) -> None:
        segmentation = self.inputs().task_id == "segmentation"
        self.field("pairs", PairsField).find_pairs = labelled_images if segmentation else visit_pairs
        self.update_starts()
        self.set_choices(self._layers)

    def _update_visibility(self) -> None:
        inputs = self.inputs()
        self.fields["pairs"].set_visible(inputs.source == LAYERS)
        self.fields["data"].set_visible(inputs.source == FOLDER)
        for name in ("preset", "epochs", "name"):
            self.fields[name].set_visible(inputs.resume is None)  # a resumed training keeps its own
