"""The command ``napari-jsn evaluate registration``: the experiments of Wang et al. 2023 on registration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import Device, Json, Supplies, Threads
from napari_jsn.cli.terminal import say

if TYPE_CHECKING:
    from napari_jsn.segmentation.training.data import LabelledJoint

#: The methods that are compared by default.
_METHODS = ("refined", "network", "pipoc")


def registration(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="Joint images with masks; one folder per joint holds its visits."),
        Supplies("path", "folder"),
    ] = None,
    spacing_mm: Annotated[
        float | None, typer.Option(metavar="MM", help="Pixel size of these images; not needed for the public joints.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="refined, network, network:NAME or pipoc; repeatable. By default refined, network and pipoc."
        ),
        Supplies("model"),
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Number of pairs for each range of known motions.")] = 400,
    simulated: Annotated[int, typer.Option(min=0, help="Number of simulated pairs.")] = 150,
    masks: Annotated[
        str,
        typer.Option(
            help="Masks for known motion: experts; found (by the program); or half-planes of the fixed image: halves "
            "(a line fitted to the joint space), horizontal (a line through its middle) or displaced (1.2 to 6 mm)."
        ),
    ] = "experts",
    joints: Annotated[int | None, typer.Option(min=1, help="Largest number of real joints; by default all.")] = None,
    device: Device = "auto",
    threads: Threads = None,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for tables, plots, and panels of the best, median and worst pair."),
    ] = Path("output/registration"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Markdown page in which to replace the tables and plots.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the accuracy of registration: closure between visits, known motion, simulated joints, robustness.

    Of the public joints, only those that the shipped network was not trained on are measured.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.evaluate.output import check_page, write_page
    from napari_jsn.cli.options import joined, record_of_run, set_threads
    from napari_jsn.cli.train import typed_command
    from napari_jsn.common.device import device_name
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.common.run_record import input_record
    from napari_jsn.evaluation.registration.figures import registration_figures
    from napari_jsn.evaluation.registration.known_errors import MASKS
    from napari_jsn.evaluation.registration.plots import draw_registration_plots
    from napari_jsn.evaluation.registration.report import (
        ExperimentSizes,
        evaluate_registration,
        registration_tables,
    )
    from napari_jsn.networks import weights
    from napari_jsn.radiograph.spacing import check_spacing
    from napari_jsn.registration.methods import load_method, method_models

    if masks not in MASKS:
        raise InputError(f"There are no masks {masks!r}. Choose one of: {', '.join(MASKS)}.", "masks")
    methods = list(method or _METHODS)
    for name in methods:  # refuses an unknown method before the long computation
        load_method(name)
    check_page(page)
    check_spacing(spacing_mm)
    if data is None and not simulated:
        raise InputError(
            "There are no images to measure. Give a folder (DATA) or a number of simulated pairs (--simulated).",
            "data",
        )
    with OutputFolder(out, ("registration.md", "registration-*.png", "panels-*.png")) as output:
        images, image_mm, description = (
            ([], float("nan"), "") if data is None else _real_images(data, spacing_mm, joints, masks)
        )
        set_threads(threads)
        sizes = ExperimentSizes(pairs, simulated, min(40, pairs), min(24, pairs))
        with printing.spinner("Registering"):
            evaluations = evaluate_registration(methods, images, image_mm, sizes, device, masks=masks)
            plots = draw_registration_plots(evaluations)
            panels = _panels(images, image_mm, methods[0], device) if masks == "experts" else {}
        learned = "".join(f"- {line}\n" for line in _learned(methods, images))
        report = (
            f"Made by `{typed_command(sys.argv)}`.\n\n{registration_tables(evaluations, description, masks)}{learned}"
        )
        identities = [{"segmentation": weights.model_identity("segmentation", "default")}, *map(method_models, methods)]
        inputs = [] if data is None else [input_record("data", data)]
        record = record_of_run(output, joined(identities), device_name(device), inputs)
        written = output.write({"registration.md": report.encode(), **plots, **panels}, record)
    links = "\n".join(f"![{_ALT[name]}](images/{name})\n" for name in plots)
    written += write_page(page, f"{report}\n{links}", plots)
    if as_json:
        printing.print_json({"masks": masks, "methods": registration_figures(evaluations)}, written)
        return
    say(report)
    printing.print_files(written)


_ALT = {
    "registration-losses.png": "Transformed against original loss",
    "registration-robustness.png": "Error against rotation, magnification, roll and noise",
}


def _real_images(
    data: Path, spacing_mm: float | None, limit: int | None, masks: str
) -> tuple[list[LabelledJoint], float, str]:
    """Return the images of joints with at least two visits, their pixel size in mm, and a description."""
    from napari_jsn.common.errors import InputError
    from napari_jsn.evaluation.registration.paper_figures import by_joint
    from napari_jsn.segmentation.training import public_joints
    from napari_jsn.segmentation.training.folder import labelled_joints

    visits = by_joint(labelled_joints(data, "test"))
    public = public_joints.are_public(visits)
    if spacing_mm is None and not public:
        raise InputError("The pixel size of these images is not known. Give it in mm.", "spacing_mm")
    groups = [group for group, images in visits.items() if len(images) > 1][:limit]
    images = [image for group in groups for image in visits[group]]
    if not images:
        raise InputError(
            f"{data.name} holds no joint with two visits. Put the visits of each joint into one folder.", "data"
        )
    with_masks = "with the experts' masks, " if masks == "experts" else ""
    description = f"{len(images)} images of {len(groups)} " + (
        f"public MCP joints that no model was trained on, {with_masks}0.087 mm per pixel by convention"
        if public
        else "joints"
    )
    return images, public_joints.SPACING_MM if spacing_mm is None else spacing_mm, description


def _learned(methods: list[str], images: list[LabelledJoint]) -> list[str]:
    """Return for each network what it did with the images."""
    from napari_jsn.evaluation.learned import by_learned, learned_from, sentence
    from napari_jsn.networks import weights
    from napari_jsn.networks.inputs import content_hash

    lines = []
    for method in methods if images else ():
        if not method.startswith("network"):
            continue
        path = weights.find("registration", method.partition(":")[2] or "default").with_suffix(".json")
        card = weights.read_card(path)
        kinds = [learned_from(card, path, content_hash(each.image)) for each in images]
        lines += [
            f"`{method}`: {sentence(kind, [each.name for each in chosen])}"
            for _, kind, chosen in by_learned("", images, kinds)
        ]
    return lines


def _panels(images: list[LabelledJoint], spacing_mm: float, method: str, device: str | None) -> dict[str, bytes]:
    """Return Fig. 6 of the paper, as PNG files, for the pairs with the best, median and worst ratio of the losses."""
    from napari_jsn.evaluation.registration.paper_figures import all_visit_pairs, by_joint, register_pairs
    from napari_jsn.export.figure import png_bytes, registration_figure
    from napari_jsn.registration.register import register

    pairs = [pair for pair in all_visit_pairs(by_joint(images)) if (pair.first, pair.second) == (0, 1)][:40]
    if not pairs:
        return {}
    results, _ = register_pairs(pairs, spacing_mm, method, device)
    order = sorted(range(len(results)), key=lambda k: results[k].transformed_loss / results[k].original_loss)
    pictures = {}
    for name, k in (("best", order[0]), ("median", order[len(order) // 2]), ("worst", order[-1])):
        fixed, moving = pairs[k].fixed, pairs[k].moving
        result = register(
            fixed.image, moving.image, fixed.masks, moving.masks, spacing_mm, method=method, device=device
        )
        figure = registration_figure(
            fixed.image, moving.image, result, spacing_mm, spacing_mm, f"{pairs[k].group}, {name}"
        )
        pictures[f"panels-{name}.png"] = png_bytes(figure)
    return pictures
