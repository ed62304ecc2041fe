"""Train any task: from Python, from the command and from the window."""

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
from napari_jsn.training.machine import is_first_process, trainer_arguments

if TYPE_CHECKING:
    from napari_jsn.networks.task import Task
    from napari_jsn.training.module import TaskModule
    from napari_jsn.training.watch import Epoch

#: Share of the epochs after which to stop when no epoch was better than the best, where the task does not say.
_PATIENCE = 0.3
#: What the figures of a card were measured on.
_VALIDATION = "the validation images, which were not trained on but chose the best epoch"
#: What this module writes into a card; the task tells the rest.
_OF_RUN = ("task", "name", "preset", "figures", "command", "seed", "versions")


@dataclass(frozen=True)
class Trained:
    """What came out of a training.

    Parameters
    ----------
    path : Path or None
        The weights of the best epoch, their card and curves beside them; None if stopped before one epoch was done.
    card : dict
        What the card says; empty where there is none.
    history : list of dict
        A row an epoch; see :class:`~napari_jsn.training.module.TaskModule`.
    finished : bool
        False if it was stopped; it can then go on from ``resume``.
    reason : str
        Why it is not finished, in a sentence.
    resume : Path or None
        The resume file of a training that was stopped.
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
    command: str | None = None,
) -> Trained:
    """Train a task's network and save its best epoch as a model.

    After every epoch its whole state is written beside the weights-to-be, so that a training that was killed goes
    on with ``resume`` and ends as it would have ended.

    Parameters
    ----------
    task : Task
        Network, loss and data; see :class:`~napari_jsn.networks.task.Task`.
    epochs : int, optional
        By default those of the task's preset.
    device : str, optional
        See :func:`~napari_jsn.training.machine.trainer_arguments`.
    out : path, optional
        The folder for weights, card, curves (CSV, PNG) and resume file; what bears the same names there is replaced.
        By default the folder of the user's models, where all menus find them and nothing is replaced.
    name : str, optional
        What the model will be called. By default the preset in ``out``, else ``my-<preset>``.
    resume : path, optional
        The resume file of a training to go on with; it brings epochs, seed, folder and name where they are not given.
    start : str, optional
        A model to start from, by name or as the path of its weights, in place of random weights.
    seed : int, optional
        By default 0. The same seed on the same machine gives the same weights.
    progress : Progress, optional
        Told of every batch; when it is aborted, the best weights so far are kept.
    on_epoch : callable, optional
        Called after every epoch with an :class:`~napari_jsn.training.watch.Epoch`, in the thread that trains.
    command : str, optional
        For the card: what was typed. A resumed training keeps that with which it began.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If Lightning is not installed, there is nothing to train on, an argument is wrong, the loss is no number
        before one epoch was good, or the disk is full.
    """
    lightning = check_lightning()
    weights.check_fields({**task.card(), **dict.fromkeys(_OF_RUN)})
    from napari_jsn.training.module import TaskModule
    from napari_jsn.training.resume import SUFFIX, AtomicCheckpoints, ResumeFile, identity, read_run
    from napari_jsn.training.watch import Stopped, Watch

    machine = trainer_arguments(device)
    resumed = None if resume is None else read_run(resume, task)
    if resume is not None and resumed is not None:
        out = Path(resume).parent if out is None else out
        name = resumed["name"] if name is None else name
    folder, name = _place(task, out, name, free=resume is None)
    run = {
        **identity(task),
        "name": name,
        "epochs": _agreed("epochs", epochs, resumed, task.epochs),
        "seed": _agreed("seed", seed, resumed, 0),
        "start": start if resumed is None else resumed["start"],
    }
    run["command"] = (command or _command(run)) if resumed is None else resumed["command"]
    if run["epochs"] < 1:
        raise InputError(f"The number of epochs must be 1 or more, not {run['epochs']}.", "epochs")
    unfinished = folder / f"{task.name}-{name}{SUFFIX}"
    if unfinished.exists() and (resume is None or not unfinished.samefile(resume)):
        raise InputError(
            f"A training of that name was not finished: {unfinished}. Go on with it (--resume), delete it, "
            "or choose another name.",
            "name",
        )
    progress = progress or Silent()
    patience = getattr(task, "patience", max(5, round(_PATIENCE * run["epochs"])))
    watch = Watch(progress, patience, on_epoch)
    with _quiet(lightning):
        module = TaskModule(task, run)
        if resume is None and start is not None:
            _take_weights(module, start)
        _check_data(task, run["seed"])
        trainer = lightning.Trainer(
            **machine,
            max_epochs=run["epochs"],
            callbacks=[watch, ResumeFile(unfinished)],
            plugins=[AtomicCheckpoints()],
            default_root_dir=folder,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            inference_mode=False,  # what a task keeps of a validation batch must stay usable in training
        )
        reason, asked_for = "", False
        try:
            trainer.fit(module, module.batches, module.validation, ckpt_path=resume)
        except Stopped as stopped:
            reason, asked_for = str(stopped), stopped.asked_for
    if not is_first_process():
        return Trained(None, history=module.history, finished=not reason, reason=reason)
    path, about = None, {}
    if module.best:
        about = _card(module)
        path = weights.save(folder, module.best, about, _curves(module))
    if not asked_for:  # nothing is left to go on with
        unfinished.unlink(missing_ok=True)
    if path is None and not asked_for:
        raise InputError(reason, "data")
    left = unfinished if unfinished.exists() else None
    return Trained(path, about, module.history, not reason, reason, left)


def check_lightning() -> Any:
    """Import Lightning.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a library deprecates is not news for the user
            import lightning.pytorch
    except ImportError as error:
        raise InputError("Training needs Lightning. Install it with: pip install 'napari-jsn[train]'") from error
    return lightning.pytorch


