"""Names of command-line options for error messages, and the options for pixel size and threads."""

from __future__ import annotations

from typing import Any

from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Parameters of commands, for arguments of library functions that have another name.
_RENAMED = {
    "fixed_masks": ("fixed_mask",),
    "moving_masks": ("moving_mask",),
    "baseline": ("radiographs",),
    "followup": ("radiographs",),
    "localization": ("joints_model",),
    "segmentation": ("bones_model",),
    "form": ("format",),
    "shape": ("rows", "columns"),
}


def option_of(argument: str, command: Any) -> str:
    """Return the name that a command shows for an argument of a library function: ``"--spacing-mm"``, ``"TABLE"``.

    Empty if the command has no such parameter.

    Parameters
    ----------
    argument : str
        Name of the argument, as in an InputError.
    command : click.Command
        The command that was run.
    """
    shown = {each.name: each.opts[0] if each.opts[0].startswith("-") else each.metavar for each in command.params}
    names = _RENAMED.get(argument, (argument,))
    return ", ".join(shown[name].strip("[]") for name in names if shown.get(name))


def parse_spacing(text: str | None, option: str) -> Spacing:
    """Return the pixel size that was given with an option; None if it was not given.

    Raises
    ------
    InputError
        If the pixel size is not a positive number.
    """
    try:
        spacing: float | str | None = None if text is None else float(text)
    except ValueError:
        spacing = text  # check_spacing raises the error, with the same message as for a wrong number
    return check_spacing(spacing, option)


def set_threads(threads: int | None) -> None:
    """Set the number of CPU threads of this process; None does not change it."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
