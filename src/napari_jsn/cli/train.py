"""The command ``napari-jsn train``: train a network on the user's own images, or go on where it was stopped."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.terminal import EXIT_STOPPED, terminal_progress

if TYPE_CHECKING:
    from napari_jsn.training.train import Trained


def train(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="What to train: segmentation, localization or registration.")
    ] = "segmentation",
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Images and their masks: NAME.png beside NAME.jpg, or NAME_mask.png."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Network and recipe: default, or paper (that of the paper, for a GPU).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="How many; by default as the preset says.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda (all GPUs) or cuda:0; by default cuda if any.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads to use; by default all.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another training; by default 0.")] = None,
    start: Annotated[str | None, typer.Option(metavar="MODEL", help="Start from this model's weights.")] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on from the resume file (.ckpt) of a stopped training.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the model; by default your models', where every menu finds it."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the model will be called.")] = None,
) -> None:
    """Train a network and keep its best epoch as a model; Ctrl-C stops and keeps the best so far."""
    from napari_jsn.training.machine import is_first_process
    from napari_jsn.training.tasks import task_from_folder
    from napari_jsn.training.train import check_lightning
    from napari_jsn.training.train import train as train_task

    check_lightning()
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    if preset is None:
        preset = "default" if resume is None else _preset_of(resume)
    with terminal_progress(is_first_process()) as progress:
        trained = train_task(
            task_from_folder(task, data, preset), epochs, device, out, name, resume, start, seed, progress,
            command=typed(sys.argv),
        )  # fmt: skip
    _tell(trained, task)
    if not trained.finished:
        raise typer.Exit(1 if trained.resume is None and trained.path else EXIT_STOPPED)


def typed(words: list[str]) -> str:
    """The command as it was typed, for a card that others will read: of whole paths only the last name is kept."""
    kept = [Path(word).name if os.path.isabs(word) else word for word in words[1:]]
    kept = [
        f"{option}={Path(value).name}" if option.startswith("-") and os.path.isabs(value) else word
        for word in kept
        for option, _, value in [word.partition("=")]
    ]
    return shlex.join(["napari-jsn", *kept])


def _preset_of(resume: Path) -> str:
    from napari_jsn.training.resume import read_run

    return str(read_run(resume)["preset"])


def _tell(trained: Trained, task: str) -> None:
    """Say how it went and what was written where."""
    from napari_jsn.training.machine import is_first_process

    if not is_first_process():
        return
    done = len(trained.history)
    print(trained.reason or f"Trained {'1 epoch' if done == 1 else f'{done} epochs'}.")
    if trained.path is not None:
        best = trained.card["epochs"]["best"]
        print(f"Best epoch: {best}")
        for name, figure in trained.card["figures"].items():
            if isinstance(figure, dict):
                told = ", ".join(f"{part} {value:.4f}" for part, value in figure.items())
                print(f"{name}: {told} (n = {trained.card['figures']['samples']})")
        print(f"\nModel {trained.card['name']!r}: {trained.path}")
        print(f"Card and curves beside it: {', '.join(trained.path.stem + end for end in ('.json', '.csv', '.png'))}")
    if trained.resume is not None:
        print(f"Go on with: napari-jsn train {task} --data ... --resume {shlex.quote(str(trained.resume))}")
