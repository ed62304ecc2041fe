"""The command ``napari-jsn evaluate scoring``: measure how well a network grades simulated damage."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from napari_jsn.cli.options import Device, Json, Layout, Supplies, Threads
from napari_jsn.cli.terminal import say, terminal_progress

#: Seeds of the first evaluated patients, and of those to which the rule of widths is fitted, which were trained on.
_SEEDS = {"uniform": 60_000, "natural": 61_000}
_FITTED_SEED = 70_005


def scoring(
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Readers' scores of radiographs, which are evaluated instead of simulated ones."
        ),
        Supplies("table", "mark", "site", "kind", "grade", "not_scored"),
    ] = None,
    layout: Layout = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FOLDER",
            help="Folder with a folder of radiographs for each patient of the scores; or RAM-H1200, without scores.",
        ),
        Supplies("data"),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="ram-h1200", help="The folder of --images is this public data set.")
    ] = None,
    patients: Annotated[
        int, typer.Option(min=1, help="Number of simulated patients with every grade equally often.")
    ] = 80,
    natural: Annotated[
        int, typer.Option(min=0, help="Number of simulated patients with grades as among patients.")
    ] = 200,
    fitted: Annotated[
        int, typer.Option(min=0, help="Patients to whose widths the rule of grading by width is fitted; 0 for no rule.")
    ] = 40,
    maps: Annotated[
        int, typer.Option(min=0, help="Number of eroded joints on which the maps are checked; 0 for none.")
    ] = 100,
    exposures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder with a folder CASE_SIDE_JOINT of images of each joint without grades: how stable grades are.",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of a model, or path of its .safetensors file.")] = "default",
    device: Device = "auto",
    threads: Threads = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the tables.")] = Path("output/scoring"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown page in which to replace the tables.")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the figures to the model's card.")] = False,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the simulated patients; by default the cache.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the grades of a network with the visible grades of simulated patients, or with readers' scores.

    The simulated patients were not trained on. They are kept for the next call; the first one takes hours. All zeros,
    and grading by the width that the program measures, are printed beside; for scores, the agreement of the readers.
    For images of joints without grades it is measured how stable the grades are.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.evaluate.output import check_page, write_figures, write_page
    from napari_jsn.cli.options import record_of_run, set_threads
    from napari_jsn.cli.train import typed_command
    from napari_jsn.common.device import device_name
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.common.run_record import input_record
    from napari_jsn.evaluation.learned import NEVER
    from napari_jsn.evaluation.scoring.evaluate import evaluate_scoring
    from napari_jsn.evaluation.scoring.own import (
        evaluate_own,
        name_of_set,
        notes_of,
        read_own,
        readers_table,
        sets_by_learned,
    )
    from napari_jsn.evaluation.scoring.report import ScoringEvaluation, scoring_figures, scoring_report
    from napari_jsn.evaluation.scoring.stability import read_exposures, stability, stability_lines
    from napari_jsn.networks import weights
    from napari_jsn.scoring.automatic.score import is_one_stage, statement_of
    from napari_jsn.scoring.layouts import check_layout
    from napari_jsn.scoring.training.ram_h1200_hands import check_dataset
    from napari_jsn.scoring.training.simulated_patients import DIFFICULTY
    from napari_jsn.scoring.two_stage.grader import TwoStageGrader
    from napari_jsn.simulation.damage.difficulty import difficulty

    check_page(page)
    if dataset is not None and scores is not None:
        raise InputError(f"{dataset} has scores of its own. Leave --scores out, or --dataset.", "scores")
    check_layout(layout, images is not None and dataset is None)
    if dataset is not None:
        check_dataset(dataset, "scoring", images)
    set_threads(threads)
    path = weights.find("scoring", model).with_suffix(".json")
    if scores is not None and images is None:
        raise InputError("The radiographs of the scores are needed. Give their folder with --images.", "images")
    if exposures is not None and images is not None:
        raise InputError("Images without grades are evaluated on their own. Leave --images out.", "exposures")
    if is_one_stage(model) and (images is not None or exposures is not None):
        raise InputError(
            "A one-stage network is evaluated on simulated hands only. Choose a two-stage model, or give no images.",
            "model",
        )
    counts = {"uniform": (patients, _SEEDS["uniform"]), "natural": (natural, _SEEDS["natural"])}
    with OutputFolder(out, ("scoring.md",)) as output, terminal_progress() as progress:
        statement = statement_of(weights.read_card(path))
        made, inputs = f"**{statement}** Made by `{typed_command(sys.argv)}`.", []
        sets: list[ScoringEvaluation] = []
        learned: set[str] = set()
        if exposures is not None:
            progress.update(0, 0, "Grading the images of the joints")
            found = stability(read_exposures(exposures), TwoStageGrader(model, device_name(device)))
            report = "\n".join([made, "", *stability_lines(found), ""])
            inputs = [input_record("exposures", exposures)]
        elif images is None:
            sets = evaluate_scoring(model, device_name(device), counts, (fitted, _FITTED_SEED), cache, progress, maps)
            report = f"{made} {difficulty(DIFFICULTY)}\n\n{scoring_report(sets)}"
        else:
            progress.update(0, 0, "Reading the scored radiographs")
            read = read_own(images, scores, layout)
            parts, said = sets_by_learned(read, model, name_of_set(images, scores))
            sets = [evaluate_own(part, name, model, device_name(device)) for name, _, part in parts]
            learned |= {name for name, kind, _ in parts if kind != NEVER}
            lines = [made, "", scoring_report(sets), *readers_table(read), *(f"- {each}" for each in said)]
            lines += notes_of(read)
            report = "\n".join(lines)
            inputs = [input_record("images", images)]
        identity = {"scoring": weights.model_identity("scoring", model)}
        record = record_of_run(output, identity, device_name(device), inputs, statement=statement)
        written = output.write({"scoring.md": report.encode()}, record)
    written += write_page(page, report)
    if card and sets:
        new = [each for each in sets if each.name not in learned]
        written += write_figures(path, {**scoring_figures(new), "command": typed_command(sys.argv)})
    if as_json:
        printing.print_json({"statement": statement, **scoring_figures(sets)}, written)
        return
    say(report)
    printing.print_files(written)
