"""The commands ``napari-jsn simulate`` and ``simulate-pair``: simulated hands and joint pairs with their truth."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_jsn.cli.options import Supplies
from napari_jsn.cli.terminal import say
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted

if TYPE_CHECKING:
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.export.simulated.writer import RadiographWriter
    from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

#: Height and width of a radiograph of one hand, and of a radiograph of both hands.
_HAND_MM, _TOGETHER_MM = (289.44, 214.56), (289.44, 429.12)

#: Files in the folder of each patient.
_NAMES = ("radiographs.csv", "*_v*")


def simulate(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the radiographs and truth.csv.")],
    patients: Annotated[int, typer.Option(help="Number of patients.")] = 1,
    visits: Annotated[int, typer.Option(help="Number of visits of each patient; the first is the baseline.")] = 2,
    hands: Annotated[
        str, typer.Option(help="left, right, each (one radiograph per hand) or together (both on one radiograph).")
    ] = "left",
    interval_days: Annotated[int, typer.Option(metavar="DAYS", help="Days from one visit to the next.")] = 364,
    jsn_mm: Annotated[
        float | None,
        typer.Option(metavar="MM", help="Narrowing of every joint from first to last visit; random by default."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same patients.")] = 0,
    format: Annotated[str, typer.Option(help="dicom, png or tiff."), Supplies("form")] = "dicom",
    masks: Annotated[
        bool, typer.Option("--masks", help="Write the masks of bones and drawn erosions as label images.")
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option(help="Rows of a radiograph, in pixels; by default as many as the hands need."),
        Supplies("shape"),
    ] = None,
    columns: Annotated[
        int | None,
        typer.Option(help="Columns of a radiograph, in pixels; by default as many as the hands need."),
        Supplies("shape"),
    ] = None,
    spacing_mm: Annotated[float, typer.Option(metavar="MM", help="Pixel pitch of the detector.")] = 0.144,
    grades: Annotated[
        str | None,
        typer.Option(
            metavar="SAMPLING",
            help="Draw damage of all grades: uniform (all equally often) or natural (about 90 % without damage).",
        ),
    ] = None,
    difficulty: Annotated[
        int | None, typer.Option(help="With --grades: version of the simulator's settings, 1 to 5; by default 5.")
    ] = None,
    ages: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="FIRST LAST",
            help="With --grades: range of ages in years, 7 to 90; by default adults. Children have growth plates.",
        ),
    ] = None,
) -> None:
    """Simulate hand radiographs with known joint space narrowing."""
    from napari_jsn import simulation
    from napari_jsn.cli.options import record_of_run
    from napari_jsn.common.run_record import versions
    from napari_jsn.export.simulated.truth import SCORES, TRUTH
    from napari_jsn.export.simulated.writer import RadiographWriter
    from napari_jsn.networks.cached_arrays import hash_of_code
    from napari_jsn.simulation import hand
    from napari_jsn.simulation.damage.difficulty import NEWEST
    from napari_jsn.simulation.damage.hand_damage import checked_sampling

    height, width = _TOGETHER_MM if hands == "together" else _HAND_MM
    pixel = spacing_mm if 0 < spacing_mm < inf else 1.0  # hand.simulate raises the error
    rows = round(height / pixel) if rows is None else rows
    columns = round(width / pixel) if columns is None else columns
    per_visit = 2 if hands == "each" else 1
    key = ("simulate", *map(str, (seed, visits, hands, rows, columns, spacing_mm, interval_days, jsn_mm)))
    used: dict[str, str] = {}
    damage: dict[str, Any] = {}  # the key of a run without grades stays as it was, and with it the UIDs
    if difficulty is not None and grades is None:
        raise InputError("A version of the settings is given without grades. Give --grades as well.", "difficulty")
    drawn = checked_sampling(grades, NEWEST if difficulty is None else difficulty, jsn_mm, ages)
    if drawn is not None:
        settings = drawn.difficulty
        damage = {"grades": grades, "difficulty": settings.version}
        key = (*key, drawn.sampling, settings.sha256)
        if ages is not None:
            damage["ages"], key = ages, (*key, *map(str, ages))
        used = {"simulation": f"difficulty-{settings.version} {settings.sha256}"}
    resumed_by = " ".join((*key, str(patients), hash_of_code(simulation), *versions().values()))
    names = [f"SIM{number + 1:04d}/{each}" for number in range(patients) for each in _NAMES]
    names += [SCORES] if grades else []

    def record(output: OutputFolder) -> dict[str, Any]:
        return record_of_run(output, used)

    with RadiographWriter(out, format, per_visit, masks, key, None, resumed_by, record, names) as writer:
        if writer.kept:
            say(f"Going on after {counted(writer.kept, 'visit')} of the interrupted run.", error=True)
        radiographs = hand.simulate(
            patients, visits, seed, hands, (rows, columns),
            spacing_mm=spacing_mm, interval_days=interval_days, jsn_mm=jsn_mm, skipped_visits=writer.kept,
            **damage,
        )  # fmt: skip
        try:
            _write(radiographs, writer, (patients * visits - writer.kept) * per_visit)
        except KeyboardInterrupt:
            say(f"Stopped. {_summary(writer, out)}")
            raise
    say(f"{_summary(writer, out)}\nTruth of every joint: {out / TRUTH}")
    if grades:
        say(f"Grades of every site: {out / SCORES}\n{settings}")


def simulate_pair(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the images, their masks and truth.csv.")],
    joint: Annotated[str, typer.Option(help="MCP1-5, IP1, PIP2-5 or DIP2-5.")] = "MCP2",
    jsn_mm: Annotated[
        float,
        typer.Option(
            metavar="MM", help="Narrowing in 3-D along the joint's axis; a negative value widens the joint space."
        ),
    ] = 0.3,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the patient, the motion, the device and the noise.")
    ] = 0,
    side: Annotated[str, typer.Option(help="L or R.")] = "L",
) -> None:
    """Simulate the images of one joint at two visits, with a given narrowing."""
    from napari_jsn.cli import printing
    from napari_jsn.cli.options import record_of_run
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.export.simulated.joint_pair import NAMES, pair_files
    from napari_jsn.simulation.joint_pair import joint_pair

    with OutputFolder(folder, NAMES, "folder") as output:
        written = output.write(pair_files(joint_pair(joint, jsn_mm, seed, side=side)), record_of_run(output))
    printing.print_files(written)


def _write(radiographs: Iterable[SimulatedRadiograph], writer: RadiographWriter, total: int) -> None:
    """Simulate and write one radiograph at a time, with a progress bar on the terminal."""
    from rich.progress import track

    from napari_jsn.cli.terminal import console, is_quiet

    shown_on = console(error=True)
    for simulated in track(
        radiographs,
        "Simulating",
        total,
        console=shown_on,
        transient=True,
        disable=is_quiet() or not shown_on.is_terminal,
    ):
        writer.add(simulated)


def _summary(writer: RadiographWriter, out: Path) -> str:
    """Return a sentence with the numbers of visits and radiographs that were written."""
    if not writer.visits:
        return "Nothing was written."
    visits = "1 visit" if writer.visits == 1 else f"{writer.visits} visits"
    radiographs = "1 radiograph" if writer.radiographs == 1 else f"{writer.radiographs} radiographs"
    return f"Written to {out}: {visits}, {radiographs}."
