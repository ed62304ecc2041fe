"""The command ``napari-jsn measure``: from hand radiographs of one patient to a table of joint space narrowing."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import (
    BonesModel,
    Device,
    JointsModel,
    Json,
    KeepIdentity,
    Pseudonym,
    Supplies,
    Threads,
    WideMm,
)
from napari_jsn.cli.terminal import is_quiet, one_line, say
from napari_jsn.common.errors import InputError
from napari_jsn.registration import method_names

if TYPE_CHECKING:
    import pandas as pd

    from napari_jsn.patient.patient import Patient
    from napari_jsn.progression.progression import Progression


def measure(
    radiographs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RADIOGRAPHS",
            help="Radiographs of one patient, baseline first (DICOM, PNG, JPEG, BMP, TIFF), or the folder with all.",
            show_default=False,
        ),
        Supplies("baseline", "followup", "folder", "path", "radiograph"),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for joints.csv, report.html, run.json; files of an earlier run go."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="Also save the measurement in a store: SQLite file, or URL of a database."),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who measures, for the changes of --store."),
    ] = None,
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Also write DICOM objects: a structured report and the segmented bones.")
    ] = False,
    patient: Pseudonym = None,
    keep_identity: KeepIdentity = False,
    spacing_mm: Annotated[
        str | None,
        typer.Option(
            metavar="MM",
            help="Pixel size of all radiographs; replaces that of DICOM files. Without a pixel size, results are in "
            "pixels.",
        ),
    ] = None,
    joints: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Joints to measure, separated by commas: names (MCP2), ranges (DIP2-5), kinds (DIP) or all; by "
            "default MCP1-5, IP1 and PIP2-5.",
            show_default=False,
        ),
        Supplies("joint"),
    ] = None,
    method: Annotated[
        str, typer.Option(help=f"Registration method: {method_names.in_words()}."), Supplies("model")
    ] = "refined",
    joints_model: JointsModel = "default",
    bones_model: BonesModel = "default",
    wide_mm: WideMm = 0.15,
    device: Device = "auto",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Measure every finger joint of one patient's hands between two or more visits."""
    from napari_jsn.cli import hands, printing
    from napari_jsn.cli.options import output_folder, parse_joints, parse_spacing, record_of_run, set_threads
    from napari_jsn.cli.terminal import terminal_progress
    from napari_jsn.export.progression_files import NAMES, progression_facts, progression_files

    check_dicom(dicom, out)
    spacing = parse_spacing(spacing_mm, "--spacing-mm")
    names = parse_joints(joints)
    hands.check_models(joints_model, bones_model)
    set_threads(threads)
    check_store(store, reader)
    with output_folder(out, NAMES) as output, terminal_progress(remaining=False) as progress:
        progression = hands.measure_patient(
            radiographs, patient, keep_identity, spacing, dicom, method, joints_model, bones_model, device, progress,
            wide_mm, names, None if store is None else partial(_check_patient, store),
        )  # fmt: skip
        written, grades = [], None
        if progression is not None and store is not None:
            progress.update(0, 0, "Writing")
            progression, grades = _saved(progression, store, reader)
        if progression is not None and output is not None:
            progress.update(0, 0, "Writing")
            facts = progression_facts(progression, keep_identity)
            facts["inputs"] += hands.table_of_radiographs(radiographs, keep_identity)
            record = record_of_run(output, **facts, keep_identity=keep_identity)
            written = output.write(progression_files(progression, dicom, keep_identity, grades), record)
    if progression is None:
        hands.exit_stopped()
    if as_json:
        printing.print_json(printing.progression_json(progression, keep_identity), written)
        return
    printing.print_progression(progression, keep_identity=keep_identity)
    printing.print_files(written)
    if store is not None and not is_quiet():
        say(one_line(f"Saved as {progression.patient_id} in the store."))


def check_store(store: str | None, reader: str | None) -> None:
    """Raise an error before the long measurement if the store cannot be opened or made; it is not made yet."""
    if store is None and reader is not None:
        raise InputError("The reader stands in the changes of a store. Give the store with --store.", "reader")
    if store is not None:
        from napari_jsn.store import check_place

        check_place(store)


def _check_patient(store: str, patient: Patient) -> None:
    """Raise an error before the long measurement if the store has another patient under this pseudonym."""
    from napari_jsn.store import open_store

    if "://" in store or os.path.exists(store):
        with open_store(store, create=False) as opened:
            opened.check_patient(patient)


def _saved(progression: Progression, store: str, reader: str | None) -> tuple[Progression, pd.DataFrame | None]:
    """Save a measurement; return it with the decisions that the store has on it, and the grades of reader and model."""
    from dataclasses import replace

    from napari_jsn.reading.grades.score_table import grades_of
    from napari_jsn.store import open_store

    with open_store(store, reader) as opened:
        opened.save(progression)
        decided = replace(progression, decisions=opened.decisions_on(progression.patient_id))
        return decided, grades_of(opened, decided)


def check_dicom(dicom: bool, out: Path | None) -> None:
    """Raise an error before the long measurement if DICOM objects cannot be written."""
    if not dicom:
        return
    if out is None:
        raise InputError("DICOM objects are written to a folder. Give the folder with --out.", "dicom")
    from napari_jsn.export.dicom.shared import require_highdicom

    require_highdicom()