def _place(task: Task, out: str | os.PathLike[str] | None, name: str | None, free: bool) -> tuple[Path, str]:
    """Folder and name of the model; a new one in the user's folder replaces no other."""
    if name is not None:
        weights.check_name(name)
    if out is not None:
        return check_folder(out), name or task.preset
    folder, taken = check_folder(weights.user_folder()), weights.names(task.name)
    if name is None:
        unfinished = {path.stem.removeprefix(f"{task.name}-") for path in folder.glob(f"{task.name}-*.ckpt")}
        ways = (f"my-{task.preset}" + (f"-{count}" if count > 1 else "") for count in range(1, 10_000))
        name = next(way for way in ways if way not in taken and way not in unfinished)
    elif free and name in taken:
        raise InputError(f"There is a {task.name} model {name!r} already. Choose another name.", "name")
    return folder, name


def _agreed(what: str, given: int | None, resumed: dict[str, Any] | None, default: int) -> int:
    """What was given, else what the resume file says, else the default; both must agree."""
    if resumed is None:
        return default if given is None else given
    if given not in (None, resumed[what]):
        raise InputError(
            f"The resumed training has {what} {resumed[what]}, not {given}. Leave it out to go on as it began.", what
        )
    return int(resumed[what])


def _take_weights(module: TaskModule, start: str) -> None:
    """Begin with the weights of another model of the same network."""
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
            raise InputError(f"No image is there to {use}. Give more pairs of an image and its masks.", "data")


@contextmanager
def _quiet(lightning: Any) -> Iterator[None]:
    """Lightning's tips and warnings are not for users; torch's generator is put back as it was."""
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
    """The card, but for the hash of the weights."""
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
    """What would have to be typed for a training that was started otherwise, but for its data."""
    options = " ".join(f"--{key} {run[key]}" for key in ("preset", "epochs", "seed", "start") if run[key] is not None)
    return f"napari-jsn train {run['task']} {options}"


def _curves(module: TaskModule) -> dict[str, bytes]:
    from napari_jsn.training.curves import curves_csv, curves_png

    return {".csv": curves_csv(module.history), ".png": curves_png(module.history, module.best_epoch)}
