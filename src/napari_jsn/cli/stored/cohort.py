"""The command ``napari-jsn cohort``: measure all patients of a folder or a table into a store, on Dask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import BonesModel, Device, JointsModel, Supplies, WideMm
from napari_jsn.cli.terminal import one_line, say
from napari_jsn.common.errors import InputError
from napari_jsn.common.notes import counted
from napari_jsn.registration import method_names

if TYPE_CHECKING:
    from napari_jsn.cohort.plan import PlannedPatient
    from napari_jsn.cohort.sources import Source


def cohort(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Folder with one folder for each patient, or table (CSV): patient, visit, path, and perhaps date, "
            "side, spacing, arm, age, sex.",
            show_default=False,
        ),
        Supplies("folder"),
    ],
    store: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="Store of the results: SQLite file, or URL of a database."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for joints.csv, patients.csv, report.html and logs.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the patients and what is wrong with them; nothing is measured.")
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Scheduler of Dask, such as tcp://10.0.0.1:8786; by default, local workers."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Number of local workers of one thread; by default as cores and memory allow."),
    ] = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="The names of the folders are pseudonyms and name the patients.")
    ] = False,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Name patients as in their files, and write the days of visits.")
    ] = False,
    joints: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="Joints to measure, as for measure; by default MCP1-5, IP1 and PIP2-5."),
        Supplies("joint"),
    ] = None,
    method: Annotated[
        str, typer.Option(help=f"Registration method: {method_names.in_words()}."), Supplies("model")
    ] = "refined",
    joints_model: JointsModel = "default",
    bones_model: BonesModel = "default",
    wide_mm: WideMm = 0.15,
    score: Annotated[
        str | None, typer.Option(metavar="METHOD", help="Also score the radiographs: two-stage or one-stage.")
    ] = None,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who measures, for the changes of the store.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Measure all patients of a trial into a store; what is done is not done again.

    A patient that cannot be measured is named and stops nothing. After a stop, the same command goes on.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.options import output_folder, parse_joints, record_of_run
    from napari_jsn.cli.terminal import terminal_progress
    from napari_jsn.cohort import measure_cohort
    from napari_jsn.cohort.cluster import check_dask
    from napari_jsn.cohort.files import LOGS, NAMES, write_cohort
    from napari_jsn.cohort.plan import options_of, plan_cohort
    from napari_jsn.store import check_place, open_store

    names = parse_joints(joints)
    if dry_run:
        options = options_of(names, method, joints_model, bones_model, device, wide_mm, keep_identity, score, scheduler)
        with terminal_progress() as progress:
            planned = plan_cohort(source, store, options, pseudonyms, progress)
        _print_plan(planned)
        if progress.aborted:
            raise typer.Exit(progress.exit_code)
        return
    if store is None:
        raise InputError("Results are saved in a store. Give a file or a URL with --store.", "store")
    check_dask()
    check_place(store)
    with (
        output_folder(out, NAMES) as output,
        terminal_progress(remaining=False, terminate=True) as progress,
        open_store(store, reader) as opened,
    ):
        found = measure_cohort(
            source, opened, joints=names, method=method, localization=joints_model, segmentation=bones_model,
            device=device, wide_mm=wide_mm, pseudonyms=pseudonyms, keep_identity=keep_identity, score=score,
            scheduler=scheduler, workers=workers, progress=progress, on_failure=_say_failure,
        )  # fmt: skip
        if found.aborted:
            done = len(found.patients)
            say(one_line(f"Stopped: {done} of {found.total} patients are done. The same command goes on."))
            raise typer.Exit(progress.exit_code)
        written = []
        if output is not None:
            progress.update(0, 0, "Writing")
            record = record_of_run(output, device=device, keep_identity=keep_identity)
            written = write_cohort(output, opened, found, store, record, keep_identity)
    before = found.total - len(found.failed) - found.measured_now
    say(
        f"{found.total} patients: {found.measured_now} measured now, {before} before, {len(found.failed)} failed. "
        f"{sum(each.joints for each in found.patients)} figures are in the store."
    )
    printing.print_files([path for path in written if path.parent.name != LOGS])


def _say_failure(source: Source, sentence: str) -> None:
    say(one_line(f"Failed: {source.name}: {sentence}"), error=True)


def _print_plan(planned: Sequence[PlannedPatient]) -> None:
    """Print what would be done with each patient, and what is wrong with it."""
    from napari_jsn.cli import printing
    from napari_jsn.cohort.plan import STATES

    rows = [
        (one_line(each.source.name), str(each.radiographs or ""), str(each.visits or ""), each.source.arm, each.state)
        for each in planned
    ]
    printing.print_table(("Patient", "radiographs", "visits", "arm", "State"), rows, dropped_first=("arm",))
    for each in planned:
        if each.sentence:
            say(one_line(f"{'Wrong' if each.state == 'wrong' else 'Note'}: {each.source.name}: {each.sentence}"))
    counts = Counter(each.state for each in planned)
    states = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    say(f"{counted(len(planned), 'patient')}: {states}. Nothing was measured.")
