"""``train``: train the network of a task; the command and the widget call the same function."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn import __version__
from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.networks import weights
from napari_jsn.networks.task import Task
from napari_jsn.training.epoch import Epoch, Step
from napari_jsn.training.machine import is_first_process, trainer_arguments

if TYPE_CHECKING:
    from napari_jsn.training.module import TaskModule

#: Epochs without a better one after which training stops, as a share of all, where the task does not set them.
_PATIENCE = 0.3
#: What the figures of a card are measured on.
_VALIDATION = "the validation images, which were not trained on but chose the best epoch"
_NO_MEMORY = (
    "The memory of the GPU is too small for this training. Choose the device cpu or another preset, or end other "
    "programs that use the GPU; the training can be resumed if one epoch is done."
)
#: Fields of a card that this module writes; the task writes the others.
_OF_RUN = ("task", "name", "preset", "figures", "command", "seed", "versions")


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Parameters
    ----------
    path : Path or None
        The weights of the best epoch, with card and curves beside them; None if stopped before one epoch was done.
    card : dict
        The content of the card; empty without one.
    history : list of dict
        One row per epoch; see :class:`~napari_jsn.training.module.TaskModule`.
    finished : bool
        False if the training was stopped; it can then be resumed from ``resume``.
    reason : str
        Why it is not finished, as a sentence.
    resume : Path or None
        The resume file of a stopped training.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> trained = jsn.train(jsn.task_from_folder("segmentation", "images", "default"), epochs=5)  # doctest: +SKIP
    >>> trained.finished, trained.path.name  # doctest: +SKIP
    (True, 'segmentation-my-default.safetensors')
    """

    path: Path | None
    card: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    finished: bool = False
    reason: str = ""
    resume: Path | None = None


def train(
    task: Task,
    epochs: int | None = None,
    device: str | None = None,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    resume: str | os.PathLike[str] | None = None,
    start: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_step: Callable[[Step], None] | None = None,
    command: str | None = None,
) -> Trained:
    """Train a task's network and save its best epoch as a model.

    The whole state is written to a resume file after every epoch. A training that was stopped or killed continues
    with ``resume`` and gives the same result as an uninterrupted one.

    Parameters
    ----------
    task : Task
        Network, loss and data; see :class:`~napari_jsn.networks.task.Task`.
    epochs : int, optional
        By default the number of the task's preset.
    device : str, optional
        See :func:`~napari_jsn.training.machine.trainer_arguments`.
    out : path, optional
        The folder for weights, card, curves (CSV, PNG) and resume file; files of the same names are replaced. By
        default the folder of the user's models, where all menus find them and no file is replaced.
    name : str, optional
        The name of the model. By default the preset's if ``out`` is given, else ``my-<preset>``.
    resume : path, optional
        The resume file of a training to continue; it sets epochs, seed, folder and name where they are not given.
    start : str, optional
        A model whose weights to start from instead of random ones: its name, or the path of its weights.
    seed : int, optional
        By default 0. The same seed on the same machine gives the same weights.
    progress : Progress, optional
        Updated after every batch; when it is aborted, the best weights so far are kept.
    on_epoch : callable, optional
        Called after every epoch with an :class:`~napari_jsn.training.epoch.Epoch`, in the thread that trains.
    on_step : callable, optional
        Called within an epoch every few seconds with a :class:`~napari_jsn.training.epoch.Step`, in the same thread.
    command : str, optional
        The command line, for the card. A resumed training keeps its first one.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If Lightning is not installed, there is nothing to train on, an argument is wrong, the loss becomes NaN or
        infinite in the first epoch, or the disk is full.

    Examples
    --------
    >>> from napari_jsn.training.tasks import task_from_folder
    >>> from napari_jsn.training.train import train
    >>> trained = train(task_from_folder("segmentation", "images", "default"), epochs=5)  # doctest: +SKIP
    >>> trained.path.name  # doctest: +SKIP
    'segmentation-my-default.safetensors'
    """
    lightning = check_lightning()
    weights.check_fields({**task.card(), **dict.fromkeys(_OF_RUN)})
    import torch

    from napari_jsn.training.module import TaskModule
    from napari_jsn.training.resume import SUFFIX, AtomicCheckpoints, ResumeFile, identity, read_run
    from napari_jsn.training.watch import ProgressCallback, Stopped

    machine = trainer_arguments(device)
    resumed = None if resume is None else read_run(resume, task)
    if resume is not None and resumed is not None:
        out = Path(resume).parent if out is None else out
        name = resumed["name"] if name is None else name
    folder, name = _place(task, out, name, free=resume is None)
    run = {
        **identity(task),
        "name": name,
        "epochs": _consistent("epochs", epochs, resumed, task.epochs),
        "seed": _consistent("seed", seed, resumed, 0),
        "start": start if resumed is None else resumed["start"],
    }
    run["command"] = (command or _command(run)) if resumed is None else resumed["command"]
    if run["epochs"] < 1:
        raise InputError(f"The number of epochs must be 1 or more, not {run['epochs']}.", "epochs")
    unfinished = folder / f"{task.name}-{name}{SUFFIX}"
    if unfinished.exists() and (resume is None or not unfinished.samefile(resume)):
        raise InputError(
            f"A training of that name is not finished: {unfinished}. Resume it (--resume), delete the file, "
            "or choose another name.",
            "name",
        )
    progress = progress or Silent()
    patience = getattr(task, "patience", max(5, round(_PATIENCE * run["epochs"])))
    callback = ProgressCallback(progress, patience, on_epoch, on_step)
    with _quiet(lightning):
        module = TaskModule(task, run)
        if resume is None and start is not None:
            _load_start_weights(module, start)
        _check_data(task, run["seed"])
        trainer = lightning.Trainer(
            **machine,
            max_epochs=run["epochs"],
            callbacks=[callback, ResumeFile(unfinished)],
            plugins=[AtomicCheckpoints()],
            default_root_dir=folder,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            inference_mode=False,  # tensors that a task keeps from validation must stay usable in training
        )
        reason, by_user = "", False
        try:
            trainer.fit(module, module.batches, module.validation, ckpt_path=resume)
        except Stopped as stopped:
            reason, by_user = str(stopped), stopped.by_user
        except torch.OutOfMemoryError as error:
            raise InputError(_NO_MEMORY, "device") from error
    if not is_first_process():
        return Trained(None, history=module.history, finished=not reason, reason=reason)
    path, about = None, {}
    if module.best:
        about = _card(module)
        path = weights.save(folder, module.best, about, _curves(module))
    if not by_user:  # there is nothing to resume
        unfinished.unlink(missing_ok=True)
    if path is None and not by_user:
        raise InputError(reason, "data")
    resume_file = unfinished if unfinished.exists() else None
    return Trained(path, about, module.history, not reason, reason, resume_file)


