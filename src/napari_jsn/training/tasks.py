"""List the tasks that can be trained, and make one from a folder or from joint images."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.networks.task import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_jsn.joint import BoneMasks

#: Module and class of every task, by name.
TASKS: dict[str, tuple[str, str]] = {
    "segmentation": ("napari_jsn.segmentation.training.task", "SegmentationTask"),
    "localization": ("napari_jsn.localization.training.task", "LocalizationTask"),
    "registration": ("napari_jsn.registration.network.training.task", "RegistrationTask"),
}
#: Presets of every task; repeated here so that menus need not import torch.
PRESETS: dict[str, tuple[str, ...]] = {
    "segmentation": ("default", "paper"),
    "localization": ("default",),
    "registration": ("default", "paper"),
}


def task_class(name: str) -> Any:
    """Return the class of a task.

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
    """Make a task from the images of a folder and the masks beside them; from simulated ones alone without a folder.

    Raises
    ------
    InputError
        If there is no such task or preset, or the folder has nothing to train on.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> task = jsn.task_from_folder("segmentation", "joints", "default")  # doctest: +SKIP
    >>> jsn.train(task, epochs=2)  # doctest: +SKIP
    """
    task: Task = task_class(name).from_folder(folder, preset)
    return task


def task_from_pairs(name: str, pairs: Iterable[tuple[str, NDArray[np.float32], BoneMasks | None]], preset: str) -> Task:
    """Make a task from joint images: the name of each, its pixels (H, W) with bone bright, and its masks.

    Images of one name show one joint. Masks that are None are segmented.

    Raises
    ------
    InputError
        If there is no such task or preset, or too little to train on.
    """
    from napari_jsn.segmentation.segment import segment_many
    from napari_jsn.segmentation.training.data import LabelledJoint

    given = list(pairs)
    found = iter(segment_many([image for _, image, masks in given if masks is None]))
    joints = [
        LabelledJoint(image, next(found) if masks is None else masks, group=joint, name=joint)
        for joint, image, masks in given
    ]
    task: Task = task_class(name)(joints, preset)
    return task
