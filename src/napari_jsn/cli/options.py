"""Options: names in error messages, pixel size, joints and threads, and what ``run.json`` records of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from napari_jsn.common.errors import InputError, renamed_arguments

if TYPE_CHECKING:
    from napari_jsn.common.output_folder import OutputFolder
    from napari_jsn.radiograph.spacing import Spacing


Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON instead of tables.")]


def _checked_device(name: str) -> str:
    """Refuse what names no device before anything is read; whether it exists is checked where it is used."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise InputError(f"There is no device {name!r}. Choose one of: auto, cpu, cuda.", "device")
    return name


Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda",
        help="Where to compute. auto: a CUDA GPU if there is one, else the CPU.",
        callback=_checked_device,
    ),
]

Threads = Annotated[int | None, typer.Option(min=1, help="Number of CPU threads; by default all.")]

KeepIdentity = Annotated[
    bool, typer.Option("--keep-identity", help="Write the patient's identity from the input files into the results.")
]

Layout = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Layout of the table of scores: long, svdh-hands, svdh-fingers, talk-15, ram-h1200, or a mapping file; by "
        "default it is recognised.",
    ),
]

WideMm = Annotated[
    float,
    typer.Option(metavar="MM", help="Half width of the 95 % interval above which the state of a figure is wide."),
]

#: Name and options of the command that is run.
_run: ContextVar[tuple[str, Mapping[str, Any]]] = ContextVar("_run", default=("", {}))


@contextmanager
def running(command: str, options: Mapping[str, Any]) -> Iterator[None]:
    """State the command that the block runs and its options by the names of their parameters."""
    token = _run.set((command, options))
    try:
        yield
    finally:
        _run.reset(token)


@contextmanager
def output_folder(out: Path | None, names: Iterable[str] = (), argument: str = "out") -> Iterator[OutputFolder | None]:
    """Open the folder for the results before the long work, and keep other runs out of it; None without a folder."""
    from napari_jsn.common.output_folder import OutputFolder

    if out is None:
        yield None
        return
    with OutputFolder(out, names, argument) as output:
        yield output


def record_of_run(
    output: OutputFolder,
    models: Mapping[str, str] = {},  # noqa: B006  # is not changed
    device: str = "",
    inputs: Iterable[Mapping[str, Any]] = (),
    keep_identity: bool = False,
    statement: str = "",
) -> dict[str, Any]:
    """Return the record of the command that is run; see :func:`napari_jsn.common.run_record.run_record`."""
    from napari_jsn.common.run_record import run_record

    command, given = _run.get()
    options = {name.replace("_", "-"): _without_password(value) for name, value in given.items() if name != "as_json"}
    return run_record(command, options, models, device, inputs, output.seconds, keep_identity, statement)


def _without_password(value: Any) -> Any:
    """Return the value of an option; the password in a URL is replaced."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1:***@", value) if isinstance(value, str) else value


def joined(identities: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the models of several methods by task, each once; those of one task are separated by commas."""
    by_task: dict[str, list[str]] = {}
    for each in identities:
        for task, identity in each.items():
            by_task.setdefault(task, []).append(identity)
    return {task: ", ".join(dict.fromkeys(found)) for task, found in by_task.items()}


class Supplies:
    """Names of library arguments that a parameter of a command supplies; it is part of the parameter's annotation.

    An error about one of them then names the parameter. A parameter supplies the argument of its own name anyway.
    """

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments


Pseudonym = Annotated[
    str | None,
    typer.Option(
        metavar="PSEUDONYM",
        help="Pseudonym of the patient in the results; by default P and eight digits made of the identity.",
    ),
    Supplies("patient_id"),
]

JointsModel = Annotated[
    str, typer.Option(metavar="MODEL", help="Model that finds the joints: name or file."), Supplies("localization")
]

BonesModel = Annotated[
    str, typer.Option(metavar="MODEL", help="Model that segments the bones: name or file."), Supplies("segmentation")
]


