"""Commands of ``napari-jsn readers`` that use a store: import, export, and reading sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.options import Json, record_of_run
from napari_jsn.cli.readers import LayoutOption, Out, Reader, Tables, app, command, read_tables
from napari_jsn.cli.terminal import one_line, say

__all__ = ["app"]  # the command ``readers`` with those of this module

StoreOption = Annotated[
    str, typer.Option(metavar="STORE", help="SQLite file, or URL such as postgresql://user@host/name.")
]
NamedReader = Annotated[str, typer.Option(metavar="NAME", help="Name of the reader.")]
Session = Annotated[str, typer.Argument(metavar="SESSION", help="Name of the reading session.")]


@command(name="import")
def import_tables(
    table: Tables,
    store: StoreOption,
    layout: LayoutOption = "auto",
    reader: Reader = None,
    session: Annotated[
        str, typer.Option(metavar="NAME", help="Reading session of all rows that do not state one.")
    ] = "",
) -> None:
    """Save the scores of tables in a store; each grade that changes is listed in its table of changes."""
    from napari_jsn.common.notes import counted
    from napari_jsn.store import open_store

    scores = read_tables(table, layout, reader)
    notes = scores.attrs["notes"]
    if session:
        scores["session"] = scores["session"].where(scores["session"] != "", session)
    with open_store(store) as opened:
        before = len(opened.changes())
        opened.save(scores)
        changed = len(opened.changes()) - before
    for note in notes:
        say(one_line(note))
    say(f"{counted(len(scores), 'score')} read, {changed} new or changed.")


@command(name="export")
def export_scores(
    store: StoreOption,
    to: Annotated[str, typer.Option(metavar="NAME", help="Layout of the result, as for --layout of convert.")] = "long",
    reader: Annotated[str | None, typer.Option(metavar="NAME", help="Only the scores of this reader.")] = None,
    out: Out = Path("output/readers"),
) -> None:
    """Write the scores of a store as a table (scores.csv)."""
    from napari_jsn.cli import printing
    from napari_jsn.common.errors import InputError, renamed_arguments
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.scoring import ram_h1200_files, scores_csv
    from napari_jsn.store import open_store

    with open_store(store, create=False) as opened, OutputFolder(out, ["scores.csv"]) as output:
        scores = opened.scores()
        if reader is not None:
            scores = scores[scores["reader"] == reader].reset_index(drop=True)
        if scores.empty:
            whose = "" if reader is None else f" of the reader {reader}"
            raise InputError(f"The store has no scores{whose}.", "store" if reader is None else "reader")
        with renamed_arguments(layout="to"):
            contents = ram_h1200_files(scores) if to == "ram-h1200" else {"scores.csv": scores_csv(scores, to)}
        written = output.write(contents, record_of_run(output))
    printing.print_files(written)


@command()
def new(
    session: Session,
    store: StoreOption,
    reader: NamedReader,
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="chronological, paired (order hidden) or single (blinded, shuffled).")
    ] = "chronological",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the order; drawn by default.")] = None,
    repeated_share: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the patients that are read twice, 0 to 1.")
    ] = 0.0,
    scheme: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only sites and grades of this scheme can be scored, such as svdh-hands."),
    ] = None,
) -> None:
    """Make a reading session of a reader over all patients of a store."""
    from napari_jsn.common.notes import counted
    from napari_jsn.reading import Reading
    from napari_jsn.store import open_store

    with open_store(store, reader, create=False) as opened:
        made = Reading.new(opened, session, order, seed, repeated_share, scheme)
        items, stored = len(made.work_list()), opened.session(session)
    drawn = 0 if stored is None else stored.seed
    say(one_line(f"Session {session} of {reader}: {counted(items, 'item')}, order {order}, seed {drawn}."))


@command()
def lock(session: Session, store: StoreOption, reader: NamedReader) -> None:
    """Lock a reading session: nothing in it can be changed any more, and nothing is hidden in it."""
    from napari_jsn.reading import Reading
    from napari_jsn.store import open_store

    with open_store(store, reader, create=False) as opened:
        Reading(opened, session).lock()
    say(one_line(f"Session {session} of {reader} is locked."))


@command()
def status(store: StoreOption, as_json: Json = False) -> None:
    """Print how far the readers of a store are with their sessions."""
    from napari_jsn.cli import printing
    from napari_jsn.reading.reading import session_states
    from napari_jsn.store import open_store

    with open_store(store, create=False) as opened:
        rows = session_states(opened)
    heads = ("Session", "reader", "order", "seed", "items", "begun", "done", "locked")
    if as_json:
        names = [head.lower() for head in heads]
        sessions = [dict(zip(names, (*row[:-1], row[-1] or None), strict=True)) for row in rows]
        printing.print_json({"sessions": sessions})
        return
    if not rows:
        say("There is no reading session. Make one with napari-jsn readers new.")
        return
    printing.print_table(
        heads, [tuple(map(str, row)) for row in rows], dropped_first=("seed", "order", "locked", "begun")
    )
