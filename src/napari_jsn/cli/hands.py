"""Read and measure the radiographs that are given on the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from napari_jsn.anatomy import MEASURED_JOINTS
from napari_jsn.cli.terminal import EXIT_STOPPED, say
from napari_jsn.common.errors import InputError, renamed_arguments

if TYPE_CHECKING:
    from napari_jsn.common.progress import Progress
    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.progression import Progression
    from napari_jsn.radiograph.spacing import Spacing


def check_models(joints_model: str, bones_model: str) -> None:
    """Check that both models exist, before any radiograph is read.

    Raises
    ------
    InputError
        If a model does not exist. ``argument`` is the task, as for :func:`napari_jsn.measure`.
    """
    from napari_jsn.networks import weights

    for task, name in (("localization", joints_model), ("segmentation", bones_model)):
        with renamed_arguments(model=task):
            weights.find(task, name)


def measure_patient(
    radiographs: list[Path],
    patient_id: str | None = None,
    keep_identity: bool = False,
    spacing_mm: Spacing = None,
    dicom_only: bool = False,
    method: str = "refined",
    joints_model: str = "default",
    bones_model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
    wide_mm: float = 0.15,
    joints: Sequence[str] = MEASURED_JOINTS,
    check: Callable[[Patient], None] | None = None,
) -> Progression | None:
    """Read and measure the radiographs that are given on the command line; return None if the user stopped it.

    ``check`` is called with the patient before anything is measured, and may raise an error.

    Raises
    ------
    InputError
        If the paths are neither one folder nor several radiographs, or a file cannot be read.
    """
    from napari_jsn.progression.measure import measure

    if progress is not None:
        progress.update(0, 0, "Reading")
    patient = _read(
        radiographs,
        patient_id=patient_id,
        keep_identity=keep_identity,
        spacing_mm=spacing_mm,
        dicom_only=dicom_only,
    )
    if check is not None:
        check(patient)
    if dicom_only:
        from napari_jsn.export.dicom.source import check_sources
        from napari_jsn.patient.check_tags import keep_one_intent, leave_out_oblique

        used = keep_one_intent(leave_out_oblique(patient)).hands
        check_sources(hand.radiograph.path for hand in used if hand.radiograph.path is not None)
    progression = measure(
        patient,
        method=method,
        localization=joints_model,
        segmentation=bones_model,
        device=device,
        progress=progress,
        wide_mm=wide_mm,
        joints=joints,
    )
    return None if progress is not None and progress.aborted else progression


def _read(radiographs: list[Path], **options: Any) -> Patient:
    """Return the patient of one folder, or of radiographs in order of time; hands are split later, by ``measure``."""
    from napari_jsn.patient.read import patient_from_radiographs, read_patient

    if len(radiographs) == 1 and not os.path.exists(radiographs[0]):  # False where a path is too long
        raise InputError(
            f"There is no file or folder {radiographs[0]}. Give a baseline and a follow-up, or the folder with all "
            "radiographs of the patient.",
            "radiographs",
        )
    if len(radiographs) == 1 and not os.path.isfile(radiographs[0]):
        return read_patient(radiographs[0], split=False, **options)
    if len(radiographs) == 1:
        raise InputError(
            f"{radiographs[0]} is one radiograph, but narrowing needs at least two. Give a baseline and a follow-up, "
            "or the folder with all radiographs of the patient.",
            "followup",
        )
    folder = next((path for path in radiographs if os.path.isdir(path)), None)  # False where a path is too long
    if folder is not None:
        raise InputError(f"{folder} is a folder. Give either radiographs only, or one folder only.", "radiographs")
    return patient_from_radiographs(*radiographs, split=False, **options)


def table_of_radiographs(radiographs: list[Path], keep_identity: bool = False) -> list[dict[str, Any]]:
    """Return the entry of the record for ``radiographs.csv``, if one folder is given and has one."""
    from napari_jsn.common.run_record import input_record
    from napari_jsn.patient.radiographs_table import RADIOGRAPHS_TABLE

    tables = [path / RADIOGRAPHS_TABLE for path in radiographs]
    return [input_record(RADIOGRAPHS_TABLE, table, keep_identity) for table in tables if table.is_file()]


def exit_stopped() -> NoReturn:
    """Print that Ctrl-C stopped the command, and exit."""
    say("Stopped. Nothing was written.")
    raise typer.Exit(EXIT_STOPPED)