def check_lightning() -> Any:
    """Import Lightning.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations of libraries do not concern the user
            import lightning.pytorch
    except ImportError as error:
        raise InputError("Training needs Lightning. Install it with: pip install 'napari-jsn[train]'") from error
    return lightning.pytorch


def _place(task: Task, out: str | os.PathLike[str] | None, name: str | None, free: bool) -> tuple[Path, str]:
    """Return folder and name of the model; a new one in the user's folder replaces no other."""
    if name is not None:
        weights.check_name(name)
    if out is not None:
        return check_folder(out), name or task.preset
    folder, taken = check_folder(weights.user_folder()), weights.names(task.name)
    if name is None:
        unfinished = {path.stem.removeprefix(f"{task.name}-") for path in folder.glob(f"{task.name}-*.ckpt")}
        candidates = (f"my-{task.preset}" + (f"-{count}" if count > 1 else "") for count in range(1, 10_000))
        name = next(each for each in candidates if each not in taken and each not in unfinished)
    elif free and name in taken:
        raise InputError(f"There is a {task.name} model {name!r} already. Choose another name.", "name")
    return folder, name


def _consistent(what: str, given: int | None, resumed: dict[str, Any] | None, default: int) -> int:
    """Return the given value, the resume file's or the default; the first two must not differ."""
    if resumed is None:
        return default if given is None else given
    if given not in (None, resumed[what]):
        raise InputError(
            f"The resumed training has {what} {resumed[what]}, not {given}. Omit it to continue with the same.", what
        )
    return int(resumed[what])


def _load_start_weights(module: TaskModule, start: str) -> None:
    """Start from the weights of another model of the same network."""
    state, about = weights.load(module.task.name, start)
    try:
        module.validated.load_state_dict(state)
        module.network.load_state_dict(state)
    except RuntimeError as error:
        raise InputError(
            f"The model {start!r} has another network ({about.get('preset')!r}) than the preset "
            f"{module.task.preset!r}. Choose a model of that preset to start from.",
            "start",
        ) from error


def _check_data(task: Task, seed: int) -> None:
    for batches, use in ((task.validation_batches(), "validate on"), (task.training_batches(0, seed), "train on")):
        if next(iter(batches), None) is None:
            raise InputError(f"There is no image to {use}. Add images with masks.", "data")


@contextmanager
def _quiet(lightning: Any) -> Iterator[None]:
    """Suppress Lightning's tips and warnings, and restore torch's random generator afterwards."""
    import torch

    log = logging.getLogger(lightning.__name__)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _card(module: TaskModule) -> dict[str, Any]:
    """Return the card without the hash of the weights."""
    import torch

    task, run = module.task, module.run
    about = task.card()
    return {
        **about,
        "task": task.name,
        "name": run["name"],
        "preset": task.preset,
        "figures": {"measured_on": _VALIDATION, **module.figures},
        "epochs": {"trained": len(module.history), "asked": run["epochs"], "best": module.best_epoch},
        "start": run["start"],
        "command": run["command"],
        "seed": run["seed"],
        "versions": {
            "napari-jsn": __version__,
            **{package: version(package) for package in ("lightning", "monai", "numpy")},
            "torch": torch.__version__,
        },
        "parameters": sum(value.numel() for value in module.network.parameters()),
    }


def _command(run: dict[str, Any]) -> str:
    """Return the command line of a training that was not started by one, without its data."""
    options = " ".join(f"--{key} {run[key]}" for key in ("preset", "epochs", "seed", "start") if run[key] is not None)
    return f"napari-jsn train {run['task']} {options}"


def _curves(module: TaskModule) -> dict[str, bytes]:
    from napari_jsn.training.curves import curves_csv, curves_png

    return {".csv": curves_csv(module.history), ".png": curves_png(module.history, module.best_epoch)}
