"""The command ``napari-jsn evaluate registration``: the experiments of Wang et al. 2023 on registration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_jsn.segmentation.training.data import LabelledJoint

#: The methods that are compared.
_METHODS = ("refined", "network", "pipoc")


def registration(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="[DATA]", help="Joint images and their masks, the visits of a joint in a folder each."),
    ] = None,
    spacing_mm: Annotated[
        float | None, typer.Option(metavar="MM", help="Pixel size of these images; that of the public joints is known.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(help="refined, network, network:NAME or pipoc; repeatable. By default the three."),
    ] = None,
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs of each known motion.")] = 400,
    simulated: Annotated[int, typer.Option(min=0, help="How many simulated pairs.")] = 150,
    joints: Annotated[
        int | None, typer.Option(min=1, help="At most so many of the real joints; by default all.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda if there is one.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for tables, plots, and panels of best, median and worst pairs.")
    ] = Path("output/registration"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A page (Markdown) in which to renew the tables and plots.")
    ] = None,
) -> None:
    """Measure how well registration does: between visits, where the truth is known, and how much it endures.

    Of the public joints that the shipped network learned from, only those that it never saw are taken.
    """
    from napari_jsn.cli import printing
    from napari_jsn.cli.train import typed_command
    from napari_jsn.common.errors import InputError
    from napari_jsn.common.files import check_folder, write_files
    from napari_jsn.evaluation.registration.plots import plots
    from napari_jsn.evaluation.registration.report import Sizes, evaluate, tables
    from napari_jsn.evaluation.segmentation.report import renewed
    from napari_jsn.registration.methods import load_method

    methods = list(method or _METHODS)
    for name in methods:  # told before long work
        load_method(name)
    check_folder(out)
    if data is None and not simulated:
        raise InputError("There is nothing to measure on. Give a folder, or a number of simulated pairs.", "data")
    real, mm, told = ([], float("nan"), "") if data is None else _real(data, spacing_mm, joints)
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    sizes = Sizes(pairs, simulated, min(40, pairs), min(24, pairs))
    with printing.spinner("Registering"):
        found = evaluate(methods, real, mm, sizes, device)
        made = plots(found)
        panels = _panels(real, mm, methods[0], device)
    measured = f"Made by `{typed_command(sys.argv)}`.\n\n{tables(found, told)}"
    written = write_files(out, {"registration.md": measured.encode(), **made, **panels})
    if page is not None:
        links = "\n".join(f"![{_ALT[name]}](images/{name})\n" for name in made)
        text = page.read_text("utf-8") if page.is_file() else ""
        written += write_files(page.parent / "images", made)
        written += write_files(page.parent, {page.name: renewed(text, f"{measured}\n{links}").encode()})
    print(measured)
    printing.print_files(written)


_ALT = {
    "registration-losses.png": "Transformed against original loss",
    "registration-robustness.png": "Error against turn, magnification and roll",
}


def _real(data: Path, spacing_mm: float | None, most: int | None) -> tuple[list[LabelledJoint], float, str]:
    """Images, their pixel size, and what they are."""
    from napari_jsn.common.errors import InputError
    from napari_jsn.evaluation.registration.paper_figures import by_joint
    from napari_jsn.segmentation.training import public_joints
    from napari_jsn.segmentation.training.data import labelled_joints

    found = by_joint(labelled_joints(data, "test"))
    public = public_joints.are_public(found)
    if spacing_mm is None and not public:
        raise InputError("The pixel size of these images is not known. Give it in mm.", "spacing_mm")
    groups = [group for group, visits in found.items() if len(visits) > 1][:most]
    images = [each for group in groups for each in found[group]]
    if not images:
        raise InputError(
            f"{data.name} holds no joint that was seen twice. Keep the visits of a joint in one folder.", "data"
        )
    told = f"{len(images)} images of {len(groups)} " + (
        "public MCP joints that nothing was trained on, with the experts' masks, 0.087 mm a pixel by convention"
        if public
        else "joints"
    )
    return images, spacing_mm or public_joints.SPACING_MM, told


def _panels(real: list[LabelledJoint], spacing_mm: float, method: str, device: str | None) -> dict[str, bytes]:
    """Fig. 6 of the paper for the pair whose loss fell most, about half as many, and least."""
    from napari_jsn.evaluation.registration.paper_figures import all_pairs, ask, by_joint
    from napari_jsn.export.figure import png_bytes, registration_figure
    from napari_jsn.registration.register import register

    asked = [pair for pair in all_pairs(by_joint(real)) if (pair.first, pair.second) == (0, 1)][:40]
    if not asked:
        return {}
    told, _ = ask(asked, spacing_mm, method, device)
    order = sorted(range(len(told)), key=lambda k: told[k].transformed_loss / told[k].original_loss)
    made = {}
    for name, k in (("best", order[0]), ("median", order[len(order) // 2]), ("worst", order[-1])):
        fixed, moving = asked[k].fixed, asked[k].moving
        found = register(fixed.image, moving.image, fixed.masks, moving.masks, spacing_mm, method=method, device=device)
        title = f"{asked[k].group}, {name}"
        figure = registration_figure(fixed.image, moving.image, found, spacing_mm, spacing_mm, title)
        made[f"panels-{name}.png"] = png_bytes(figure)
    return made
