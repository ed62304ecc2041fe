"""The command ``napari-jsn segment``: find the two bones of joint images and write them as label images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.options import Device, Json, Supplies, Threads


def segment(
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES",
            help="Joint images, finger axis vertical, distal end up: DICOM, PNG, JPEG, BMP or TIFF.",
            show_default=False,
        ),
        Supplies("path", "radiograph", "joint_images"),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the label images and segmentation.csv; files are replaced."),
    ] = None,
    format: Annotated[str, typer.Option(help="Format of the label images: png or tiff.")] = "png",
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Model that segments the bones: name or file.")
    ] = "default",
    device: Device = "auto",
    threads: Threads = None,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Name the label images after the joint images.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find the two bones of joint images. Label images have the values 1 (upper bone), 2 (lower) and 3 (both).

    They are named by the order in which the joint images are given: 1_bones.png.
    """
    from napari_jsn.cli import hands, printing
    from napari_jsn.cli.options import output_folder, record_of_run, set_threads
    from napari_jsn.cli.terminal import console, one_line, say, terminal_progress
    from napari_jsn.common.device import device_name
    from napari_jsn.common.run_record import input_record
    from napari_jsn.export.joint_files import (
        SEGMENTATION_TABLE,
        check_format,
        label_names,
        segmentation_files,
        segmentation_record,
    )
    from napari_jsn.networks import weights
    from napari_jsn.radiograph import read_radiograph
    from napari_jsn.segmentation.segment import segment_many

    check_format(format)
    names = label_names(images, format, keep_identity)
    weights.find("segmentation", model)
    set_threads(threads)
    with output_folder(out, (*names, SEGMENTATION_TABLE)) as output, terminal_progress(remaining=False) as progress:
        # bones do not depend on the pixel size, so one that cannot be read is no error
        pixels = [read_radiograph(path, 1.0).pixels for path in images]
        found = segment_many(pixels, model, device, progress, "images")
        if len(found) < len(images):
            hands.exit_stopped()
        identity = weights.model_identity("segmentation", model)
        records = [segmentation_record(name, bones, identity) for name, bones in zip(names, found, strict=True)]
        written = []
        if output is not None:
            inputs = [input_record("joint image", path, keep_identity) for path in images]
            models = {"segmentation": identity}
            record = record_of_run(output, models, device_name(device), inputs, keep_identity)
            written = output.write(segmentation_files(names, found, identity), record)
    if as_json:
        printing.print_json({"model": weights.short_identity(identity), "images": records}, written)
        return
    # files are named on a terminal, or where the identity is kept, as by other commands
    named = keep_identity or console().is_terminal
    shown = [one_line(path.name) if named else f"Image {number}" for number, path in enumerate(images, start=1)]
    rows = [
        (name, f"{bones.confidence:.2f}", "good" if bones.reliable else "failed")
        for name, bones in zip(shown, found, strict=True)
    ]
    printing.print_table(("File", "Confidence", "State"), rows, dropped_first=("Confidence",))
    for name, bones in zip(shown, found, strict=True):
        if not bones.reliable:
            say(f"{name}: {one_line(bones.reason)}")
    printing.print_files(written)
