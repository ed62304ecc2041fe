"""The command ``napari-jsn store``: what a store holds, and its tables as CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.messages import with_verbosity
from napari_jsn.cli.options import Json, Supplies, record_of_run
from napari_jsn.cli.terminal import one_line, say

app: typer.Typer = typer.Typer(help="Show and export what a store of readings holds.", no_args_is_help=True)


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Add a command with the options of all commands."""
    app.command()(with_verbosity(function, "store"))
    return function


Place = Annotated[
    str,
    typer.Argument(metavar="STORE", help="SQLite file, or URL such as postgresql://user@host/name."),
    Supplies("store"),
]


@_command
def info(place: Place, as_json: Json = False) -> None:
    """Print how many patients, figures, decisions, scores, sessions and changes a store holds."""
    from napari_jsn.cli import printing
    from napari_jsn.store import SCHEMA_VERSION, open_store

    with open_store(place, create=False) as store:
        counts, shown = store.counts(), repr(store)[7:-1]
    if as_json:
        printing.print_json({"store": shown, "version": SCHEMA_VERSION, "counts": counts})
        return
    say(one_line(f"{shown}, version {SCHEMA_VERSION} of the tables"))
    printing.print_table(("", "number"), [(name, str(count)) for name, count in counts.items()])


@_command
def export(
    place: Place,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the tables.")] = Path("output/store"),
) -> None:
    """Write all tables of a store as CSV: patients, measurements, boxes, decisions, scores, sessions, changes."""
    from napari_jsn.cli import printing
    from napari_jsn.common.csv_files import csv_bytes
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.store import open_store
    from napari_jsn.store.frames import TABLES

    with open_store(place, create=False) as store, OutputFolder(out, [f"{name}.csv" for name in TABLES]) as output:
        contents = {f"{name}.csv": csv_bytes(table) for name, table in store.tables().items()}
        written = output.write(contents, record_of_run(output))
    printing.print_files(written)
