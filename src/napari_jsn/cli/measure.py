"""The command ``napari-jsn measure``: from hand radiographs of one patient to a table of joint space narrowing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.common.errors import InputError


def measure(
    radiographs: Annotated[
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
    method: Annotated[str, typer.Option(help="How to register: refined, network or pipoc.")] = "refined",
    joints_model: Annotated[str, typer.Option(metavar="MODEL", help="Finds the joints; a name or a file.")] = "default",
    bones_model: Annotated[str, typer.Option(metavar="MODEL", help="Finds the bones; likewise.")] = "default",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
) -> None:
    """Measure every finger joint of one patient's hands between two or more visits."""
    from napari_jsn.cli import hands, printing
    from napari_jsn.cli.options import parse_spacing, set_threads
    from napari_jsn.cli.terminal import terminal_progress
    from napari_jsn.common.files import check_folder
    from napari_jsn.export.progression_files import write_progression

    if out is not None:
        check_folder(out)
    _check_dicom(dicom, out)
    spacing = parse_spacing(spacing_mm, "--spacing-mm")
    hands.check_models(joints_model, bones_model)
    set_threads(threads)
    with terminal_progress(remaining=False) as progress:
        found = hands.measure_patient(
            radiographs, patient, keep_identity, spacing, dicom, method, joints_model, bones_model, device, progress
        )
        written = []
        if found is not None and out is not None:
            progress.update(0, 0, "Writing")
            written = write_progression(out, found, dicom, keep_identity)
    if found is None:
        hands.leave_stopped()
    printing.print_progression(found)
    printing.print_files(written)


def _check_dicom(dicom: bool, out: Path | None) -> None:
    """Refuse at once what would fail after minutes."""
    if not dicom:
        return
    if out is None:
        raise InputError("DICOM objects are files: give --out with the folder to write them into.", "dicom")
    from napari_jsn.export.dicom.shared import require_highdicom

    require_highdicom()
