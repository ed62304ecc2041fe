"""The command ``napari-jsn score``: grades of joint damage on the hand radiographs of one patient."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_jsn.cli.measure import check_dicom, check_store
from napari_jsn.cli.options import Device, JointsModel, Json, KeepIdentity, Pseudonym, Supplies, Threads
from napari_jsn.cli.terminal import console, is_quiet, one_line, say
from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    from napari_jsn.patient.patient import Patient
    from napari_jsn.scoring.automatic.result import Scores


def score(
    radiographs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RADIOGRAPHS",
            help="Radiographs of one patient, one a visit in order of time, or the folder with all.",
            show_default=False,
        ),
        Supplies("baseline", "followup", "folder", "path", "radiograph", "patient"),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for scores.csv, totals.csv, report.html, run.json."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(metavar="STORE", help="Also save the scores in a store: SQLite file, or URL of a database."),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who scores, for the changes of --store."),
    ] = None,
    dicom: Annotated[bool, typer.Option("--dicom", help="Also write the grades as a DICOM structured report.")] = False,
    method: Annotated[
        str, typer.Option(help="two-stage (joint by joint) or one-stage (the whole hand).")
    ] = "two-stage",
    scheme: Annotated[
        str, typer.Option(metavar="NAME", help="svdh-fingers, svdh-hands, talk-15, or a file (JSON, YAML).")
    ] = "svdh-fingers",
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model that scores: name or file; by default the shipped one.")
    ] = None,
    joints_model: JointsModel = "default",
    patient: Pseudonym = None,
    keep_identity: KeepIdentity = False,
    spacing_mm: Annotated[
        str | None,
        typer.Option(metavar="MM", help="Pixel size of all radiographs; replaces that of DICOM files."),
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    as_json: Json = False,
) -> None:
    """Grade joint space narrowing and erosion of the finger joints (Sharp/van der Heijde) by a network.

    The shipped networks learned on simulated hands. They are not validated on patients. This is not a medical device.
    """
    from napari_jsn.cli import hands, printing
    from napari_jsn.cli.options import output_folder, parse_spacing, record_of_run, set_threads
    from napari_jsn.cli.terminal import terminal_progress
    from napari_jsn.export.scores.files import NAMES, score_facts, score_files
    from napari_jsn.scoring.automatic.score import load_grader
    from napari_jsn.scoring.automatic.score import score as score_patient
    from napari_jsn.scoring.schemes import scheme as scheme_of

    spacing, used = parse_spacing(spacing_mm, "--spacing-mm"), scheme_of(scheme)
    set_threads(threads)
    load_grader(method, model, "cpu")  # refuses an unknown method or model before files are read
    check_store(store, reader)
    check_dicom(dicom, out)
    with output_folder(out, NAMES) as output, terminal_progress() as progress:
        progress.update(0, 0, "Reading")
        read = _read(radiographs, patient, keep_identity, spacing, dicom)
        scores = score_patient(
            read, method, used, model=model, localization=joints_model, device=device, progress=progress
        )
        if progress.aborted:
            hands.exit_stopped()
        if store is not None:
            from napari_jsn.store import open_store

            with open_store(store, reader) as opened:
                opened.save(scores)
        written = []
        if output is not None:
            facts = score_facts(scores, keep_identity)
            facts["inputs"] += hands.table_of_radiographs(radiographs, keep_identity)
            record = record_of_run(output, **facts, keep_identity=keep_identity)
            written = output.write(score_files(scores, keep_identity, dicom), record)
    if as_json:
        printing.print_json(_json(scores, keep_identity), written)
        return
    _print(scores, keep_identity)
    printing.print_files(written)
    if store is not None and not is_quiet():
        say(one_line(f"Saved as {scores.patient_id} in the store."))


def _read(radiographs: list[Path], patient: str | None, keep_identity: bool, spacing: Any, dicom: bool) -> Patient:
    """Return the patient of one folder, or of radiographs in order of time."""
    from napari_jsn.patient.read import patient_from_radiographs, read_patient

    options: dict[str, Any] = {
        "patient_id": patient, "keep_identity": keep_identity, "spacing_mm": spacing, "dicom_only": dicom,
    }  # fmt: skip
    if len(radiographs) == 1 and not os.path.exists(radiographs[0]):  # False where a path is too long
        raise InputError(
            f"There is no file or folder {radiographs[0]}. Give radiographs, or the folder with all radiographs of the "
            "patient.",
            "radiographs",
        )
    if len(radiographs) == 1 and os.path.isdir(radiographs[0]):
        return read_patient(radiographs[0], split=False, **options)
    folder = next((path for path in radiographs if os.path.isdir(path)), None)
    if folder is not None:
        raise InputError(f"{folder} is a folder. Give either radiographs only, or one folder only.", "radiographs")
    return patient_from_radiographs(*radiographs, split=False, **options)


def _json(scores: Scores, keep_identity: bool) -> dict[str, object]:
    """Return what ``--json`` prints: the rows of ``scores.csv``, the totals and the notes."""
    from napari_jsn.common.notes import written_notes

    return {
        "patient": scores.patient_id,
        "statement": scores.statement,
        "method": scores.method,
        "scheme": scores.scheme.name,
        "scores": scores.table().to_dict("records"),
        "totals": scores.totals().to_dict("records"),
        "notes": written_notes(scores.notes, keep_identity),
    }


def _print(scores: Scores, keep_identity: bool) -> None:
    """Print the grades of each visit, the totals and the notes."""
    from rich.text import Text

    from napari_jsn.cli import printing
    from napari_jsn.common.notes import written_notes
    from napari_jsn.scoring.schemes import SIDES

    screen = console()
    screen.print(Text(scores.statement, style="bold"))
    for visit in sorted({one.visit for one in scores.sites}):
        found = {(one.side, one.site, one.kind): one for one in scores.sites if one.visit == visit}
        sides = [side for side in SIDES if any(each[0] == side for each in found)]
        columns = [(side, kind) for side in sides for kind in reversed(scores.scheme.kinds)]
        heads = ("Site", *(f"{side} {kind}" for side, kind in columns))
        rows = []
        for site in scores.scheme.rows:
            cells = [found.get((side, site, kind)) for side, kind in columns]
            texts = ("X" if one is None else one.not_scored or str(one.grade) for one in cells)
            rows.append((site, *texts))
        screen.print(Text(one_line(f"Patient {scores.patient_id}, visit {visit}"), style="bold"))
        printing.print_table(heads, rows)
    for row in scores.totals().to_dict("records"):
        if row["sites_scored"]:
            interval = f"95 % interval {row['ci_low']:.1f} to {row['ci_high']:.1f}"
            counts = f"{row['sites_scored']} of {row['sites']} sites scored"
            say(f"Visit {row['visit']}, {row['kind']}: {row['total']:.1f} ({interval}; {counts})")
    for note in written_notes(scores.notes[1:], keep_identity or screen.is_terminal):
        screen.print(Text(one_line(f"Note: {note}"), style="dim"))
