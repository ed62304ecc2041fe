"""The command ``napari-jsn evaluate segmentation``: measure how well a model finds the bones of joint images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import Device, Json, Supplies, Threads
from napari_jsn.cli.terminal import say

if TYPE_CHECKING:
    from napari_jsn.evaluation.segmentation.report import SegmentationEvaluation

#: Seed of the simulated joints; the training joints were drawn with another seed.
_SEED = 2023


def segmentation(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Images and their masks: NAME.png beside NAME.jpg, or NAME_mask.png."),
        Supplies("path", "folder", "spacing_mm", "joint_images"),
    ] = None,
    simulated: Annotated[
        int, typer.Option(min=0, help="Number of simulated joint images to measure in addition.")
    ] = 420,
    damaged: Annotated[
        int,
        typer.Option(min=0, help="Number of simulated joint images with damage of all grades to measure in addition."),
    ] = 336,
    model: Annotated[str, typer.Option(help="Name of a model, or path of its .safetensors file.")] = "default",
    device: Device = "auto",
    threads: Threads = None,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for the table, and for pictures of the best, median and worst image."),
    ] = Path("output/segmentation"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown page in which to replace the table.")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Write the figures to the model's card.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the bones that a model finds with masks of experts and with simulated masks, of damaged joints too.

    Of the public joints, only those that the shipped model was not trained on are measured.
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
    from napari_jsn.evaluation.segmentation.report import (
        evaluate_segmentation,
        overlays,
        segmentation_figures,
        segmentation_table,
    )
    from napari_jsn.networks import weights
    from napari_jsn.networks.inputs import content_hash, left_out_lines
    from napari_jsn.segmentation.training.data import simulated_joints
    from napari_jsn.segmentation.training.folder import read_joint_folder
    from napari_jsn.simulation.damage.difficulty import FIRST, OF_JOINTS
    from napari_jsn.simulation.damage.difficulty import difficulty as difficulty_of

    if data is None and not simulated and not damaged:
        raise InputError(
            "There are no images to measure. Give a folder (--data) or a number of simulated images (--simulated, "
            "--damaged).",
            "data",
        )
    check_page(page)
    with OutputFolder(out, ("segmentation.md", "real-*.png", "simulated-*.png")) as output:
        path = weights.find("segmentation", model).with_suffix(".json")  # before the long computation
        if card:
            check_card(path)
        about = weights.load("segmentation", model)[1]
        set_threads(threads)
        with printing.spinner("Finding the bones"):
            sets: list[tuple[str, SegmentationEvaluation]] = []
            said: list[str] = []
            learned: set[str] = set()
            if data is not None:
                read = read_joint_folder(data, "test")
                kinds = [learned_from(about, path, content_hash(each.image)) for each in read.joints]
                for name, kind, chosen in by_learned("real", read.joints, kinds):
                    sets.append((name, evaluate_segmentation(chosen, model, device)))
                    said.append(sentence(kind, [each.name for each in chosen]))
                    learned |= set() if kind == NEVER else {name}
                said += left_out_lines(read.left_out)
            if simulated:
                joints = list(simulated_joints(simulated, _SEED))
                sets.append(("simulated", evaluate_segmentation(joints, model, device)))
            if damaged:
                joints = list(simulated_joints(damaged, _SEED, difficulty=OF_JOINTS, samplings=("uniform",)))
                sets.append(("simulated, damaged", evaluate_segmentation(joints, model, device)))
        versions = [version for version, count in ((FIRST, simulated), (OF_JOINTS, damaged)) if count]
        made = "\n".join([f"Made by `{typed_command(sys.argv)}`.", *(str(difficulty_of(each)) for each in versions)])
        report = f"{made}\n\n{segmentation_table(sets)}\n{_notes(sets, said, device)}"
        contents = {"segmentation.md": report.encode()}
        for name, each in sets:
            contents |= overlays(each, name.replace(", ", "-").replace(" ", "-"))
        identity = {"segmentation": weights.model_identity("segmentation", model)}
        inputs = [] if data is None else [input_record("data", data)]
        written = output.write(contents, record_of_run(output, identity, device_name(device), inputs))
    written += write_page(page, report)
    if card:
        new = [(name, each) for name, each in sets if name not in learned]
        written += write_figures(path, {**segmentation_figures(new), "command": typed_command(sys.argv)})
    if as_json:
        printing.print_json(segmentation_figures(sets), written)
        return
    say(report)
    printing.print_files(written)


def _notes(sets: list[tuple[str, SegmentationEvaluation]], said: list[str], device: str) -> str:
    lines = [f"- {line}" for line in said]
    for name, each in sets:
        groups = len({joint.group for joint in each.joints})
        what = "hands" if name.startswith("simulated") else "joints"
        least = min(agreement.dsc for agreement in each.agreements)
        lines.append(
            f"- {name}: {len(each.joints)} images of {groups} {what}; the lowest DSC of an image is {least:.3f}; "
            f"the model reports {100 * each.unreliable:.1f} % of them as unreliable; "
            f"{1000 * each.seconds:.0f} ms per image in total ({_machine(device)})."
        )
    lines.append("- Mean over images and both bones; in brackets the 5th percentile of DSC and the 95th of distances.")
    lines.append("- HD95: 95th percentile of the distance between the outlines, in pixels of an image of 256.")
    return "\n".join(lines) + "\n"


def _machine(device: str) -> str:
    import torch

    if device not in ("auto", "cpu") or (device == "auto" and torch.cuda.is_available()):
        return "GPU"
    return f"{torch.get_num_threads()} CPU threads"
