"""The command ``napari-jsn evaluate clinical``: compare narrowing in mm with a reader's score."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.options import Device, Json
from napari_jsn.cli.terminal import say


def clinical(
    table: Annotated[
        Path | None,
        typer.Argument(
            metavar="[TABLE]",
            help="CSV with the columns patient, joint, side, jsn_mm, score_change; or, with --truth, joints.csv.",
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="truth.csv of simulated patients, from which the score changes are read."),
    ] = None,
    simulated: Annotated[
        int, typer.Option(min=0, metavar="N", help="Simulate and measure N joints instead of a table.")
    ] = 0,
    visit: Annotated[
        int | None,
        typer.Option(min=2, help="Visit whose narrowing is compared; by default the last visit of each joint."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated joints and of the bootstrap.")] = 0,
    device: Device = "auto",
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for the report, its figures (PNG) and the table of joints (CSV)."),
    ] = Path("output/clinical"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown page in which to replace the table and one plot.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare narrowing with the change of a reader's score, as in the paper's clinical assessment.

    The results are a t-test between joints with and without a change of score, Pearson's r, and both again with the
    joints of each patient as a cluster. A column `reading` adds the agreement of repeated readings.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.evaluate.output import check_page, write_page
    from napari_jsn.cli.options import record_of_run
    from napari_jsn.cli.train import typed_command
    from napari_jsn.common.device import device_name
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.notes import counted
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.common.run_record import input_record
    from napari_jsn.evaluation.clinical.assess import assess
    from napari_jsn.evaluation.clinical.report import (
        MAIN_PLOT,
        PAGE,
        TABLE,
        clinical_figures,
        clinical_files,
        clinical_rows,
        clinical_section,
    )
    from napari_jsn.evaluation.clinical.simulated import simulated_models, simulated_rows
    from napari_jsn.evaluation.clinical.table import read_table, tidy
    from napari_jsn.simulation.damage.difficulty import FIRST, difficulty

    if (table is None) == (simulated == 0):
        raise InputError("Give either a table or a number of joints to simulate (--simulated N).", "table")
    check_page(page)
    with OutputFolder(out, (PAGE, TABLE, "clinical-*.png")) as output:
        if table is not None:
            joints, source = read_table(table, truth, visit), f"from {table.name}"
        else:
            with printing.spinner(f"Simulating and measuring {simulated} joints"):
                joints = tidy(simulated_rows(simulated, seed, device))
            source = f"simulated (seed {seed}); scores are computed from the true joint space, without reader error"
            source += f". {difficulty(FIRST)}"[:-1]
        found = assess(joints, seed)
        models = simulated_models() if simulated else {}
        inputs = [input_record(*each) for each in (("table", table), ("truth", truth)) if each[1] is not None]
        record = record_of_run(output, models, device_name(device) if simulated else "", inputs)
        files = clinical_files(found, source)
        written = output.write(files, record)
    section = clinical_section(found, source, "images/", [MAIN_PLOT])
    report = f"Made by `{typed_command(sys.argv)}`.\n\n{section}"
    written += write_page(page, report, {MAIN_PLOT: files[MAIN_PLOT]})
    if as_json:
        printing.print_json(clinical_figures(found), written)
        return
    title = f"{counted(len(found.joints), 'joint')} of {counted(found.patients, 'patient')}"
    printing.print_rows(title, clinical_rows(found))
    for note in found.notes:
        say(note)
    printing.print_files(written)
