"""Names of options in error messages, and the options for pixel size, joints and threads."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from napari_jsn.common.errors import InputError, renamed_arguments

if TYPE_CHECKING:
    from napari_jsn.radiograph.spacing import Spacing


Json = Annotated[bool, typer.Option("--json", help="Print the results as JSON instead of tables.")]


Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute. auto: a CUDA GPU if there is one, else the CPU.")
]


class Supplies:
    """Names of library arguments that a parameter of a command supplies; it is part of the parameter's annotation.

    An error about one of them then names the parameter. A parameter supplies the argument of its own name anyway.
    """

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments


def shown_names(command: Any) -> dict[str, str]:
    """Return what a command shows for each library argument that its parameters supply.

    Parameters
    ----------
    command : click.Command

    Returns
    -------
    dict of str to str
        ``{"spacing_mm": "--spacing-mm", "followup": "RADIOGRAPHS", "shape": "--rows, --columns", ...}``
    """
    annotations = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    shown: dict[str, list[str]] = {}
    for parameter in command.params:
        name = parameter.opts[0] if parameter.opts[0].startswith("-") else (parameter.metavar or "").strip("[]")
        extras = getattr(annotations.get(parameter.name), "__metadata__", ())
        supplied = {
            parameter.name,
            *(each for extra in extras if isinstance(extra, Supplies) for each in extra.arguments),
        }
        for argument in supplied if name else ():
            shown.setdefault(argument, []).append(name)
    return {argument: ", ".join(names) for argument, names in shown.items()}


def error_text(error: InputError, command: Any) -> str:
    """Return the message of an error after the name that the command shows for its argument.

    Where the message itself names the argument as Python does (``spacing_mm``), the option is named instead.
    """
    argument = error.argument or ""
    name = shown_names(command).get(argument)
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
