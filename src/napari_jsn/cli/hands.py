"""The radiographs that were named on the command line, read as a study and measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from napari_jsn.cli.terminal import EXIT_STOPPED
from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from napari_jsn.common.progress import Progress
    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.progression import Progression
    from napari_jsn.radiograph.spacing import Spacing


def check_models(joints_model: str, bones_model: str) -> None:
    """Refuse a model that is not there before anything is read.

    Raises
    ------
    InputError
        It names the task as argument, by which the command finds its option.
    """
    from napari_jsn.networks import weights

    for task, name in (("localization", joints_model), ("segmentation", bones_model)):
        try:
            weights.find(task, name)
        except InputError as error:
            raise InputError(str(error), task) from error


def read(
    films: list[Path],
    patient: str | None = None,
    keep_identity: bool = False,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Patient:
    """The study that was named on the command line: a folder, or radiographs in order of time.

    Raises
    ------
    InputError
        If it is neither, or cannot be read.
    """
    from napari_jsn.patient.read import patient_of, read_patient

    if progress is not None:
        progress.update(0, 0, "Reading")
    options = {"patient": patient, "keep_identity": keep_identity, "model": model, "device": device}
    if len(films) == 1 and (films[0].is_dir() or not films[0].exists()):
        return read_patient(films[0], progress=progress, **options)  # type: ignore[arg-type]
    if len(films) == 1:
        raise InputError(
            f"{films[0]} is one radiograph; narrowing shows between two. Give a baseline and a follow-up, or the "
            "folder with all radiographs of the patient.",
            "followup",
        )
    folder = next((film for film in films if film.is_dir()), None)
    if folder is not None:
        raise InputError(f"{folder} is a folder. Give radiographs one by one, or one folder with all.", "films")
    return patient_of(*films, progress=progress, **options)  # type: ignore[arg-type]


def follow(
    study: Patient,
    spacing_mm: Spacing = None,
    method: str = "refined",
    joints_model: str = "default",
    bones_model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Progression | None:
    """Measure the study; None where the user stopped it."""
    if progress is not None and progress.aborted:
        return None
    from napari_jsn.progression.measure import measure

    found = measure(
        study,
        method=method,
        localization=joints_model,
        segmentation=bones_model,
        spacing_mm=spacing_mm,
        device=device,
        progress=progress,
    )
    return None if progress is not None and progress.aborted else found


def leave_stopped() -> NoReturn:
    """Say that Ctrl-C stopped it, and leave."""
    print("Stopped. Nothing was written.")
    raise typer.Exit(EXIT_STOPPED)
