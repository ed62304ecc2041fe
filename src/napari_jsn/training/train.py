"""``train``: train the network of a task; the command and the widget call the same function."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.networks import weights
from napari_jsn.networks.inputs import inputs_of
from napari_jsn.networks.task import Task
from napari_jsn.training.card import command_of, curve_files, model_card, simulator_version
from napari_jsn.training.epoch import Epoch, Step
from napari_jsn.training.machine import is_first_process, trainer_arguments
from napari_jsn.training.options import check_epochs, consistent, other_network
from napari_jsn.training.place import reserved_place

if TYPE_CHECKING:
    from napari_jsn.training.module import TaskModule
    from napari_jsn.training.resume import NotWritten

#: Epochs without a better one after which training stops, as a share of all, where the task does not set them.
_PATIENCE = 0.3
_NO_MEMORY = (
    "The memory of the GPU is too small for this training. Choose the device cpu or another preset, or end other "
    "programs that use the GPU; the training can be resumed if one epoch is done."
)
#: Fields of a card that this module writes; the task writes the others.
_OF_RUN = ("task", "name", "preset", "figures", "command", "seed", "versions")


class StoppedAtOnce(KeyboardInterrupt):
    """A training was stopped in the middle of an epoch, and no model was saved.

    Parameters
    ----------
    resume : Path or None
        The resume file with the state after the last full epoch; None before the first one.
    """

    def __init__(self, resume: Path | None) -> None:
        super().__init__()
        self.resume = resume


@dataclass(frozen=True)
class Trained:
    """The result of a training.

    Parameters
    ----------
    path : Path or None
        The weights that are kept, with card and curves beside them; None if stopped before one epoch was done.
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
    replace: bool = False,
) -> Trained:
    """Train a task's network and save its best epoch, or its last one if the task has ``keep_last``, as a model.

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
        The folder for weights, card, curves (CSV, PNG) and resume file. By default the folder of the user's models,
        where all menus find them.
    name : str, optional
        The name of the model. By default the preset's if ``out`` is given, else ``my-<preset>``; with a number where a
        model or a training has that name.
    resume : path, optional
        The resume file of a training to continue; it sets epochs, seed, folder and name where they are not given. The
        task must have the same images as that training.
    start : str, optional
        A model whose weights to start from instead of random ones: its name, or the path of its weights.
    seed : int, optional
        By default 0. The same seed on the same machine gives the same weights.
    progress : Progress, optional
        Updated after every batch; when it is aborted, the weights that are kept so far are saved.
    on_epoch : callable, optional
        Called after every epoch with an :class:`~napari_jsn.training.epoch.Epoch`, in the thread that trains.
    on_step : callable, optional
        Called within an epoch every few seconds with a :class:`~napari_jsn.training.epoch.Step`, in the same thread.
    command : str, optional
        The command line, for the card. A resumed training keeps its first one.
    replace : bool
        Whether a finished model of the same name and folder is replaced.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If Lightning is not installed, there is nothing to train on, an argument is wrong, the name is taken, the
        resumed training had other images, the loss becomes NaN or infinite in the first epoch, or the disk is full.
    StoppedAtOnce
        On Ctrl-C where the progress does not handle it.

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
    from napari_jsn.training.resume import read_run

    machine = trainer_arguments(device)
    resumed = None if resume is None else read_run(resume, task)
    if resume is not None and resumed is not None:
        out = Path(resume).parent if out is None else out
        name = resumed["name"] if name is None else name
    run = _run(task, epochs, seed, start, resumed)
    with reserved_place(task.name, task.preset, out, name, resume, replace) as (folder, name):
        run["name"] = name
        run["command"] = (command or command_of(run)) if resumed is None else resumed["command"]
        return _fit(lightning, task, run, folder, machine, resume, progress or Silent(), on_epoch, on_step)


def _run(
    task: Task, epochs: int | None, seed: int | None, start: str | None, resumed: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the facts about a training but its name and command, after checking them against the resume file."""
    from napari_jsn.training.resume import check_inputs, identity

    run = {
        **identity(task),
        "epochs": consistent("epochs", epochs, resumed, task.epochs),
        "seed": consistent("seed", seed, resumed, 0),
        "start": start if resumed is None else resumed["start"],
        "start_sha256": None,
        "inputs": inputs_of(task).record(),
        "pairs": getattr(task, "pairs", None),
        "kind": getattr(task, "kind", None),
        "simulated": getattr(task, "simulated", None),
        "simulator": simulator_version(),
    }
    check_epochs(run["epochs"])
    if run["seed"] < 0:
        raise InputError(f"The seed must be 0 or more, not {run['seed']}.", "seed")
    if resumed is not None:
        if start not in (None, resumed["start"]):
            began = "random weights" if resumed["start"] is None else repr(resumed["start"])
            raise InputError(
                f"The resumed training started from {began}, not from {start!r}. Omit it to continue with the same.",
                "start",
            )
        run["start_sha256"] = resumed.get("start_sha256")
        check_inputs(resumed, run)
    elif start is not None:
        run["start_sha256"] = weights.load(task.name, start)[1]["sha256"]
    return run


