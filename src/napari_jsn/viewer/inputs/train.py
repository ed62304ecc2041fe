"""Inputs and form of the widget "Train"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from magicgui.widgets import Select
from napari.layers import Image, Labels
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QListWidgetItem

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Aborted, Progress
from napari_jsn.joint import BoneMasks
from napari_jsn.networks.weights import check_name, described, names, user_folder
from napari_jsn.radiograph.intensity import to_intensities
from napari_jsn.viewer.forms.fields import (
    CheckField,
    ChoiceField,
    CountField,
    FolderField,
    FormField,
    TextField,
    models,
)
from napari_jsn.viewer.forms.form import DEVICE_TIP, DEVICES, Form, form_field, image_problem, layer_reader
from napari_jsn.viewer.layers.masks import is_by_hand, is_opened, labels_for_training

if TYPE_CHECKING:
    from napari_jsn.training.train import Trained

#: Name, intensities and masks of a joint image.
TrainingImage = tuple[str, NDArray[np.float32], BoneMasks | None]

#: Tasks by their text in the menu.
TASKS = {"find bones": "segmentation", "register": "registration", "grade joints": "scoring"}
_PRESETS = {"default": "The network of the shipped models.", "paper": "As published (Wang et al. 2023), for a GPU."}
#: Presets of a training of scoring.
_PRESETS_OF_SCORING = {
    "default": "The networks of the two-stage method.",
    "one-stage": "The network that sees the whole hand. It learns from simulated hands only.",
    "paper": "The same with a larger encoder (EfficientNet-B5), for a GPU.",
}
#: Choices of the field "Learn from".
LAYERS, FOLDER, SIMULATED = "layers", "a folder", "simulated joints"
_SOURCES = {
    LAYERS: "Pairs of layers of the viewer.",
    FOLDER: "The images of a folder, each with its mask.",
    SIMULATED: "Simulated joints only.",
}
#: Choices of the field "Start from"; the name of a training that was stopped follows RESUME.
RANDOM_WEIGHTS, RESUME = "random weights", "resume "
_NO_PAIRS = {
    "segmentation": "Open joint images and, for each, a labels layer of the same size and name. Or choose a folder.",
    "registration": "Open two images of a joint, for instance MCP2 fixed and MCP2 moving. Or choose a folder.",
    "scoring": "Grades are not learned from layers. Choose a folder under Learn from.",
}
#: Why a pair is not ticked.
_NOT_CHECKED = "These bones were found by a network and not corrected. Tick the pair if they are right."
#: Lines of the list of pairs; more can be scrolled.
_MOST_LINES = 5
#: Words by which the names of two visits of one joint differ, and a number at the end that is not that of a joint.
_VISIT_WORDS = re.compile(
    r"fixed|baseline|moving|follow[-_ ]?up|visit|(?<!mcp)(?<!ip)(?<![-_ ])([-_ ]+|(?<!\d))\d+$", re.IGNORECASE
)


class PairsField(FormField, Select):
    """Pairs of an image and a labels layer, or of two visits' images, each with a tick box."""

    def __init__(self, label: str, tip: str) -> None:
        self._layers: list[Any] = []
        self._pairs: list[tuple[Any, Any]] = []
        self._given: list[tuple[Any, Any]] = []  # by a script
        self._ticks: dict[tuple[int, int], bool] = {}  # of pairs that the user ticked or unticked
        super().__init__(label, tip)
        self.find_pairs: Callable[[Any], list[tuple[Any, Any]]] = labelled_images
        self.native.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.native.setSizeAdjustPolicy(QAbstractItemView.SizeAdjustPolicy.AdjustIgnored)
        self.native.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.native.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.native.itemChanged.connect(self._on_tick)

    def reset_choices(self, *_: Any) -> None:
        """Do nothing: the form sets the choices."""

    def get_value(self) -> Any:
        """Return the pairs of layers that are ticked."""
        return tuple(pair for k, pair in enumerate(self._pairs) if self._is_ticked(k))

    def set_value(self, value: Any) -> None:
        """Tick these pairs of layers and no others; pairs that are not in the list yet are added."""
        pairs = [tuple(pair) for pair in value]
        for pair in pairs:
            if len(pair) != 2 or not all(any(layer is each for each in self._layers) for layer in pair):
                self.refuse("Give pairs of two layers of this viewer, (image, labels) or (fixed, moving).")
        self._given = pairs
        self.set_choices(self._layers)
        ticked = {_pair_key(pair) for pair in pairs}
        self._ticks.update({_pair_key(pair): _pair_key(pair) in ticked for pair in self._pairs})
        self.set_choices(self._layers)

    def set_choices(self, layers: Any) -> None:
        """Show the pairs among these layers; keep which pairs the user ticked and unticked."""
        self._layers = list(layers)
        self.native.blockSignals(True)
        self.native.clear()
        self._pairs = self.find_pairs(layers)
        found = {_pair_key(pair) for pair in self._pairs}
        shown = {id(layer) for layer in self._layers}
        self._pairs += [pair for pair in self._given if _pair_key(pair) not in found and {*_pair_key(pair)} <= shown]
        for pair in self._pairs:
            first, second = pair
            by_hand = not isinstance(second, Labels) or is_by_hand(second)
            item = QListWidgetItem(f"{first.name}  +  {second.name}")
            item.setToolTip(item.text() if by_hand else f"{item.text()}\n\n{_NOT_CHECKED}")
            ticked = self._ticks.get(_pair_key(pair), by_hand)
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.native.addItem(item)
        self.native.blockSignals(False)
        self.fit()

    def fit(self) -> None:
        """Show at least two lines."""
        lines = min(max(len(self._pairs), 2), _MOST_LINES)
        height = max(self.native.sizeHintForRow(0), self.native.fontMetrics().height() + 2)
        self.native.setFixedHeight(lines * height + 8)

    def _is_ticked(self, k: int) -> bool:
        item = self.native.item(k)
        return item is not None and item.checkState() == Qt.CheckState.Checked

    def _on_tick(self, item: Any) -> None:
        k = self.native.row(item)
        self._ticks[_pair_key(self._pairs[k])] = self._is_ticked(k)
        self.announce()


