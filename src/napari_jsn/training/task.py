"""What training asks of a task: a small object that holds the network, the loss and the data of one capability."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from napari_jsn.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from napari_jsn.joint import BoneMasks

#: Where the tasks live that can be trained by name: module and class.
TASKS = {
    "segmentation": ("napari_jsn.segmentation.task", "SegmentationTask"),
    "localization": ("napari_jsn.localization.task", "LocalizationTask"),
    "registration": ("napari_jsn.registration.task", "RegistrationTask"),
}
#: Their presets, told here so that a menu need not import torch.
PRESETS = {"segmentation": ("default", "paper"), "localization": ("default",), "registration": ("default", "paper")}


class Task(Protocol):
    """One thing to learn; plain torch, so that it can live below this package, beside the network it trains.

    It may also have ``ema``, the decay a step of an exponential moving average of the weights (then the average
    is what is validated and saved), and ``patience``, the epochs without a better figure after which to stop.
    """

    name: str  #: such as ``"segmentation"``
    preset: str
    epochs: int  #: of the preset

    def network(self) -> Module:
        """A network with new weights, drawn from torch's generator."""

    def optimizer(self, network: Module, epochs: int) -> tuple[Optimizer, LRScheduler | None]:
        """The optimizer, and what sets its rate after every epoch."""

    def training_batches(self, epoch: int, seed: int) -> Iterable[Any]:
        """Batches of an epoch, counted from 0; the same for the same (epoch, seed), so that a resume loses nothing."""

    def validation_batches(self) -> Iterable[Any]:
        """Batches that are never trained on, always the same."""

    def loss(self, network: Module, batch: Any) -> Tensor:
        """The mean over the batch."""

    def measures(self, network: Module, batch: Any) -> dict[str, Tensor]:
        """Figures of each sample, (B,); the first one decides which epoch is best: higher is better."""

    def example(self, network: Module, index: int) -> dict[str, NDArray[Any]]:
        """A validation sample to look at: ``image``, ``truth`` and ``found``, 2-D."""

    def card(self) -> dict[str, Any]:
        """Architecture and its arguments, input size, normalisation, training data with source and terms."""


def task_class(name: str) -> Any:
    """The class of a task.

    Raises
    ------
    InputError
        If there is no task of that name.
    """
    if name not in TASKS:
        raise InputError(f"There is no task {name!r}. Choose one of: {', '.join(TASKS)}.", "task")
    module, kind = TASKS[name]
    return getattr(import_module(module), kind)


def task_from_folder(name: str, folder: Path | str | None, preset: str) -> Task:
    """A task on the images of a folder and the masks beside them.

    Raises
    ------
    InputError
        If there is no such task or preset, or the folder holds nothing to learn from.
    """
    task: Task = task_class(name).from_folder(folder, preset)
    return task


def task_from_pairs(name: str, pairs: Iterable[tuple[str, NDArray[np.float32], BoneMasks | None]], preset: str) -> Task:
    """A task on joint images: the name of each, its (H, W) grey levels with bone bright, and its bones.

    Images of one name show one joint. Bones that are not given are found.

    Raises
    ------
    InputError
        If there is no such task or preset, or nothing to learn from.
    """
    from napari_jsn.segmentation.api import segment_many
    from napari_jsn.segmentation.data import LabelledJoint

    given = list(pairs)
    found = iter(segment_many([image for _, image, masks in given if masks is None]))
    joints = [
        LabelledJoint(image, next(found) if masks is None else masks, group=called, name=called)
        for called, image, masks in given
    ]
    task: Task = task_class(name)(joints, preset)
    return task
