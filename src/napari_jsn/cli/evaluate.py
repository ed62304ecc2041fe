"""The command ``napari-jsn evaluate``: how well a model does on images whose truth is known."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.clinical import clinical
from napari_jsn.cli.evaluate_localization import localization
from napari_jsn.cli.evaluate_registration import registration

if TYPE_CHECKING:
    from napari_jsn.evaluation.segmentation.report import Evaluated

app = typer.Typer(help="Measure how well a model does on images whose truth is known.", no_args_is_help=True)

#: Simulated joints to measure on are drawn with this seed; those that were learned from were drawn with another.
_SEED = 2023


@app.callback()
def _common() -> None:
    pass


app.command()(clinical)


app.command()(registration)

app.command()(localization)


@app.command()
def segmentation(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Images and their masks: NAME.png beside NAME.jpg, or NAME_mask.png."),
    ] = None,
    simulated: Annotated[int, typer.Option(min=0, help="How many simulated joint images to measure on too.")] = 420,
    model: Annotated[str, typer.Option(help="Name of a model, or path of its .safetensors file.")] = "default",
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the table, and for pictures of best, median and worst.")
    ] = Path("output/segmentation"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A page (Markdown) in which to renew the table.")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the figures into the model's card.")] = False,
) -> None:
    """Compare the bones that a model finds with masks drawn by experts and with simulated ones.

    Of the public joints that the shipped model learned from, only those that it never saw are taken.
    """
    from napari_jsn.cli import printing
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.files import check_folder, write_files
    from napari_jsn.evaluation.segmentation.report import evaluate, figures, overlays, renewed, table
    from napari_jsn.networks import weights
    from napari_jsn.segmentation.training.data import labelled_joints, simulated_joints

    if data is None and not simulated:
        raise InputError("There is nothing to measure on. Give a folder, or a number of simulated images.", "data")
    check_folder(out)
    path = weights.find("segmentation", model).with_suffix(".json")  # told before long work
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    with printing.spinner("Finding the bones"):
        sets: list[tuple[str, Evaluated]] = []
        if data is not None:
            sets.append(("real", evaluate(labelled_joints(data, "test"), model, device)))
        if simulated:
            sets.append(("simulated", evaluate(list(simulated_joints(simulated, _SEED)), model, device)))
    measured = f"Made by `{_typed()}`.\n\n{table(sets)}\n{_notes(sets, device)}"
    contents = {"segmentation.md": measured.encode()}
    for name, each in sets:
        contents |= overlays(each, name)
    written = write_files(out, contents)
    if page is not None:
        text = page.read_text("utf-8") if page.is_file() else ""
        written += write_files(page.parent, {page.name: renewed(text, measured).encode()})
    if card:
        about = json.loads(path.read_text("utf-8"))
        about["figures"] = {**about["figures"], "never_learned_from": {**figures(sets), "command": _typed()}}
        written += write_files(
            path.parent, {path.name: f"{json.dumps(about, indent=2, ensure_ascii=False)}\n".encode()}
        )
    print(measured)
    printing.print_files(written)


def _typed() -> str:
    from napari_jsn.cli.train import typed_command

    return typed_command(sys.argv)


def _notes(sets: list[tuple[str, Evaluated]], device: str | None) -> str:
    lines = []
    for name, each in sets:
        groups = len({joint.group for joint in each.joints})
        what = "joints" if name == "real" else "hands"
        lines.append(
            f"- {name}: {len(each.joints)} images of {groups} {what} that were never learned from; the model itself "
            f"doubts {100 * each.doubted:.1f} % of them; {1000 * each.seconds:.0f} ms an image, "
            f"all included ({_machine(device)})."
        )
    lines.append("- Mean over images and both bones; in brackets the 5th percentile of DSC, the 95th of distances.")
    lines.append("- HD95: 95th percentile of the distance between the outlines, in pixels of an image of 256.")
    return "\n".join(lines) + "\n"


def _machine(device: str | None) -> str:
    import torch

    if device not in (None, "cpu") or (device is None and torch.cuda.is_available()):
        return "GPU"
    return f"{torch.get_num_threads()} CPU threads"
