"""The command ``napari-jsn evaluate localization``: compare the joints found with their true positions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.options import Device, Json, Supplies, Threads
from napari_jsn.cli.terminal import say

#: Seed of the simulated hands; the training hands were drawn with other seeds.
_SEED = 2023


def localization(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Radiographs and a joints.csv: file, side, joint, x and y in pixels."),
        Supplies("path", "folder", "spacing_mm", "radiograph", "radiographs"),
    ] = None,
    simulated: Annotated[int, typer.Option(min=0, help="Number of simulated hands to measure in addition.")] = 24,
    feet: Annotated[int, typer.Option(min=0, help="Number of simulated feet, which show no finger joint.")] = 100,
    model: Annotated[str, typer.Option(help="Name of a model, or path of its .safetensors file.")] = "default",
    device: Device = "auto",
    threads: Threads = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for the table, and for pictures of the worst radiographs.")
    ] = Path("output/localization"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown page in which to replace the table.")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the figures to the model's card.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the joints that a model finds with their true positions.

    Each radiograph is used unchanged, and also mirrored, rotated, padded, cropped, inverted and with bright objects
    added. Of the public hands, only those that the shipped model was not trained on are used. On simulated feet no
    joint should be found.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.evaluate.output import check_card, check_page, write_figures, write_page
    from napari_jsn.cli.options import record_of_run, set_threads
    from napari_jsn.cli.train import typed_command
    from napari_jsn.common.device import device_name
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.common.run_record import input_record
    from napari_jsn.evaluation.learned import NEVER, by_learned, learned_from, sentence
    from napari_jsn.evaluation.localization.detections import RadiographTruth
    from napari_jsn.evaluation.localization.report import (
        evaluate_feet,
        evaluate_localization,
        feet_table,
        localization_figures,
        localization_table,
        overlays,
    )
    from napari_jsn.evaluation.localization.sets import simulated_feet, simulated_truths
    from napari_jsn.localization.training.public_hands import evaluation_radiographs
    from napari_jsn.networks import weights
    from napari_jsn.networks.inputs import content_hash
    from napari_jsn.simulation.damage.difficulty import FIRST, difficulty

    if data is None and not simulated and not feet:
        raise InputError(
            "There are no radiographs to measure. Give a folder (--data), or a number of simulated hands (--simulated) "
            "or feet (--feet).",
            "data",
        )
    check_page(page)
    with OutputFolder(out, ("localization.md", "*-*.png")) as output:
        path = weights.find("localization", model).with_suffix(".json")  # before the long computation
        if card:
            check_card(path)
        about = weights.load("localization", model)[1]
        set_threads(threads)
        sets: list[tuple[str, list[RadiographTruth]]] = []
        said: list[str] = []
        learned: set[str] = set()
        with printing.spinner("Finding the joints"):
            if data is not None:
                for name, hands in evaluation_radiographs(data).items():
                    kinds = [learned_from(about, path, content_hash(each.pixels)) for each in hands]
                    for part, kind, chosen in by_learned(name, hands, kinds):
                        sets.append((part, [RadiographTruth.from_labelled(each) for each in chosen]))
                        said.append(sentence(kind, [each.name for each in chosen]))
                        learned |= set() if kind == NEVER else {part}
            if simulated:
                sets.append(("simulated", list(simulated_truths(simulated, _SEED))))
            rows = evaluate_localization(sets, model, device=device)
            found_on_feet = evaluate_feet(simulated_feet(feet, _SEED), model, device) if feet else []
        parts = [f"Made by `{typed_command(sys.argv)}`."]
        parts += [str(difficulty(FIRST))] if simulated or feet else []
        parts += [localization_table(rows)] if rows else []
        parts += [feet_table(found_on_feet)] if found_on_feet else []
        parts += ["\n".join(f"- {line}" for line in said)] if said else []
        report = "\n\n".join(part.strip() for part in parts) + "\n"
        identity = {"localization": weights.model_identity("localization", model)}
        inputs = [] if data is None else [input_record("data", data)]
        record = record_of_run(output, identity, device_name(device), inputs)
        written = output.write({"localization.md": report.encode(), **overlays(rows)}, record)
    written += write_page(page, report)
    if card:
        new = [row for row in rows if row[0].partition(":")[0] not in learned]
        figures = localization_figures(new, found_on_feet)
        written += write_figures(path, {**figures, "command": typed_command(sys.argv)})
    if as_json:
        printing.print_json(localization_figures(rows, found_on_feet), written)
        return
    say(report)
    printing.print_files(written)
