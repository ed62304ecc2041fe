"""List the tasks that can be trained, and make one from a folder or from joint images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress
from napari_jsn.networks.inputs import LeftOut, inputs_of, left_out_lines, with_left_out
from napari_jsn.networks.task import Task, check_preset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_jsn.joint import BoneMasks

#: Module and class of every task, by its name and its preset.
TASKS: dict[str, dict[str, tuple[str, str]]] = {
    "segmentation": {
        "default": ("napari_jsn.segmentation.training.task", "SegmentationTask"),
        "paper": ("napari_jsn.segmentation.training.paper_task", "PaperSegmentationTask"),
    },
    "localization": {"default": ("napari_jsn.localization.training.task", "LocalizationTask")},
    "registration": {
        "default": ("napari_jsn.registration.network.training.task", "RegistrationTask"),
        "paper": ("napari_jsn.registration.network.training.paper_task", "PaperRegistrationTask"),
    },
    "scoring": {
        "default": ("napari_jsn.scoring.training.task", "ScoringTask"),
        "one-stage": ("napari_jsn.scoring.training.one_stage_task", "OneStageTask"),
        "paper": ("napari_jsn.scoring.training.one_stage_task", "OneStageTask"),
    },
}
#: Presets of every task.
PRESETS: dict[str, tuple[str, ...]] = {name: tuple(classes) for name, classes in TASKS.items()}


def task_class(name: str, preset: str = "default") -> Any:
    """Return the class of a task.

    Raises
    ------
    InputError
        If there is no task of that name, or it has no such preset.
    """
    if name not in TASKS:
        raise InputError(f"There is no task {name!r}. Choose one of: {', '.join(TASKS)}.", "task")
    check_preset(preset, PRESETS[name])
    module, kind = TASKS[name][preset]
    return getattr(import_module(module), kind)


def check_kind(name: str, preset: str, kind: str | None) -> None:
    """Check that a training can be of one kind of damage alone, and that there is such a kind.

    Raises
    ------
    InputError
        If the task or the preset has no kinds, or there is no such kind.
    """
    if kind is None:
        return
    if (name, preset) != ("scoring", "default"):
        raise InputError(
            "One kind alone is trained in a training of scoring with the preset default. Leave --kind out.", "kind"
        )
    kinds = import_module("napari_jsn.scoring.grades").HIGHEST
    if kind not in kinds:
        raise InputError(f"There is no kind {kind!r} to train. Choose one of: {', '.join(kinds)}.", "kind")


def task_from_folder(
    name: str,
    folder: Path | str | None,
    preset: str,
    pairs: str | None = None,
    groups: Path | str | None = None,
    simulated: bool = True,
    progress: Progress | None = None,
    kind: str | None = None,
    layout: Path | str | None = None,
) -> Task:
    """Make a task from the images of a folder and the masks beside them; from simulated ones alone without a folder.

    Parameters
    ----------
    name : {"segmentation", "localization", "registration", "scoring"}
    folder : path or None
    preset : str
        One of the presets of the task: ``"default"``, for segmentation and registration also ``"paper"``.
    pairs : {"all", "paper"}, optional
        How visits of a joint are paired in a training of registration; by default ``"paper"`` (by the middle index) for
        that preset, else ``"all"``.
    groups : path, optional
        Table with the columns ``file`` and ``patient``: images of one patient are all trained on, or none.
    simulated : bool
        Whether to learn from simulated joints too, if the preset does; without a folder there are no others.
    progress : Progress, optional
        Updated while images are simulated, which takes minutes where none are kept from an earlier training.
    kind : {"jsn", "erosion"}, optional
        In a training of the two-stage networks for scores: train the network for this kind only.
    layout : str or path, optional
        In a training of scoring: layout of the table of scores; see :func:`napari_jsn.scoring.layout`.

    Raises
    ------
    InputError
        If there is no such task or preset, the task has no pairs, or the folder has nothing to train on.
    Aborted
        When the progress is aborted while images are simulated.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> task = jsn.task_from_folder("segmentation", "joints", "default")  # doctest: +SKIP
    >>> jsn.train(task, epochs=2)  # doctest: +SKIP
    """
    if pairs is not None and name != "registration":
        raise InputError(f"Pairs are chosen in a training of registration, not of {name}. Leave --pairs out.", "pairs")
    if pairs is not None:
        import_module("napari_jsn.registration.network.training.data").check_pairs(pairs)
    check_kind(name, preset, kind)
    import_module("napari_jsn.scoring.layouts").check_layout(layout, name == "scoring" and folder is not None)
    given = {"pairs": pairs, "groups": groups, "kind": kind, "layout": layout}
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if folder is not None and not simulated:
        options["simulated"] = 0
    task: Task = task_class(name, preset).from_folder(folder, preset, progress=progress, **options)
    return task


def task_from_pairs(
    name: str,
    pairs: Iterable[tuple[str, NDArray[np.float32], BoneMasks | None]],
    preset: str,
    simulated: bool = True,
    progress: Progress | None = None,
) -> Task:
    """Make a task from joint images: the name of each, its pixels (H, W) with bone bright, and its masks.

    Images of one name show one joint. Masks that are None are segmented. With ``simulated`` the task learns from
    simulated joints too, if its preset does; ``progress`` is updated while they are made.

    Raises
    ------
    InputError
        If there is no such task or preset, or too little to train on.
    Aborted
        When the progress is aborted while joints are simulated.
    """
    from napari_jsn.segmentation.segment import segment_many
    from napari_jsn.segmentation.training.data import LabelledJoint
    from napari_jsn.segmentation.training.folder import with_patients
    from napari_jsn.segmentation.training.mask_checks import image_problem, masks_problem

    given = list(pairs)
    found = iter(segment_many([image for _, image, masks in given if masks is None]))
    joints, left_out = [], []
    for joint, image, masks in given:
        bones = next(found) if masks is None else masks
        if problem := image_problem(image) or masks_problem(bones, image):
            left_out.append(LeftOut(joint, problem))
        else:
            joints.append(LabelledJoint(image, bones, group=joint, name=joint))
    if not joints:
        raise InputError(f"No image can be trained on. {'. '.join(left_out_lines(left_out))}.", "pairs")
    options = {} if simulated else {"simulated": 0}
    try:
        task: Task = task_class(name, preset)(with_patients(joints), preset, progress=progress, **options)
    except InputError as error:
        raise with_left_out(error, left_out) from error
    inputs = inputs_of(task)
    if left_out and inputs.images:
        task.inputs = replace(inputs, left_out=tuple(left_out))  # type: ignore[attr-defined]  # optional of a task
    return task


def task_to_resume(
    resume: Path | str,
    name: str | None = None,
    folder: Path | str | None = None,
    preset: str | None = None,
    pairs: str | None = None,
    groups: Path | str | None = None,
    progress: Progress | None = None,
    layers: Iterable[tuple[str, NDArray[np.float32], BoneMasks | None]] = (),
    kind: str | None = None,
    layout: Path | str | None = None,
) -> Task:
    """Make the task of a stopped training again, from the images that it began with.

    Parameters
    ----------
    resume : path
        The resume file.
    name, folder, preset, pairs, groups, kind, layout
        As for :func:`task_from_folder`; what is None is taken from the resume file.
    progress : Progress, optional
        As for :func:`task_from_folder`.
    layers : iterable
        Joint images as for :func:`task_from_pairs`; used only where the training began with such.

    Raises
    ------
    InputError
        If the file cannot be read, is of another task or preset, or the images are not where they were.
    """
    from napari_jsn.training.resume import read_run

    run = read_run(resume)
    for what, given in (("task", name), ("preset", preset)):
        if given not in (None, run[what]):
            raise InputError(
                f"{Path(resume).name} belongs to another training: its {what} is {run[what]!r}, not {given!r}. "
                "Choose its own task and preset.",
                "resume",
            )
    inputs = run.get("inputs", {})
    place = folder or inputs.get("folder") or None
    simulated = run.get("simulated") != 0
    if place is None and inputs.get("images"):
        images_given = list(layers)
        if not images_given:
            raise InputError(
                "This training began with images of layers in napari. Resume it there, with the same layers.",
                "resume",
            )
        return task_from_pairs(run["task"], images_given, run["preset"], simulated, progress)
    if folder is None and place is not None and not Path(place).is_dir():
        raise InputError(f"This training began with images of {place}, which is not there. Give their folder.", "data")
    if groups is None and inputs.get("groups"):
        groups = inputs["groups"]
    layout = layout or inputs.get("layout") or None
    pairs = pairs or run.get("pairs")
    kind = kind or run.get("kind")
    return task_from_folder(run["task"], place, run["preset"], pairs, groups, simulated, progress, kind, layout)
