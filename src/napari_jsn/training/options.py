"""Check the options of a training before its images are read."""

from __future__ import annotations

import os
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.networks import weights
from napari_jsn.training.machine import trainer_arguments
from napari_jsn.training.place import check_place


def check_options(
    task: str,
    preset: str,
    epochs: int | None = None,
    device: str | None = None,
    out: str | os.PathLike[str] | None = None,
    name: str | None = None,
    resume: str | os.PathLike[str] | None = None,
    start: str | None = None,
    seed: int | None = None,
    replace: bool = False,
) -> None:
    """Check the options of a training that do not depend on its images, before these are read.

    The parameters are those of :func:`~napari_jsn.training.train.train`, and the names of the task and the preset.

    Raises
    ------
    InputError
        If one is wrong, the name is taken, or the folder cannot be written.
    """
    check_epochs(epochs)
    trainer_arguments(device)
    if resume is not None:
        from napari_jsn.training.resume import read_run

        resumed = read_run(resume)
        consistent("epochs", epochs, resumed, 1)
        consistent("seed", seed, resumed, 0)
        return
    if start is not None:
        check_start(task, preset, start)
    check_place(task, preset, out, name, replace)


def check_start(task: str, preset: str, start: str) -> None:
    """Refuse a model whose card states another network than that of the preset.

    Raises
    ------
    InputError
        Also if there is no such model.
    """
    from napari_jsn.training.tasks import task_class

    about = weights.read_card(weights.find(task, start).with_suffix(".json"))
    of_model = {key: each for key, each in about.get("architecture", {}).items() if key != "class"}
    arguments = getattr(task_class(task, preset), "architectures", {}).get(preset, {})
    of_preset = {key: list(each) if isinstance(each, tuple) else each for key, each in arguments.items()}
    common = of_model.keys() & of_preset.keys()
    if of_model and of_preset and (not common or any(of_model[key] != of_preset[key] for key in common)):
        raise other_network(start, about.get("preset"), preset)


def other_network(start: str, of_model: str | None, preset: str) -> InputError:
    """Return the error about a model to start from whose network is not that of the preset."""
    return InputError(
        f"The model {start!r} has another network ({of_model!r}) than the preset {preset!r}. Choose a model of that "
        "preset to start from.",
        "start",
    )


def check_epochs(epochs: int | None) -> None:
    """Refuse a number of epochs below 1.

    Raises
    ------
    InputError
    """
    if epochs is not None and epochs < 1:
        raise InputError(f"The number of epochs must be 1 or more, not {epochs}.", "epochs")


def consistent(what: str, given: int | None, resumed: dict[str, Any] | None, default: int) -> int:
    """Return the given value, the resume file's or the default; the first two must not differ."""
    if resumed is None:
        return default if given is None else given
    if given not in (None, resumed[what]):
        raise InputError(
            f"The resumed training has {what} {resumed[what]}, not {given}. Omit it to continue with the same.", what
        )
    return int(resumed[what])