def _fit(
    lightning: Any,
    task: Task,
    run: dict[str, Any],
    folder: Path,
    machine: dict[str, Any],
    resume: str | os.PathLike[str] | None,
    progress: Progress,
    on_epoch: Callable[[Epoch], None] | None,
    on_step: Callable[[Step], None] | None,
) -> Trained:
    """Train, and save the epoch that is kept in a folder; the name is reserved."""
    import torch
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from napari_jsn.training.module import TaskModule
    from napari_jsn.training.resume import SUFFIX, AtomicCheckpoints, NotWritten, ResumeFile
    from napari_jsn.training.watch import ProgressCallback, Stopped

    unfinished = folder / f"{task.name}-{run['name']}{SUFFIX}"
    patience = getattr(task, "patience", max(5, round(_PATIENCE * run["epochs"])))
    callback = ProgressCallback(progress, patience, on_epoch, on_step)
    terminated = False
    with _quiet(lightning):
        if hasattr(task, "fine_tuned"):
            task.fine_tuned = run["start"] is not None
        module = TaskModule(task, run)
        if resume is None and run["start"] is not None:
            _load_start_weights(module, run["start"])
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
        except SIGTERMException:
            reason, by_user, terminated = f"Stopped in epoch {len(module.history) + 1}.", True, True
        except SystemExit as left:
            if not isinstance(left.__context__, KeyboardInterrupt):
                raise
            raise StoppedAtOnce(unfinished if unfinished.exists() else None) from None
        except NotWritten as error:
            raise _with_what_is_kept(error, module, folder, unfinished) from error
    if not is_first_process():
        return Trained(None, history=module.history, finished=not reason, reason=reason)
    path, about = None, {}
    if module.best:
        about = model_card(module)
        try:
            path = weights.save(folder, module.best_weights(), about, curve_files(module))
        except InputError as error:
            kept = (
                f"The training is kept in {unfinished}: resume it there" if unfinished.exists() else "Nothing is kept"
            )
            raise InputError(f"{str(error).partition(' Give another folder.')[0]} {kept}.", error.argument) from error
    if not by_user:  # there is nothing to resume
        unfinished.unlink(missing_ok=True)
    if path is None and not by_user:
        raise InputError(reason, "data")
    resume_file = unfinished if unfinished.exists() else None
    if terminated and not progress.aborted:  # nobody else waits for this signal
        signal.raise_signal(signal.SIGTERM)
    return Trained(path, about, module.history, not reason, reason, resume_file)


def _with_what_is_kept(error: NotWritten, module: TaskModule, folder: Path, unfinished: Path) -> InputError:
    """Save the epoch that is kept if that is possible, and return an error that says what is kept."""
    kept = []
    if module.best:
        with suppress(InputError):
            which = "last" if getattr(module.task, "keep_last", False) else "best"
            saved = weights.save(folder, module.best_weights(), model_card(module)).name
            kept.append(f"the {which} epoch so far as {saved}")
    if unfinished.exists():
        kept.append(f"the state after an earlier epoch as {unfinished.name}, which can be resumed")
    return InputError(
        f"{error.folder} cannot be written to in epoch {len(module.history)}: {error.reason}. "
        f"Kept: {' and '.join(kept) or 'nothing'}. Free space there, or choose another folder.",
        "out",
    )


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


def _load_start_weights(module: TaskModule, start: str) -> None:
    """Start from the weights of another model of the same network."""
    state, about = weights.load(module.task.name, start)
    try:
        module.validated.load_state_dict(state)
        module.network.load_state_dict(state)
    except RuntimeError as error:
        raise other_network(start, about.get("preset"), module.task.preset) from error


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
