"""The commands ``napari-jsn simulate`` and ``simulate-pair``: hands and joint pairs as files with their truth."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_jsn.export.simulated.writer import RadiographWriter
    from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

#: Height and width of a film of one hand, and of both.
_HAND_MM, _TOGETHER_MM = (289.44, 214.56), (289.44, 429.12)


def simulate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the films and truth.csv.")],
    patients: Annotated[int, typer.Option(help="How many patients.")] = 1,
    visits: Annotated[int, typer.Option(help="Visits of each; the first is the baseline.")] = 2,
    hands: Annotated[
        str, typer.Option(help="left, right, each (a film a hand) or together (both on one film).")
    ] = "left",
    interval_days: Annotated[int, typer.Option(metavar="DAYS", help="From one visit to the next.")] = 364,
    jsn_mm: Annotated[
        float | None,
        typer.Option(metavar="MM", help="Narrowing of every joint from first to last visit; drawn if not given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed draws other patients; the same one draws the same.")] = 0,
    format: Annotated[str, typer.Option(help="dicom, png or tiff.")] = "dicom",
    masks: Annotated[bool, typer.Option("--masks", help="Write where each bone lies, as label images.")] = False,
    rows: Annotated[int | None, typer.Option(help="Of a film, in pixels; by default as many as a hand needs.")] = None,
    columns: Annotated[int | None, typer.Option(help="Likewise.")] = None,
    spacing_mm: Annotated[float, typer.Option(metavar="MM", help="Pixel pitch of the detector.")] = 0.144,
) -> None:
    """Simulate hand radiographs whose joint space narrowing is known."""
    from napari_jsn.export.simulated.truth import TRUTH
    from napari_jsn.export.simulated.writer import RadiographWriter
    from napari_jsn.simulation import hand

    height, width = _TOGETHER_MM if hands == "together" else _HAND_MM
    pixel = spacing_mm if 0 < spacing_mm < inf else 1.0  # refused below
    rows = round(height / pixel) if rows is None else rows
    columns = round(width / pixel) if columns is None else columns
    per_visit = 2 if hands == "each" else 1
    key = ("simulate", *map(str, (seed, visits, hands, rows, columns, spacing_mm, interval_days, jsn_mm)))
    with RadiographWriter(out, format, per_visit, masks, key) as writer:
        films = hand.simulate(
            patients, visits, seed, hands, (rows, columns),
            spacing_mm=spacing_mm, interval_days=interval_days, jsn_mm=jsn_mm,
        )  # fmt: skip
        try:
            _write(films, writer, patients * visits * per_visit)
        except KeyboardInterrupt:
            print(f"Stopped. {_told(writer, out)}")
            raise
    print(f"{_told(writer, out)}\nTruth of every joint: {out / TRUTH}")


def simulate_pair(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write the images, their masks and truth.csv.")
    ],
    joint: Annotated[str, typer.Option(help="MCP1-5, IP1, PIP2-5 or DIP2-5.")] = "MCP2",
    jsn_mm: Annotated[
        float, typer.Option(metavar="MM", help="Narrowing in space, along the joint's axis; negative widens.")
    ] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws another patient, motion and device.")] = 0,
    side: Annotated[str, typer.Option(help="L or R.")] = "L",
) -> None:
    """Simulate joint images of two visits, with a narrowing of your choice."""
    from napari_jsn.cli import printing
    from napari_jsn.common.files import check_folder, write_files
    from napari_jsn.export.simulated.joint_pair import pair_files
    from napari_jsn.simulation.joint_pair import joint_pair

    check_folder(folder, "folder")
    printing.print_files(write_files(folder, pair_files(joint_pair(joint, jsn_mm, seed, side=side)), "folder"))


def _write(films: Iterable[SimulatedRadiograph], writer: RadiographWriter, total: int) -> None:
    """Draw and write, one film at a time; a bar on the terminal tells how far it is."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    for film in track(films, "Simulating", total, console=console, transient=True, disable=not console.is_terminal):
        writer.add(film)


def _told(writer: RadiographWriter, out: Path) -> str:
    """What was written where."""
    if not writer.visits:
        return "Nothing was written."
    visits = "1 visit" if writer.visits == 1 else f"{writer.visits} visits"
    films = "1 film" if writer.films == 1 else f"{writer.films} films"
    return f"Written to {out}: {visits}, {films}."
