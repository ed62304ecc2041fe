"""The command ``napari-jsn demo``: from radiographs to the report, on simulated ones whose truth is known."""

from __future__ import annotations

import csv
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_jsn.cli.printed_progression import Key

#: A left hand at baseline and after 52 weeks.
_SAMPLE = "hand_pair"
_PATIENT = "SIM0001"


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for everything it makes.")] = Path("output/demo"),
) -> None:
    """Measure a simulated hand at two visits, and set the truth beside the measurement."""
    from napari_jsn.cli import hands, printed
    from napari_jsn.cli.printed_progression import print_accuracy, print_progression
    from napari_jsn.cli.terminal import on_terminal
    from napari_jsn.common.files import check_folder
    from napari_jsn.export.write_progression import write_progression

    check_folder(out)
    with as_file(files("napari_jsn") / "samples" / _SAMPLE) as sample, on_terminal(remaining=False) as progress:
        study = hands.read([sample], patient=_PATIENT, progress=progress)
        found = hands.follow(study, progress=progress)
        written = []
        if found is not None:
            progress.update(0, 0, "Writing")
            written = write_progression(out, found)
        truths = known(sample / "truth.csv")
    if found is None:
        hands.leave_stopped()
    print_progression(found, truths)
    print_accuracy(found, truths)
    printed.print_files(written)


def known(table: Path) -> dict[Key, float]:
    """The narrowing since baseline, in mm and in projection (what registration can find), of every joint and visit."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["side"], row["joint"], int(row["visit"])): float(row["jsn_projected_mm"]) for row in rows}
