"""Train a network several times and save one model that averages what the trained copies predict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder
from napari_jsn.common.progress import Progress
from napari_jsn.networks import weights
from napari_jsn.training.train import Trained, train

if TYPE_CHECKING:
    from napari_jsn.networks.task import Task


def train_runs(
    task: Task,
    runs: int,
    epochs: int | None = None,
    device: str | None = None,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
    command: str | None = None,
    replace: bool = False,
) -> Trained:
    """Train a task's network ``runs`` times with different seeds, and save all copies as one model.

    Each run is a model of its own, ``NAME-run1``, ``NAME-run2``, and so on. The same call again after a stop keeps the
    finished runs and resumes the one that was stopped.

    Parameters
    ----------
    task : Task
        Its architecture has the entry ``runs``, the number of copies.
    runs : int
        At least 1.
    epochs, device, out, progress, command
        As for :func:`~napari_jsn.training.train.train`.
    name : str, optional
        By default the preset's if ``out`` is given, else ``my-<preset>``.
    seed : int, optional
        Of the first run, by default 0; each further run adds 1.
    replace : bool
        Whether a finished model of that name is replaced.

    Returns
    -------
    Trained
        The model of all runs; of the run that was stopped, if one was.

    Raises
    ------
    InputError
        If the task's network has no runs to average, a model of that name exists, or a run of that name was trained
        with another number of epochs or another seed.
    """
    if "runs" not in task.card()["architecture"]:
        raise InputError(
            f"Runs are averaged only by the network of the preset 'paper' for registration, not by {task.name} "
            f"{task.preset!r}. Leave --runs out.",
            "runs",
        )
    if runs < 1:
        raise InputError(f"The number of runs must be 1 or more, not {runs}.", "runs")
    folder = check_folder(weights.user_folder() if out is None else out)
    named = "runs" if name is None else "name"
    name = weights.check_name(name or (task.preset if out is not None else f"my-{task.preset}"))
    if _file(folder, task, name).exists() and not replace:
        raise InputError(
            f"There is a {task.name} model {name!r} in {folder} already. Choose another name (--name), or replace it "
            "(--replace).",
            named,
        )
    epochs, seed = task.epochs if epochs is None else epochs, seed or 0
    trained = Trained(None)
    for k in range(runs):
        run_name = f"{name}-run{k + 1}"
        if _is_finished(_file(folder, task, run_name), epochs, seed + k):
            continue
        unfinished = folder / f"{task.name}-{run_name}.ckpt"
        resume = unfinished if unfinished.exists() else None
        trained = train(
            task, epochs, device, folder, run_name, resume, None, seed + k, progress, command=command
        )  # fmt: skip
        if not trained.finished:
            return trained
    return _combine(task, folder, name, runs, trained)


def _file(folder: Path, task: Task, name: str) -> Path:
    return folder / f"{task.name}-{name}.safetensors"


def _is_finished(path: Path, epochs: int, seed: int) -> bool:
    """Return whether a run is trained.

    Raises
    ------
    InputError
        If it was trained with another number of epochs or another seed.
    """
    if not path.exists() or path.with_suffix(".ckpt").exists():
        return False
    _, card = weights.load(path.name.split("-")[0], str(path))
    if (card["epochs"]["asked"], card["seed"]) != (epochs, seed):
        raise InputError(
            f"{path.name} was trained for {card['epochs']['asked']} epochs with seed {card['seed']}, not for {epochs} "
            f"with seed {seed}. Choose another name.",
            "name",
        )
    return True


def _combine(task: Task, folder: Path, name: str, runs: int, last: Trained) -> Trained:
    """Save one model of all runs; its card is that of the first run, with the names and hashes of all."""
    state: dict[str, Any] = {}
    cards = []
    for k in range(runs):
        found, card = weights.load(task.name, str(_file(folder, task, f"{name}-run{k + 1}")))
        state |= {key.replace("runs.0.", f"runs.{k}.", 1): value for key, value in found.items()}
        cards.append(card)
    first = {key: value for key, value in cards[0].items() if key != "sha256"}
    about = {
        **first,
        "name": name,
        "architecture": {**first["architecture"], "runs": runs},
        "figures": {"measured_on": f"each run alone: {first['figures']['measured_on']}", "runs": [
            {key: value for key, value in card["figures"].items() if key != "measured_on"} for card in cards
        ]},
        "parameters": sum(value.numel() for value in state.values()),
        "runs": [{"name": card["name"], "seed": card["seed"], "sha256": card["sha256"]} for card in cards],
    }  # fmt: skip
    path = weights.save(folder, state, about)
    return Trained(path, about, last.history, finished=True)
