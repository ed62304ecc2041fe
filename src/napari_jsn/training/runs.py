"""Train a network several times and save one model that averages what the trained copies predict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.files import check_folder
from napari_jsn.common.progress import Progress
from napari_jsn.networks import weights
from napari_jsn.networks.inputs import first_names, inputs_of
from napari_jsn.training.card import inputs_hash
from napari_jsn.training.train import Trained, train

if TYPE_CHECKING:
    from napari_jsn.networks.task import Task

#: Task and preset whose network averages several runs.
_WITH_RUNS = ("registration", "paper")


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
        with another number of epochs, another seed or other images.
    """
    folder, name = check_runs(task.name, task.preset, runs, out, name, replace)
    epochs, seed = task.epochs if epochs is None else epochs, seed or 0
    names = [f"{name}-run{k + 1}" for k in range(runs)]
    finished = [
        _is_finished(_file(folder, task.name, run_name), task, epochs, seed + k) for k, run_name in enumerate(names)
    ]
    trained = Trained(None)
    for k, run_name in enumerate(names):
        if finished[k]:
            continue
        unfinished = folder / f"{task.name}-{run_name}.ckpt"
        resume = unfinished if unfinished.exists() else None
        trained = train(
            task, epochs, device, folder, run_name, resume, None, seed + k, progress, command=command
        )  # fmt: skip
        if not trained.finished:
            return trained
    return _combine(task, folder, name, runs, trained)


def check_runs(
    task: str,
    preset: str,
    runs: int,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    replace: bool = False,
) -> tuple[Path, str]:
    """Return folder and name of a model of several runs, after checking what does not depend on the images.

    The parameters are those of :func:`train_runs`, and the names of the task and the preset.

    Raises
    ------
    InputError
        If the preset has no runs to average, their number is wrong, or a model of that name exists.
    """
    if (task, preset) != _WITH_RUNS:
        raise InputError(
            f"Runs are averaged only by the network of the preset 'paper' for registration, not by {task} {preset!r}. "
            "Leave --runs out.",
            "runs",
        )
    if runs < 1:
        raise InputError(f"The number of runs must be 1 or more, not {runs}.", "runs")
    folder = check_folder(weights.user_folder() if out is None else out)
    named = "runs" if name is None else "name"
    name = weights.check_name(name or (preset if out is not None else f"my-{preset}"))
    if _file(folder, task, name).exists() and not replace:
        raise InputError(
            f"There is a {task} model {name!r} in {folder} already. Choose another name (--name), or replace it "
            "(--replace).",
            named,
        )
    return folder, name


def _file(folder: Path, task: str, name: str) -> Path:
    return folder / f"{task}-{name}.safetensors"


def _is_finished(path: Path, task: Task, epochs: int, seed: int) -> bool:
    """Return whether a run is trained.

    Raises
    ------
    InputError
        If it was trained with another preset, another number of epochs, another seed or other images.
    """
    if not path.exists() or path.with_suffix(".ckpt").exists():
        return False
    _, card = weights.load(task.name, str(path))
    if card["preset"] != task.preset:
        raise InputError(f"{path.name} is a model of the preset {card['preset']!r}. Choose another name.", "name")
    if (card["epochs"]["asked"], card["seed"]) != (epochs, seed):
        raise InputError(
            f"{path.name} was trained for {card['epochs']['asked']} epochs with seed {card['seed']}, not for {epochs} "
            f"with seed {seed}. Choose another name.",
            "name",
        )
    if card.get("inputs_hash") != inputs_hash(task):
        raise InputError(f"{_other_inputs(path, card, task)} Give the same, or choose another name (--name).", "data")
    return True


def _other_inputs(path: Path, card: Mapping[str, Any], task: Task) -> str:
    """Return how the images that a run was trained with differ from those of a task, in a sentence."""
    images = card.get("images", {})
    before = {*images.get("trained_on", ()), *images.get("validated_on", ())}
    now = inputs_of(task).images
    added, missing = [each.name for each in now if each.image not in before], before - {each.image for each in now}
    differences = [f"{first_names(added)} of those given now are new"] if added else []
    differences += [f"{len(missing)} of its images are not there"] if missing else []
    if differences:
        return f"{path.name} was trained with other images: {' and '.join(differences)}."
    return f"{path.name} was trained with other masks, groups or pairs of these images, or another simulator."


def _combine(task: Task, folder: Path, name: str, runs: int, last: Trained) -> Trained:
    """Save one model of all runs; its card is that of the first run, with the names and hashes of all."""
    state: dict[str, Any] = {}
    cards = []
    for k in range(runs):
        found, card = weights.load(task.name, str(_file(folder, task.name, f"{name}-run{k + 1}")))
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