def _pair_key(pair: tuple[Any, Any]) -> tuple[int, int]:
    return id(pair[0]), id(pair[1])


def labelled_images(layers: Any) -> list[tuple[Any, Any]]:
    """Return each joint image that was opened with its labels: those made or corrected by hand come before others."""
    images = [layer for layer in layers if isinstance(layer, Image) and not image_problem(layer)]
    pairs = [(image, labels_for_training(image, layers)) for image in images]
    return [(image, labels) for image, labels in pairs if labels is not None]


def visit_pairs(layers: Any) -> list[tuple[Any, Any]]:
    """Return pairs of images of one joint at two visits, whose names differ in words for the visit only."""
    images = [each for each in layers if isinstance(each, Image) and not image_problem(each) and is_opened(each)]
    named = [(re.sub(r"[-_ ]+", "", _joint_name(each)).casefold(), each) for each in images]
    return [
        (first, second)
        for k, (name, first) in enumerate(named)
        for other, second in named[k + 1 :]
        if name == other
    ]  # fmt: skip


def _joint_name(image: Any) -> str:
    """Return the name of an image without the words for its visit: that of the joint, which states the patient too."""
    name: str = _VISIT_WORDS.sub("", image.name.strip())
    return name.strip("-_ ")


def _no_pairs(layers: Any) -> list[tuple[Any, Any]]:
    return []