def shown_names(command: Any, words: Iterable[str] = ()) -> dict[str, str]:
    """Return what a command shows for each library argument that its parameters supply.

    Parameters
    ----------
    command : click.Command
    words : iterable of str
        The words of the command line: of an option with several names, the one that was typed is shown.

    Returns
    -------
    dict of str to str
        ``{"spacing_mm": "--spacing-mm", "followup": "RADIOGRAPHS", "shape": "--rows, --columns", ...}``
    """
    annotations = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    shown: dict[str, list[str]] = {}
    typed = {word.partition("=")[0] for word in words}
    for parameter in command.params:
        option = next((each for each in parameter.opts if each in typed), parameter.opts[0])
        name = option if parameter.opts[0].startswith("-") else (parameter.metavar or "").strip("[]")
        extras = getattr(annotations.get(parameter.name), "__metadata__", ())
        supplied = {
            parameter.name,
            *(each for extra in extras if isinstance(extra, Supplies) for each in extra.arguments),
        }
        for argument in supplied if name else ():
            shown.setdefault(argument, []).append(name)
    return {argument: ", ".join(names) for argument, names in shown.items()}


def error_text(error: InputError, command: Any, words: Iterable[str] = ()) -> str:
    """Return the message of an error after the name that the command shows for its argument.

    Where the message itself names the argument as Python does (``spacing_mm``), the option is named instead.
    """
    argument = error.argument or ""
    name = shown_names(command, words).get(argument)
    if name is None:
        return str(error)
    option = f"--{argument.replace('_', '-')}"
    text = re.sub(rf"(?<![\w./-]){argument}(?![\w/-]|\.\w)", option, str(error)) if "_" in argument else str(error)
    return f"{name}: {text if name == option else error}"


def parse_spacing(text: str | None, option: str) -> Spacing:
    """Return the pixel size that was given with an option; None if it was not given.

    Raises
    ------
    InputError
        If the pixel size is not a positive number.
    """
    from napari_jsn.radiograph.spacing import check_spacing

    try:
        spacing: float | str | None = None if text is None else float(text)
    except ValueError:
        spacing = text  # check_spacing raises the error, with the same message as for a wrong number
    with renamed_arguments(**{option: option.strip("-").replace("-", "_")}):
        return check_spacing(spacing, option)


def parse_joints(words: list[str] | None) -> tuple[str, ...]:
    """Return the joints that are named on the command line, in anatomical order; None gives those measured by default.

    Parameters
    ----------
    words : list of str, optional
        Names (``MCP2``), ranges (``DIP2-5``), kinds (``DIP``) or ``all``, also several in one word with commas.

    Raises
    ------
    InputError
        If a word names no joint.
    """
    from napari_jsn.anatomy import JOINTS, MEASURED_JOINTS

    if words is None:
        return MEASURED_JOINTS
    wanted: set[str] = set()
    for word in (part.strip() for given in words for part in given.split(",")):
        matched = [joint for joint in JOINTS if _is_named(joint, word.upper())]
        if not matched:
            raise InputError(
                f"There is no finger joint {word!r}. Give names (MCP1-5, IP1, PIP2-5, DIP2-5), kinds (MCP, IP, PIP, "
                "DIP) or all, separated by commas.",
                "joints",
            )
        wanted.update(matched)
    return tuple(joint for joint in JOINTS if joint in wanted)


def _is_named(joint: str, word: str) -> bool:
    kind, ray = joint[:-1], joint[-1]
    named = re.fullmatch(r"([A-Z]+)(?:([1-5])(?:-([1-5]))?)?", word)
    if word == "ALL" or named is None:
        return word == "ALL"
    first, last = named[2] or "1", named[3] or named[2] or "5"
    return kind == named[1] and first <= ray <= last


def set_threads(threads: int | None) -> None:
    """Set the number of CPU threads of this process; None does not change it."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
