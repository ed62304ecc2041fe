"""The command ``napari-jsn measure``: from hand radiographs of one patient to a table of joint space narrowing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.errors import InputError

if TYPE_CHECKING:
    from napari_jsn.grey import Spacing
    from napari_jsn.progress import Progress
    from napari_jsn.study import Study
    from napari_jsn.study.progression import Progression


def measure(
    films: Annotated[
        list[Path],
        typer.Argument(
            metavar="RADIOGRAPHS",
            help="Of one patient, the baseline first: DICOM, PNG, JPEG, BMP or TIFF. Or the folder that holds all.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for joints.csv and report.html; what it held of these is replaced."),
    ] = None,
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Write DICOM objects too: a structured report, and the bones found.")
    ] = False,
    patient: Annotated[
        str | None, typer.Option(metavar="PSEUDONYM", help="What to call the patient; by default anonymous.")
    ] = None,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Name the patient in what is written, as the files do.")
    ] = False,
    spacing_mm: Annotated[
        str | None,
        typer.Option(
            metavar="MM",
            help="Pixel size of all radiographs, in place of what DICOM files say. Without either, figures are in "
            "pixels.",
        ),
    ] = None,
    method: Annotated[str, typer.Option(help="How to register: refined or pipoc.")] = "refined",
    joints_model: Annotated[str, typer.Option(metavar="MODEL", help="Finds the joints; a name or a file.")] = "default",
    bones_model: Annotated[str, typer.Option(metavar="MODEL", help="Finds the bones; likewise.")] = "default",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
) -> None:
    """Measure every finger joint of one patient's hands between two or more visits."""
    from napari_jsn.cli import printed
    from napari_jsn.cli.pair import typed_spacing
    from napari_jsn.cli.printed_progression import print_progression
    from napari_jsn.cli.terminal import STOPPED, on_terminal
    from napari_jsn.export.progression import write_progression
    from napari_jsn.files import check_folder

    if out is not None:
        check_folder(out)
    _check_dicom(dicom, out)
    spacing = typed_spacing(spacing_mm, "--spacing-mm")
    _set_threads(threads)
    with on_terminal(remaining=False) as progress:
        study = read(films, patient, keep_identity, joints_model, device, progress)
        if not progress.aborted:
            found = follow(study, spacing, method, joints_model, bones_model, device, progress)
        if progress.aborted:
            print("Stopped. Nothing was written.")
            raise typer.Exit(STOPPED)
        progress.update(0, 0, "Writing")
        written = [] if out is None else write_progression(out, found, dicom, keep_identity)
    print_progression(found)
    printed.print_files(written)


def read(
    films: list[Path],
    patient: str | None = None,
    keep_identity: bool = False,
    model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Study:
    """The study that was named on the command line: a folder, or radiographs in order of time.

    Raises
    ------
    InputError
        If it is neither, or cannot be read.
    """
    from napari_jsn.study import read_study
    from napari_jsn.study.reading import study_of

    if progress is not None:
        progress.update(0, 0, "Reading")
    options = {"patient": patient, "keep_identity": keep_identity, "model": model, "device": device}
    if len(films) == 1 and (films[0].is_dir() or not films[0].exists()):
        return read_study(films[0], progress=progress, **options)  # type: ignore[arg-type]
    if len(films) == 1:
        raise InputError(
            f"{films[0]} is one radiograph; narrowing shows between two. Give a baseline and a follow-up, or the "
            "folder with all radiographs of the patient.",
            "followup",
        )
    folder = next((film for film in films if film.is_dir()), None)
    if folder is not None:
        raise InputError(f"{folder} is a folder. Give radiographs one by one, or one folder with all.", "films")
    return study_of(*films, progress=progress, **options)  # type: ignore[arg-type]


def follow(
    study: Study,
    spacing_mm: Spacing = None,
    method: str = "refined",
    joints_model: str = "default",
    bones_model: str = "default",
    device: str | None = None,
    progress: Progress | None = None,
) -> Progression:
    """Measure the study; what is heavy is imported here."""
    from napari_jsn.study.measuring import measure as measure_study

    return measure_study(
        study,
        method=method,
        localization=joints_model,
        segmentation=bones_model,
        spacing_mm=spacing_mm,
        device=device,
        progress=progress,
    )


def _check_dicom(dicom: bool, out: Path | None) -> None:
    """Refuse at once what would fail after minutes."""
    if not dicom:
        return
    if out is None:
        raise InputError("DICOM objects are files: give --out with the folder to write them into.", "dicom")
    from napari_jsn.export.dicom.objects import check_extra

    check_extra()


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
