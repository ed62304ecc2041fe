"""The command ``napari-jsn demo``: measure simulated radiographs and compare the narrowing with the true values."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import Device

if TYPE_CHECKING:
    from napari_jsn.cli.printing import JointKey

#: A left hand at baseline and after 52 weeks.
_SAMPLE = "hand_pair"
_PATIENT = "SIM0001"


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the table and the report.")] = Path(
        "output/demo"
    ),
    device: Device = "auto",
) -> None:
    """Measure a simulated hand at two visits and print the true narrowing beside the measured one."""
    from napari_jsn.cli import hands, printing
    from napari_jsn.cli.options import record_of_run
    from napari_jsn.cli.terminal import terminal_progress
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.export.progression_files import NAMES, progression_facts, progression_files

    with (
        OutputFolder(out, NAMES) as output,
        as_file(files("napari_jsn") / "samples" / _SAMPLE) as sample,
        terminal_progress(remaining=False) as progress,
    ):
        progression = hands.measure_patient([sample], patient_id=_PATIENT, device=device, progress=progress)
        written = []
        if progression is not None:
            progress.update(0, 0, "Writing")
            record = record_of_run(output, **progression_facts(progression))
            written = output.write(progression_files(progression), record)
        truth = read_truth(sample / "truth.csv")
    if progression is None:
        hands.exit_stopped()
    printing.print_progression(progression, truth)
    printing.print_accuracy(progression, truth)
    printing.print_files(written)


def read_truth(table: Path) -> dict[JointKey, float]:
    """Return the true narrowing since baseline of every joint and visit, as projected on the radiograph, in mm."""
    from napari_jsn.common.csv_files import read_records

    rows = read_records(table)
    return {(row["side"], row["joint"], int(row["visit"])): float(row["jsn_projected_mm"]) for row in rows}
