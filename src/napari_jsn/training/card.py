"""Write the card of a trained model: network, data with the hashes of the images, figures, command and versions."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Aborted
from napari_jsn.common.run_record import versions
from napari_jsn.networks import weights
from napari_jsn.networks.inputs import inputs_of

if TYPE_CHECKING:
    from napari_jsn.networks.task import Task
    from napari_jsn.training.module import TaskModule

#: What the figures of a card are measured on, where the last epoch is kept, and where the best one is chosen.
_VALIDATION = "the validation images, which were not trained on"
_VALIDATION_CHOSE = f"{_VALIDATION} but chose the best epoch"

_HASH_DIGITS = 16


def model_card(module: TaskModule) -> dict[str, Any]:
    """Return the card without the hash of the weights."""
    import torch

    task, run = module.task, module.run
    about = task.card()
    keeps_last = bool(getattr(task, "keep_last", False))
    measured_on = _VALIDATION if keeps_last else _VALIDATION_CHOSE
    return {
        **about,
        "task": task.name,
        "name": run["name"],
        "preset": task.preset,
        "figures": {"measured_on": measured_on, **module.figures},
        "epochs": {
            "trained": len(module.history),
            "asked": run["epochs"],
            "best": module.best_epoch,
            "kept": "last" if keeps_last else "best",
        },
        "start": run["start"],
        "images": _images(module),
        "inputs_hash": inputs_hash(task),
        "command": run["command"],
        "seed": run["seed"],
        "device": str(module.trainer.strategy.root_device),
        "threads": torch.get_num_threads(),
        "seconds": round(sum(row["seconds"] for row in module.history)),
        "versions": {**versions(), "lightning": version("lightning"), "torch": torch.__version__},
        "parameters": sum(value.numel() for value in module.network.parameters()),
        **_calibration(module),
    }


def _calibration(module: TaskModule) -> dict[str, Any]:
    """Return what the task fits with the best weights after the training, if anything."""
    fit = getattr(module.task, "calibration", None)
    if fit is None or not module.best:
        return {}
    network = module.task.network()
    network.load_state_dict(module.best_weights())
    try:
        fitted: dict[str, Any] = fit(network.eval())
    except Aborted:  # of a stopped training, whose user waits for the model: a resumed one is calibrated at its end
        return {}
    return fitted


def _images(module: TaskModule) -> dict[str, Any]:
    """Return the hashes of the images that the model learned from, and of those of the model that it started from."""
    images = inputs_of(module.task).card()
    if module.run["start"] is None:
        return images
    try:
        path = weights.find(module.task.name, module.run["start"])
        start = weights.load(module.task.name, module.run["start"])[1]
    except InputError:  # removed since the training began
        return {**images, "start_sha256": module.run["start_sha256"], "all_known": False}
    before = start.get("images", {})
    learned = {*images["trained_on"], *before.get("trained_on", ()), *before.get("validated_on", ())}
    same = start["sha256"] == module.run["start_sha256"]
    known = same and (weights.is_shipped(path) or bool(before.get("all_known", bool(before))))
    return {
        **images,
        "trained_on": sorted(learned),
        "start_sha256": module.run["start_sha256"],
        "all_known": known,
    }


def inputs_hash(task: Task) -> str:
    """Return a hash of all that a training learns from: images, masks, groups and pairs, and the simulator."""
    used = sorted(each[1:] for each in inputs_of(task).record()["images"])
    content = repr((used, getattr(task, "pairs", None), simulator_version()))
    return sha256(content.encode()).hexdigest()[:_HASH_DIGITS]


def command_of(run: dict[str, Any]) -> str:
    """Return the command line of a training that was not started by one, without its data."""
    options = " ".join(f"--{key} {run[key]}" for key in ("preset", "epochs", "seed", "start") if run[key] is not None)
    return f"napari-jsn train {run['task']} {options}"


def curve_files(module: TaskModule) -> dict[str, bytes]:
    """Return the history as a table and as a figure, by the endings of their files."""
    from napari_jsn.training.curves import curves_csv, curves_png

    return {
        ".csv": curves_csv(module.history),
        ".png": curves_png(module.history, module.best_epoch, getattr(module.task, "keep_last", False)),
    }


def simulator_version() -> str:
    """Return a hash of the code of the simulator, which decides what is simulated."""
    from napari_jsn import simulation
    from napari_jsn.networks.cached_arrays import hash_of_code

    return hash_of_code(simulation)