@dataclass(frozen=True)
class TrainInputs:
    """Task, training data, and how to train."""

    task: str = form_field(
        "Learn to",
        "choice",
        "data",
        "Find the two bones of a joint image, register its visits, or grade the joints of whole hands.",
        next(iter(TASKS)),
        tuple(TASKS),
    )
    source: str = form_field("Learn from", "choice", "data", "Where the training data are.", LAYERS, _SOURCES)
    pairs: tuple[tuple[Any, Any], ...] = form_field(
        "Pairs",
        PairsField,
        "data",
        "An image layer and a labels layer of the same size and name (MCP2 and MCP2 mask):\n1 upper, 2 lower, 3 both."
        "\nTo register: two images of a joint (MCP2 fixed and MCP2 moving); labels are not needed.",
        (),
    )
    data: str | None = form_field(
        "Folder",
        FolderField,
        "data",
        "Images, each with its mask: NAME.jpg and NAME.png, or NAME_mask.png.\n"
        "To grade joints: a folder of radiographs for each patient, and scores.csv, the grades of readers.",
    )
    simulated: bool = form_field(
        "Simulated joints",
        partial(CheckField, text="add them", default=False),
        "data",
        "Simulated joints help where there are few images of your own. They are made once, which takes some minutes.",
        False,
    )
    start: str = form_field(
        "Start from",
        "choice",
        "how",
        "Random weights, the weights of a model, or a training that was stopped.",
        RANDOM_WEIGHTS,
    )
    preset: str = form_field("Preset", "choice", "how", "Network and training settings.", "default", _PRESETS)
    epochs: int | None = form_field(
        "Epochs", partial(CountField, placeholder="as the preset"), "how", "The largest number of epochs."
    )
    device: str = form_field("Device", "choice", "how", DEVICE_TIP, "auto", DEVICES)
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
        resumed = self.resume is not None  # it knows its images, unless they were layers
        if self.source == LAYERS and not self.pairs and not resumed:
            found["pairs"] = _NO_PAIRS[self.task_id]
        if self.source == FOLDER and self.data is None and not resumed:
            found["data"] = "Choose the folder of your images and masks."
            if self.task_id == "scoring":
                found["data"] = "Choose the folder of your radiographs and scores.csv."
        elif self.source == FOLDER and self.data is not None and not Path(str(self.data)).is_dir():
            found["data"] = "There is no such folder. Choose another."
        if self.epochs is not None and self.epochs < 1:
            found["epochs"] = "Give a whole number above 0, or leave it empty."
        if self.name is not None and not resumed:
            found["name"] = _name_problem(self.task_id, self.name)
        return {name: problem for name, problem in found.items() if problem}

    def work(self, layers: Any) -> Callable[[Progress, Callable[[Any], None] | None], Trained]:
        """Return the training, with the layers as they are now; call it in any thread.

        It takes a progress, and a function that is called with each :class:`~napari_jsn.training.epoch.Step` and
        :class:`~napari_jsn.training.epoch.Epoch`.

        Parameters
        ----------
        layers : iterable of Layer
            Of the viewer, in which labels of images to register are looked for.
        """
        readers = self._readers(layers) if self.source == LAYERS else []
        name, resume, folder = self.task_id, self.resume, self.data if self.source == FOLDER else None
        simulated = self.simulated or self.source == SIMULATED
        start = None if self.start == RANDOM_WEIGHTS else self.start
        options: dict[str, Any] = {"epochs": self.epochs, "name": self.name, "start": start}
        if resume is not None:
            options = {"resume": resume}
        # with several GPUs, Lightning would start a process with a window for each
        device = {"auto": None, "cuda": "cuda:0"}.get(self.device, self.device)
        preset = self.preset

        def train_task(progress: Progress, report: Callable[[Any], None] | None = None) -> Trained:
            from napari_jsn.training.tasks import task_from_folder, task_from_pairs, task_to_resume
            from napari_jsn.training.train import Trained, check_lightning, train

            progress.update(0, 0, "Loading")
            check_lightning()
            progress.update(0, 0, "Reading the images")
            images = (read() for read in readers)
            try:
                if resume is not None:  # a training that began with a folder needs no layers
                    task = task_to_resume(resume, name, folder, progress=progress, layers=images)
                elif readers:
                    task = task_from_pairs(name, images, preset, simulated, progress)
                else:
                    task = task_from_folder(name, folder, preset, simulated=simulated, progress=progress)
                if progress.aborted:
                    return Trained(None)
                return train(task, device=device, progress=progress, on_epoch=report, on_step=report, **options)
            except Aborted:  # while joints or patients were simulated
                return Trained(None)

        return train_task

    def _readers(self, layers: Any) -> list[Callable[[], TrainingImage]]:
        """Return for each image a function that reads it."""
        if self.task_id == "segmentation":
            return [_image_reader(image.name, image, labels) for image, labels in self.pairs]
        visits = [(_joint_name(pair[0]) or pair[0].name, image) for pair in self.pairs for image in pair]
        return [_image_reader(joint, image, labels_for_training(image, layers)) for joint, image in visits]


def _image_reader(name: str, image: Any, labels: Any) -> Callable[[], TrainingImage]:
    """Return a function that reads an image and its labels as they are now; None for no labels."""
    read_image, image_name = layer_reader(image, "pairs"), f"The image {image.name!r}"
    read_labels, labels_name = None if labels is None else layer_reader(labels, "pairs"), labels and labels.name

    def read() -> TrainingImage:
        pixels = to_intensities(read_image(), "pairs", image_name)
        if read_labels is None:
            return name, pixels, None
        try:
            return name, pixels, BoneMasks.from_labels(read_labels())
        except InputError as error:
            raise InputError(f"{labels_name}: {error}", "pairs") from error

    return read


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
        self.fields["preset"].changed.connect(self._update_visibility)
        models.changed.connect(self.update_starts)
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
        if not isalive(self):  # its window was closed
            return
        task = self.inputs().task_id
        starts = {
            RANDOM_WEIGHTS: "A new network.",
            **described(task),
            **{RESUME + name: "Goes on where this training was stopped." for name in stopped_runs(task)},
        }
        self.field("start", ChoiceField).set_choices(starts)
        self._update_visibility()

    def _on_task_change(self) -> None:
        found = {"segmentation": labelled_images, "registration": visit_pairs}
        task = self.inputs().task_id
        self.field("pairs", PairsField).find_pairs = found.get(task, _no_pairs)
        self.field("preset", ChoiceField).set_choices(_PRESETS_OF_SCORING if task == "scoring" else _PRESETS)
        self.update_starts()
        self.set_choices(self._layers)

    def _update_visibility(self) -> None:
        inputs = self.inputs()
        self.fields["pairs"].set_visible(inputs.source == LAYERS)
        self.fields["data"].set_visible(inputs.source == FOLDER)
        uses_simulated = inputs.source != SIMULATED and inputs.preset == "default" and inputs.resume is None
        uses_simulated = uses_simulated and inputs.task_id != "scoring"
        self.fields["simulated"].set_visible(uses_simulated)
        for name in ("preset", "epochs", "name"):
            self.fields[name].set_visible(inputs.resume is None)  # a resumed training keeps its own
