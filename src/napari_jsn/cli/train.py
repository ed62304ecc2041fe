"""The command ``napari-jsn train``: train a network on the user's own images, or resume a stopped training."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_jsn.cli.options import Layout, Supplies, Threads
from napari_jsn.cli.terminal import EXIT_STOPPED, say, terminal_progress
from napari_jsn.common.errors import InputError
from napari_jsn.common.progress import Aborted

if TYPE_CHECKING:
    from napari_jsn.networks.task import Task
    from napari_jsn.training.train import Trained

_NOTHING_WRITTEN = "Stopped before the training began. Nothing was written."


def train(
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="[TASK]",
            help="Task to train: segmentation (the default), localization, registration or scoring.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "--images",
            metavar="FOLDER",
            help="Images and their masks: NAME_mask.png, or NAME.png beside NAME.jpg; for scoring, a folder of "
            "radiographs for each patient. By default simulated images.",
        ),
        Supplies("path", "folder", "spacing_mm", "radiograph", "radiographs", "joint_images"),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Table of patients (columns file and patient): images of one patient are all trained on, or none.",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="For scoring: readers' scores of the radiographs, with the names of the folders as patients.",
        ),
        Supplies("table", "mark", "site", "kind", "grade", "not_scored"),
    ] = None,
    layout: Layout = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="ram-h1200", help="FOLDER is this public data set: its scores, or its bones.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Network and training recipe: default, paper (as published, for a GPU), or one-stage (of scoring)."
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Number of epochs, 1 or more; by default that of the preset.")
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            metavar="auto|cpu|cuda",
            help="Where to compute. auto: all CUDA GPUs, else the CPU; cuda: all GPUs; cuda:0: the first one.",
        ),
    ] = "auto",
    threads: Threads = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the random numbers; by default 0.")] = None,
    start: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Start from the weights of this model."), Supplies("model")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Resume a stopped training from its resume file (.ckpt).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the model; by default the folder of your models, which are listed in all menus.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a finished model of that name.")] = False,
    pairs: Annotated[
        str | None,
        typer.Option(
            help="Which visits of a joint a training of registration pairs: all, or paper (by the middle index)."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="jsn|erosion",
            help="For scoring: train the network for this kind only; the other stays as it is in the model of --start.",
        ),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(min=1, help="Train the preset paper of registration so many times, and average the runs."),
    ] = None,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove the simulated images that earlier trainings kept, and exit.")
    ] = False,
) -> None:
    """Train a network and save its best epoch, or with the preset paper its last one, as a model.

    Ctrl-C stops the training and saves that epoch of those so far. A second Ctrl-C stops at once and saves no model.
    SIGTERM, by which batch systems end a job, stops as Ctrl-C does.
    """
    if clear_cache:
        _clear_cache()
        return
    nothing = _NOTHING_WRITTEN if resume is None else f"Stopped before the training went on. {resume.name} is kept."
    with _if_stopped(nothing):  # loading takes seconds
        from napari_jsn.cli.options import set_threads
        from napari_jsn.scoring.layouts import check_layout
        from napari_jsn.training.machine import is_first_process, keep_freed_memory
        from napari_jsn.training.options import check_options
        from napari_jsn.training.runs import check_runs, train_runs
        from napari_jsn.training.tasks import check_kind, task_class, task_from_folder, task_to_resume
        from napari_jsn.training.train import StoppedAtOnce, check_lightning
        from napari_jsn.training.train import train as train_task

        check_lightning()
        set_threads(threads)
        if "train" in sys.argv[1:2]:  # a process that ends with the training
            keep_freed_memory()
        groups = _table_of(task, groups, scores, dataset)
        check_layout(layout, resume is not None or (task == "scoring" and dataset is None))
        if scores is not None and data is None and resume is None:
            raise InputError("The radiographs of the scores are needed. Give their folder with --images.")
        if dataset is not None:
            from napari_jsn.scoring.training.ram_h1200_hands import check_dataset

            check_dataset(dataset, task or "segmentation", data)
        new = task or "segmentation", preset or "default"
        if runs is not None and (resume is not None or start is not None):
            raise InputError("Runs begin from random weights and resume by themselves. Leave --runs out.", "runs")
        if resume is None:
            task_class(*new)
            check_kind(*new, kind)
        if kind is not None and start is None and resume is None:  # before anything is read or simulated
            raise InputError("One kind alone is trained from the weights of a model. Give it with --start.", "start")
        if runs is not None:
            check_runs(*new, runs, out, name, replace)
        check_options(*new, epochs, device, out, name if runs is None else None, resume, start, seed, replace)
    command = typed_command(sys.argv)
    with terminal_progress(is_first_process(), terminate=True) as progress:
        try:
            with progress.at_once():
                progress.update(0, 0, "Preparing the images")
                if resume is None:
                    task, preset = task or "segmentation", preset or "default"
                    made = task_from_folder(
                        task, data, preset, pairs, groups, progress=progress, kind=kind, layout=layout
                    )
                else:
                    made = task_to_resume(resume, task, data, preset, pairs, groups, progress, kind=kind, layout=layout)
            _print_inputs(made)
            if runs is None:
                trained = train_task(
                    made, epochs, device, out, name, resume, start, seed, progress, command=command, replace=replace
                )  # fmt: skip
            else:
                trained = train_runs(made, runs, epochs, device, out, name, seed, progress, command, replace)
        except StoppedAtOnce as stopped:
            _print_stopped_at_once(stopped.resume)
            raise typer.Exit(progress.exit_code) from None
        except (KeyboardInterrupt, Aborted):  # the latter while patients are simulated
            say(nothing)
            raise typer.Exit(progress.exit_code) from None
    _print_result(trained, in_runs=runs is not None)
    with _if_stopped("The evaluation on the validation patients was stopped. The model above is kept."):
        _print_validation(made, trained)
    if not trained.finished:
        raise typer.Exit(1 if trained.resume is None and trained.path else progress.exit_code)


@contextmanager
def _if_stopped(sentence: str) -> Iterator[None]:
    """Print a sentence and exit where Ctrl-C stops the block."""
    try:
        yield
    except KeyboardInterrupt:
        say(sentence)
        raise typer.Exit(EXIT_STOPPED) from None


def _table_of(task: str | None, groups: Path | None, scores: Path | None, dataset: str | None) -> Path | None:
    """Return the table of the patients of a training; readers' scores name the patients too."""
    if scores is None:
        return groups
    if task != "scoring":
        raise InputError(
            "A table of scores belongs to a training of scoring. Name that task, or leave it out.", "scores"
        )
    if groups is not None:
        raise InputError("The table of scores names the patients. Leave --groups out.", "groups")
    if dataset is not None:
        raise InputError(f"{dataset} has scores of its own. Leave --scores out, or --dataset.", "scores")
    return scores


