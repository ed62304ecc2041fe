"""The command ``napari-jsn find-joints``: find the finger joints of radiographs, and cut out their images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import Device, Json, Supplies, Threads

if TYPE_CHECKING:
    from napari_jsn.localization.found_joints import FoundJoints
    from napari_jsn.radiograph import Radiograph


def find_joints(
    radiographs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RADIOGRAPHS",
            help="Hand radiographs (DICOM, PNG, JPEG, BMP, TIFF), or folders with radiographs.",
            show_default=False,
        ),
        Supplies("path", "folder", "radiograph"),
    ],
    crops: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the joint images (16 bits) and joints.csv; files are replaced."),
    ] = None,
    format: Annotated[str, typer.Option(help="Format of the joint images: png or tiff.")] = "png",
    joints: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Joints, separated by commas: names (MCP2), ranges (DIP2-5), kinds (DIP) or all; by default all.",
            show_default=False,
        ),
    ] = None,
    spacing_mm: Annotated[
        str | None, typer.Option(metavar="MM", help="Pixel size of all radiographs; replaces that of DICOM files.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="MODEL", help="Model that finds the joints: name or file.")] = "default",
    device: Device = "auto",
    threads: Threads = None,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Write the names of the radiographs' files into the results.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find the finger joints of hand radiographs; with --crops, write the image of each joint with its pixel size.

    Joint images are named by the number of the radiograph, the side and the joint: 1_L_MCP2.png.
    """
    from napari_jsn.cli import hands, printing
    from napari_jsn.cli.options import output_folder, parse_joints, parse_spacing, record_of_run, set_threads
    from napari_jsn.cli.terminal import say, terminal_progress
    from napari_jsn.common.csv_files import records_csv
    from napari_jsn.common.device import device_name
    from napari_jsn.common.errors import renamed_arguments
    from napari_jsn.common.run_record import input_record
    from napari_jsn.export.joint_files import JOINTS_TABLE, check_format, joint_image_bytes, joint_record
    from napari_jsn.joint.crop import joint_image, pixel_size
    from napari_jsn.localization.find_joints import find_joints_many
    from napari_jsn.networks import weights
    from napari_jsn.radiograph import read_radiograph

    ending = check_format(format)
    names, spacing = parse_joints(joints or ["all"]), parse_spacing(spacing_mm, "--spacing-mm")
    weights.find("localization", model)
    set_threads(threads)
    records, contents, results = [], {}, []
    file_names = (JOINTS_TABLE, f"*_*_*{ending}")
    with output_folder(crops, file_names, "crops") as output, terminal_progress() as progress:
        paths = _files(radiographs)
        for number, path in enumerate(paths, start=1):
            progress.update(number - 1, len(paths), "Finding the joints")
            if progress.aborted:
                hands.exit_stopped()
            radiograph = read_radiograph(path, spacing)
            found = find_joints_many([radiograph], model, device)[0]
            results.append((path, radiograph, found))
            for joint in (each for each in found if each.name in names):
                file = f"{number}_{joint.side or 'hand'}_{joint.name}{ending}" if crops is not None else ""
                if file:
                    with renamed_arguments(joint="radiographs"):
                        contents[file] = joint_image_bytes(joint_image(radiograph, joint), file)
                size = None if radiograph.spacing_mm is None else float(pixel_size(radiograph.spacing_mm).min())
                records.append(joint_record(file, number, joint, size, found.model))
                if keep_identity:
                    records[-1]["source"] = path.name
        written = []
        if output is not None and records:
            inputs = [input_record("radiograph", path, keep_identity) for path in paths]
            models = {"localization": weights.model_identity("localization", model)}
            record = record_of_run(output, models, device_name(device), inputs, keep_identity)
            written = output.write({**contents, JOINTS_TABLE: records_csv(records)}, record)
    if as_json:
        about = [_about(number, *result, keep_identity) for number, result in enumerate(results, start=1)]
        printing.print_json({"radiographs": about, "joints": records}, written)
        return
    _print(results, records, keep_identity)
    if crops is not None and not written:
        say("No joint was found. Nothing was written.")
    printing.print_files(written)


def _files(given: list[Path]) -> list[Path]:
    """Return the radiographs: files as they are given, and those of folders in order of their names."""
    from napari_jsn.patient.list_files import list_radiographs
    from napari_jsn.patient.radiographs_table import read_table

    files: list[Path] = []
    for path in given:
        files += [file.path for file in list_radiographs(path, read_table(path))[0]] if os.path.isdir(path) else [path]
    return files


def _about(
    number: int, path: Path, radiograph: Radiograph, found: FoundJoints, keep_identity: bool
) -> dict[str, object]:
    """Return what ``--json`` states about one radiograph."""
    from napari_jsn.networks.weights import short_identity

    return {
        "radiograph": number,
        **({"source": path.name} if keep_identity else {}),
        "sides": found.sides,
        "side_source": found.side_source,
        "spacing_mm": radiograph.spacing_mm,
        "spacing_source": radiograph.spacing_source,
        "reliable": found.reliable,
        "reasons": [each.code.name for each in found.reasons],
        "missing": [f"{name} {side}".strip() for side, name in found.missing],
        "notes": found.notes,
        "model": short_identity(found.model),
    }


def _print(
    results: list[tuple[Path, Radiograph, FoundJoints]], records: list[dict[str, object]], keep_identity: bool
) -> None:
    """Print the table of joints, and below it what is missing or doubtful on each radiograph.

    Files are named on a terminal, or where the identity is kept.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.terminal import console, one_line, say
    from napari_jsn.common.notes import counted

    several, named = len(results) > 1, keep_identity or console().is_terminal
    columns = [*(["radiograph"] if several else []), "side", "joint", "row", "col", "confidence"]
    rows = [tuple(_cell(record[name]) for name in columns) for record in records]
    heads = [name.capitalize() for name in columns]
    if rows:
        printing.print_table(heads, rows, dropped_first=("Confidence",))
    for number, (path, _, found) in enumerate(results, start=1):
        start = f"Radiograph {number} ({path.name}): " if named else f"Radiograph {number}: "
        say(one_line(f"{start}{counted(len(found), 'joint')}"))
        if found.missing:
            say(one_line(f"{start}missing {', '.join(f'{name} {side}'.strip() for side, name in found.missing)}"))
        for text in (*(reason.sentence for reason in found.reasons), *found.notes):
            say(one_line(f"{start}{text}"))


def _cell(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
