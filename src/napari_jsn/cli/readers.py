"""The command ``napari-jsn readers``: readers' sheets, their agreement and their consensus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_jsn.cli.messages import with_verbosity
from napari_jsn.cli.options import Json, Supplies, record_of_run
from napari_jsn.cli.terminal import say

if TYPE_CHECKING:
    import pandas as pd

app: typer.Typer = typer.Typer(
    help="Write, check and compare sheets of scores by readers (Sharp/van der Heijde).", no_args_is_help=True
)


def command(name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a command with the options of all commands; its name is that of the function, if none is given."""

    def add(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name)(with_verbosity(function, "readers", name))
        return function

    return add


#: At most this many wrong cells are printed for a file.
_MOST_FAULTS = 100

Tables = Annotated[
    list[Path],
    typer.Argument(metavar="TABLE...", help="CSV files, or score files of RAM-H1200."),
    Supplies("scores", "grade", "mark", "site", "kind", "not_scored"),
]
LayoutOption = Annotated[
    str,
    typer.Option(metavar="NAME", help="auto, long, svdh-hands, svdh-fingers, talk-15, ram-h1200, or a mapping file."),
]
Reader = Annotated[str | None, typer.Option(metavar="NAME", help="Reader of all rows that do not name one.")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the result.")]


@command()
def template(
    patients: Annotated[
        Path,
        typer.Argument(metavar="PATIENTS", help="CSV or text file; its first column has one patient a line."),
        Supplies("table"),
    ],
    scheme: Annotated[
        str,
        typer.Option(metavar="NAME", help="svdh-hands, svdh-fingers, talk-15, or a file of a scheme."),
        Supplies("layout"),
    ] = "svdh-hands",
    visits: Annotated[int, typer.Option(min=1, help="Number of visits.")] = 1,
    reader: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Reader; give it once for each.")] = None,
    out: Out = Path("output/readers"),
) -> None:
    """Write an empty sheet (sheet.csv) for a list of patients."""
    from napari_jsn.cli import printing
    from napari_jsn.cli.terminal import one_line
    from napari_jsn.common.notes import counted
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.scoring import template_csv
    from napari_jsn.scoring.sheets import first_column

    with OutputFolder(out, ["sheet.csv"]) as output:
        names = first_column(patients)
        content = template_csv(names, scheme, range(1, visits + 1), reader or [""])
        written = output.write(
            {"sheet.csv": content}, record_of_run(output, inputs=table_inputs("patients", [patients]))
        )
    say(one_line(f"{counted(len(names), 'patient')}; the first is {names[0]}."))
    printing.print_files(written)


@command()
def check(table: Tables, layout: LayoutOption = "auto", reader: Reader = None) -> None:
    """Name every wrong cell: file, row, column, and what is allowed. Exit code 2 if there is one."""
    from napari_jsn.cli.terminal import one_line
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.notes import counted
    from napari_jsn.scoring import check_scores

    wrong = 0
    for path in table:
        checked = check_scores(path, layout, reader)
        wrong += len(checked.faults)
        for fault in checked.faults[:_MOST_FAULTS]:
            say(one_line(f"{path.name}, {fault}"))
        if len(checked.faults) > _MOST_FAULTS:
            say(f"{path.name}: {counted(len(checked.faults) - _MOST_FAULTS, 'other cell')} cannot be used either.")
        if not checked.faults:
            say(one_line(f"{path.name}: {counted(len(checked.table), 'score')}, no wrong cell"))
        for note in checked.notes:
            say(one_line(f"{path.name}: {note}"))
    if wrong:
        raise InputError(f"{counted(wrong, 'cell')} cannot be used. Correct the table.", "table")


@command()
def convert(
    table: Tables,
    to: Annotated[str, typer.Option(metavar="NAME", help="Layout of the result, as for --layout.")] = "long",
    layout: LayoutOption = "auto",
    reader: Reader = None,
    out: Out = Path("output/readers"),
) -> None:
    """Write tables in another layout (scores.csv)."""
    from napari_jsn.cli import printing
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.scoring import ram_h1200_files, scores_csv

    with OutputFolder(out, ["scores.csv"]) as output:
        scores = read_tables(table, layout, reader)
        try:
            contents = ram_h1200_files(scores) if to == "ram-h1200" else {"scores.csv": scores_csv(scores, to)}
        except InputError as error:
            raise InputError(str(error), "to" if error.argument == "layout" else error.argument) from error
        written = output.write(contents, record_of_run(output, inputs=table_inputs("table", table)))
    printing.print_files(written)


@command()
def agreement(
    table: Tables,
    layout: LayoutOption = "auto",
    reader: Reader = None,
    scheme: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Scheme of the totals; by default sums over sites that every reader graded."),
    ] = None,
    missing: Annotated[
        str, typer.Option(metavar="RULE", help="With --scheme: sum, complete, scaled or carried-forward.")
    ] = "complete",
    method: Annotated[
        str, typer.Option(metavar="NAME", help="Consensus: dawid-skene, majority, median or mean.")
    ] = "dawid-skene",
    replicates: Annotated[int, typer.Option(min=0, help="Replicates of the bootstrap of patients.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    out: Out = Path("output/readers"),
    as_json: Json = False,
) -> None:
    """Compare readers with each other and with their consensus, grade by grade and by totals."""
    from napari_jsn.cli import printing
    from napari_jsn.common.csv_files import csv_bytes
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.export.report.agreement_page import agreement_html
    from napari_jsn.scoring import agreement as compare
    from napari_jsn.scoring.agreement import Agreement
    from napari_jsn.scoring.plots import PICTURES, agreement_plots
    from napari_jsn.scoring.total_agreement import SDC_FORMULA

    tables = {each.name: f"{each.name.replace('_', '-')}.csv" for each in fields(Agreement) if each.name != "notes"}
    with OutputFolder(out, (*tables.values(), "agreement.html", *PICTURES)) as output:
        scores = read_tables(table, layout, reader, scheme)
        found = compare(scores, scheme, missing, method, replicates, seed)
        contents = {file: csv_bytes(getattr(found, name)) for name, file in tables.items()}
        pictures = agreement_plots(found)
        contents["agreement.html"] = agreement_html(found, scores.attrs["notes"], pictures).encode()
        written = output.write(contents | pictures, record_of_run(output, inputs=table_inputs("table", table)))
    notes = list(dict.fromkeys((*scores.attrs["notes"], *found.notes)))
    if as_json:
        printing.print_json(
            {**{name: getattr(found, name).to_dict("records") for name in tables}, "notes": notes}, written
        )
        return
    rows = []
    for row in found.pairs.to_dict("records"):
        interval = f"{row['kappa_quadratic_low']:.3f} to {row['kappa_quadratic_high']:.3f}" if replicates else ""
        name = f"Quadratic kappa, {row['kind']}, {row['reader_a']} and {row['reader_b']}"
        rows.append((name, f"{row['kappa_quadratic']:.3f}", interval))
    for row in found.totals.query("kind == 'total' or of == 'change'").to_dict("records"):
        interval = f"{row['icc_2_1_low']:.3f} to {row['icc_2_1_high']:.3f}"
        rows.append((f"ICC(2,1), {row['kind']}, {row['of']}, visit {row['visit']}", f"{row['icc_2_1']:.3f}", interval))
        if row["of"] == "change":
            ends = f"{row['sdc_low']:.2f} to {row['sdc_high']:.2f}" if row["sdc_low"] == row["sdc_low"] else ""
            name = f"SDC, {row['kind']}, one reader (80 % form)"
            rows.append((name, f"{row['sdc']:.2f} ({row['sdc_80']:.2f})", ends))
    printing.print_rows("Agreement of readers", rows)
    if found.totals["sdc"].notna().any():
        say(f"{SDC_FORMULA}.")
    for note in notes:
        say(note)
    printing.print_files(written)


@command()
def consensus(
    table: Tables,
    layout: LayoutOption = "auto",
    reader: Reader = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="dawid-skene, majority, median or mean.")] = "dawid-skene",
    smoothing: Annotated[
        float, typer.Option(min=0, help="Pseudo-counts that draw confusions towards the diagonal (dawid-skene).")
    ] = 0.0,
    out: Out = Path("output/readers"),
) -> None:
    """Write one grade an item with its probabilities (consensus.csv), and the readers' confusions."""
    from napari_jsn.cli import printing
    from napari_jsn.common.csv_files import csv_bytes
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.scoring import find_consensus

    with OutputFolder(out, ("consensus.csv", "reader-confusions.csv", "fits.csv")) as output:
        scores = read_tables(table, layout, reader)
        found = find_consensus(scores, method, smoothing)
        contents = {
            "consensus.csv": csv_bytes(found.labels),
            "reader-confusions.csv": csv_bytes(found.confusions),
            "fits.csv": csv_bytes(found.fits),
        }
        written = output.write(contents, record_of_run(output, inputs=table_inputs("table", table)))
    for note in dict.fromkeys((*scores.attrs["notes"], *found.notes)):
        say(note)
    printing.print_files(written)


def table_inputs(name: str, paths: list[Path]) -> list[dict[str, Any]]:
    """Return what the record states about the tables that were read."""
    from napari_jsn.common.run_record import input_record

    return [input_record(name, path) for path in paths]


def read_tables(paths: list[Path], layout: str, reader: str | None, scheme: str | None = None) -> pd.DataFrame:
    """Return the rows of all files; their notes are in ``attrs``."""
    import pandas as pd

    from napari_jsn.scoring import read_scores

    parts = [read_scores(path, layout, reader, scheme) for path in paths]
    notes = tuple(note for part in parts for note in part.attrs.pop("notes"))
    if len({part["visit"].dtype.kind for part in parts}) > 1:  # numbers in one file, names in another
        parts = [part.astype({"visit": str}) for part in parts]
    scores = pd.concat(parts, ignore_index=True)
    scores.attrs["notes"] = notes
    return scores
