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
        weights.find(task, start)
    check_place(task, preset, out, name, replace)


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