def _clear_cache() -> None:
    from napari_jsn.networks.cached_arrays import clear_cache

    folder, count, size = clear_cache()
    say(f"Removed {count} {'file' if count == 1 else 'files'} ({size / 1e6:.0f} MB) from {folder}.")


def _print_inputs(task: Task) -> None:
    """Print how many images are used, and what is left out and why."""
    from napari_jsn.cli.terminal import is_quiet, one_line
    from napari_jsn.networks.inputs import inputs_of
    from napari_jsn.training.machine import is_first_process

    if is_first_process() and not is_quiet():
        for line in inputs_of(task).lines():
            say(one_line(line))


def _print_stopped_at_once(resume: Path | None) -> None:
    say("Stopped at once, in the middle of an epoch. No model was saved.")
    if resume is not None:
        say(f"The state after the last full epoch is kept. Resume with: {_resume_command(resume)}")


def _resume_command(resume: Path) -> str:
    return f"napari-jsn train --resume {shlex.quote(str(resume))}"


def typed_command(words: list[str]) -> str:
    """Return the command line as text for a model card; absolute paths are shortened to the file name."""
    kept = [Path(word).name if os.path.isabs(word) else word for word in words[1:]]
    kept = [
        f"{option}={Path(value).name}" if option.startswith("-") and os.path.isabs(value) else word
        for word in kept
        for option, _, value in [word.partition("=")]
    ]
    return shlex.join(["napari-jsn", *kept])


def _print_validation(task: Task, trained: Trained) -> None:
    """Print how a network for scores grades the validation patients, next to the agreement of their readers."""
    from napari_jsn.training.machine import is_first_process

    validated = getattr(task, "validated", None)
    if validated is None or trained.path is None or not is_first_process():
        return
    from napari_jsn.evaluation.scoring.own import validation_lines

    say("\n" + "\n".join(validation_lines(validated, str(trained.path), trained.card["device"])))


def _print_result(trained: Trained, in_runs: bool) -> None:
    """Print the result and the files that were written."""
    from napari_jsn.networks import weights
    from napari_jsn.training.machine import is_first_process

    if not is_first_process():
        return
    done = len(trained.history)
    runs = trained.card.get("runs", ())
    if runs:
        say(f"Averaged {len(runs)} runs: {', '.join(run['name'] for run in runs)}.")
        say(f"\nModel {trained.card['name']!r}: {trained.path}")
        return
    say(trained.reason or f"Trained {'1 epoch' if done == 1 else f'{done} epochs'}.")
    if trained.path is not None:
        best = trained.card["epochs"]["best"]
        last = trained.card["epochs"].get("kept") == "last"
        say(f"Last epoch, which is kept: {best}" if last else f"Best epoch: {best}")
        for name, figure in trained.card["figures"].items():
            if isinstance(figure, dict):
                values = ", ".join(f"{part} {value:.4f}" for part, value in figure.items())
                say(f"{name}: {values} (n = {trained.card['figures']['samples']})")
        say(f"\nModel {trained.card['name']!r}: {trained.path}")
        if weights.STATEMENT in trained.card:  # of a network that grades damage
            say(str(trained.card[weights.STATEMENT]))
        say(f"Card and curves beside it: {', '.join(trained.path.stem + end for end in ('.json', '.csv', '.png'))}")
    if trained.resume is not None and in_runs:
        say("Resume with the same command: it keeps the finished runs and continues this one.")
    elif trained.resume is not None:
        say(f"Resume with: {_resume_command(trained.resume)}")
