"""The command ``napari-jsn register``: measure the narrowing of one joint between two joint images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import Device, Json, Supplies, Threads, WideMm
from napari_jsn.registration import method_names

if TYPE_CHECKING:
    from napari_jsn.radiograph import Radiograph
    from napari_jsn.radiograph.spacing import Spacing


def register(
    fixed: Annotated[
        Path, typer.Argument(metavar="FIXED", help="Joint image at baseline: DICOM, PNG, JPEG, BMP or TIFF.")
    ],
    moving: Annotated[Path, typer.Argument(metavar="MOVING", help="Joint image at follow-up.")],
    fixed_mask: Annotated[
        Path | None,
        typer.Option(
            help="Label image of the bones at baseline: 1 upper, 2 lower, 3 both; or a binary image of the upper half. "
            "By default the bones are segmented."
        ),
        Supplies("fixed_masks"),
    ] = None,
    moving_mask: Annotated[
        Path | None, typer.Option(help="Label image of the bones at follow-up."), Supplies("moving_masks")
    ] = None,
    spacing_mm: Annotated[
        str | None,
        typer.Option(
            metavar="MM",
            help="Pixel size of both images; replaces that of DICOM files. Without a pixel size, results are in "
            "pixels.",
        ),
    ] = None,
    moving_spacing_mm: Annotated[
        str | None, typer.Option(metavar="MM", help="Pixel size of the follow-up, if it is different.")
    ] = None,
    method: Annotated[
        str, typer.Option(help=f"Registration method: {method_names.in_words()}."), Supplies("model")
    ] = "refined",
    wide_mm: WideMm = 0.15,
    device: Device = "auto",
    threads: Threads = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the table (CSV), the figure (PNG, SVG) and the images (TIFF)."),
    ] = None,
    keep_identity: Annotated[
        bool, typer.Option("--keep-identity", help="Write the names of the files into the table and the figure.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure the narrowing of one joint between two joint images."""
    from napari_jsn.cli import printing
    from napari_jsn.cli.options import output_folder, parse_spacing, record_of_run, set_threads
    from napari_jsn.common.device import device_name
    from napari_jsn.common.errors import renamed_arguments
    from napari_jsn.common.run_record import input_record
    from napari_jsn.export.registration_files import NAMES, registration_facts, registration_files, registration_record
    from napari_jsn.joint.read_masks import read_masks
    from napari_jsn.registration.register import register

    spacing = parse_spacing(spacing_mm, "--spacing-mm")
    moving_spacing = parse_spacing(moving_spacing_mm, "--moving-spacing-mm") or spacing
    with output_folder(out, NAMES) as output, printing.spinner("Registering"):
        images = _read(fixed, spacing, "fixed"), _read(moving, moving_spacing, "moving")
        with renamed_arguments(path="fixed_mask"):
            fixed_masks = None if fixed_mask is None else read_masks(fixed_mask)
        with renamed_arguments(path="moving_mask"):
            moving_masks = None if moving_mask is None else read_masks(moving_mask)
        set_threads(threads)
        registration = register(*images, fixed_masks, moving_masks, method=method, device=device, wide_mm=wide_mm)
        result = (*images, registration, device_name(device))
        written = []
        if output is not None:
            facts = registration_facts(*result, keep_identity)
            masks = (("fixed mask", fixed_mask), ("moving mask", moving_mask))
            facts["inputs"] += [input_record(name, path, keep_identity) for name, path in masks if path is not None]
            record = record_of_run(output, **facts, keep_identity=keep_identity)
            written = output.write(registration_files(*result, keep_identity), record)
    if as_json:
        printing.print_json(registration_record(*result, keep_identity), written)
        return
    printing.print_registration(*result, keep_identity)
    printing.print_files(written)


def _read(path: Path, spacing_mm: Spacing, argument: str) -> Radiograph:
    """Return the radiograph; characters of the file name that cannot be printed are replaced."""
    from napari_jsn.common.errors import renamed_arguments
    from napari_jsn.radiograph import read_radiograph
    from napari_jsn.registration.image_checks import check_pixels

    with renamed_arguments(path=argument):
        radiograph = read_radiograph(path, spacing_mm)
        check_pixels(radiograph.shape, argument, argument)  # before the other image is read
    return replace(radiograph, name=radiograph.name.encode(errors="replace").decode())
