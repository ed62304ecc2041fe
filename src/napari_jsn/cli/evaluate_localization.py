"""The command ``napari-jsn evaluate localization``: how near the joints found lie to where they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

#: Simulated hands to measure on are drawn with this seed; those that were learned from were drawn with others.
_SEED = 2023


def localization(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Films, and a joints.csv: file, side, joint, x and y in pixels."),
    ] = None,
    simulated: Annotated[int, typer.Option(min=0, help="How many simulated hands to measure on too.")] = 24,
    model: Annotated[str, typer.Option(help="Name of a model, or path of its .safetensors file.")] = "default",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the table, and for pictures of the worst films.")
    ] = Path("output/localization"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A page (Markdown) in which to renew the table.")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the figures into the model's card.")] = False,
) -> None:
    """Compare the joints that a model finds with where they are: on films as they are, turned, cut, negative, ...

    Of the public hands that the shipped model learned from, only those that it never saw are taken.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.train import typed_command
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.files import check_folder, write_files
    from napari_jsn.evaluation.localization.detections import Truth
    from napari_jsn.evaluation.localization.detections import simulated as simulated_films
    from napari_jsn.evaluation.localization.report import evaluate, figures, overlays, table
    from napari_jsn.evaluation.segmentation.report import renewed
    from napari_jsn.localization.training.public_hands import evaluation_radiographs
    from napari_jsn.networks import weights

    if data is None and not simulated:
        raise InputError("There is nothing to measure on. Give a folder, or a number of simulated hands.", "data")
    check_folder(out)
    path = weights.find("localization", model).with_suffix(".json")  # told before long work
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    sets: list[tuple[str, list[Truth]]] = []
    with printing.spinner("Finding the joints"):
        if data is not None:
            sets += [(name, [Truth.of(film) for film in films]) for name, films in evaluation_radiographs(data).items()]
        if simulated:
            sets.append(("simulated", list(simulated_films(simulated, _SEED))))
        rows = evaluate(sets, model)
    measured = f"Made by `{typed_command(sys.argv)}`.\n\n{table(rows)}"
    written = write_files(out, {"localization.md": measured.encode(), **overlays(rows)})
    if page is not None:
        text = page.read_text("utf-8") if page.is_file() else ""
        written += write_files(page.parent, {page.name: renewed(text, measured).encode()})
    if card:
        about = json.loads(path.read_text("utf-8"))
        about["figures"] = {
            **about["figures"],
            "never_learned_from": {**figures(rows), "command": typed_command(sys.argv)},
        }
        written += write_files(
            path.parent, {path.name: f"{json.dumps(about, indent=2, ensure_ascii=False)}\n".encode()}
        )
    print(measured)
    printing.print_files(written)
