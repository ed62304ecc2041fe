"""The command ``napari-jsn``: measure hands, register a joint pair, simulate both, train and evaluate.

Everything slow is imported inside the commands, so that help comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.demo import demo
from napari_jsn.cli.evaluate import app as evaluate
from napari_jsn.cli.measure import measure
from napari_jsn.cli.simulate import simulate, simulate_pair
from napari_jsn.cli.train import train
from napari_jsn.common.errors import InputError

app = typer.Typer(
    help="Measure joint space narrowing of the finger joints between radiographs.",
    epilog="For research use only; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

#: What a user of the command calls an argument of the library.
_OPTIONS = {
    "fixed": "FIXED",
    "moving": "MOVING",
    "fixed_masks": "--fixed-mask",
    "moving_masks": "--moving-mask",
    "spacing_mm": "--spacing-mm",
    "moving_spacing_mm": "--moving-spacing-mm",
    "method": "--method",
    "device": "--device",
    "baseline": "BASELINE",
    "followup": "FOLLOWUP",
    "dicom": "--dicom",
    "patient": "--patient",
    "localization": "--joints-model",
    "segmentation": "--bones-model",
    "out": "--out",
    "joint": "--joint",
    "side": "--side",
    "jsn_mm": "--jsn-mm",
    "patients": "--patients",
    "visits": "--visits",
    "hands": "--hands",
    "interval_days": "--interval-days",
    "seed": "--seed",
    "form": "--format",
    "shape": "--rows, --columns",
    "task": "TASK",
    "data": "--data",
    "preset": "--preset",
    "epochs": "--epochs",
    "resume": "--resume",
    "start": "--start",
    "name": "--name",
    "model": "--model",
    "table": "TABLE",
    "truth": "--truth",
    "visit": "--visit",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code: 0 done, 2 wrong input, 130 stopped, 1 anything else."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments  # taken out here, so that it may stand anywhere
    try:
        app([word for word in arguments if word != "--debug"], prog_name="napari-jsn")
    except InputError as error:
        if debug:
            raise
        option = _OPTIONS.get(error.argument or "")
        _leave(f"{option}: {error}" if option else str(error), 2)
    except Exception as error:
        if debug:
            raise
        told = " ".join(f"{type(error).__name__}: {error}".split())
        _leave(f"This should not have happened: {told}. Add --debug to see where.", 1)


def _leave(sentence: str, code: int) -> None:
    print(f"Error: {sentence}", file=sys.stderr)
    sys.exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        from napari_jsn import __version__

        print(f"napari-jsn {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


app.command()(measure)


@app.command()
def register(
    fixed: Annotated[
        Path, typer.Argument(metavar="FIXED", help="Joint image of the baseline: DICOM, PNG, JPEG, BMP or TIFF.")
    ],
    moving: Annotated[Path, typer.Argument(metavar="MOVING", help="Joint image of the follow-up.")],
    fixed_mask: Annotated[
        Path | None,
        typer.Option(help="Its bones: 1 upper, 2 lower, 3 both, or one value for the upper side. Found if not given."),
    ] = None,
    moving_mask: Annotated[Path | None, typer.Option(help="The bones of the follow-up, likewise.")] = None,
    spacing_mm: Annotated[
        str | None,
        typer.Option(
            metavar="MM",
            help="Pixel size of both images, in place of what DICOM files say. Without either, figures are in pixels.",
        ),
    ] = None,
    moving_spacing_mm: Annotated[
        str | None, typer.Option(metavar="MM", help="Pixel size of the follow-up, where it differs.")
    ] = None,
    method: Annotated[str, typer.Option(help="How to register: refined, network or pipoc.")] = "refined",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the table (CSV), the figure (PNG) and the images (TIFF)."),
    ] = None,
) -> None:
    """Measure the narrowing of one joint between two joint images."""
    from napari_jsn.cli import pair, printed
    from napari_jsn.common.files import check_folder, write_files

    if out is not None:
        check_folder(out)
    spacing = pair.typed_spacing(spacing_mm, "--spacing-mm")
    moving_spacing = pair.typed_spacing(moving_spacing_mm, "--moving-spacing-mm") or spacing
    with printed.busy("Registering"):
        measured = pair.measure(
            (fixed, moving), (fixed_mask, moving_mask), (spacing, moving_spacing), method, device, threads
        )
        written = [] if out is None else write_files(out, measured.files())
    printed.print_pair(measured)
    printed.print_files(written)


app.command()(demo)
app.command()(simulate)
app.command()(simulate_pair)
app.command()(train)
app.add_typer(evaluate, name="evaluate")
