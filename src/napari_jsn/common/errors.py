"""The one error that users meet, and how errors of other libraries become part of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn


class InputError(ValueError):
    """An input that cannot be used; the message is a sentence for the user.

    Parameters
    ----------
    message : str
        What is wrong with which input, and what to do.
    argument : str, optional
        Name of the argument (``"fixed"``, ``"moving_spacing_mm"``, ...), by which the command names its option and a
        widget marks its field.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> try:
    ...     jsn.sample_folder("knee")
    ... except jsn.InputError as error:
    ...     print(error, error.argument)
    There is no sample 'knee'. Choose one of: hand_pair, both_hands. name
    """

    def __init__(self, message: str, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


def run_module(main: Callable[[], int | None]) -> NoReturn:
    """Run the function of a command ``python -m ...``, and exit: with 2 and the message for an input error.

    Parameters
    ----------
    main : callable
        Returns the exit status, None for 0.
    """
    try:
        status = main()
    except InputError as error:
        print(error, file=sys.stderr)
        status = 2
    raise SystemExit(status)


@contextmanager
def renamed_arguments(**names: str) -> Iterator[None]:
    """Replace the names of arguments in errors of called functions by the names that the caller has for them.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> from napari_jsn.common.errors import renamed_arguments
    >>> try:
    ...     with renamed_arguments(path="fixed_mask"):
    ...         jsn.read_masks("none.png")
    ... except jsn.InputError as error:
    ...     print(error.argument)
    fixed_mask
    """
    try:
        yield
    except InputError as error:
        if error.argument not in names:
            raise
        raise InputError(str(error), names[error.argument]) from error


def damaged_file(path: Path, argument: str = "path") -> InputError:
    """Return the error for a file that cannot be decoded; raise it from the error of the library, for ``--debug``."""
    return InputError(f"{path} is damaged or incomplete, and cannot be decoded. Export or copy it again.", argument)


def too_large(path: Path, size: str) -> InputError:
    """Return the error for a file that would need too much memory."""
    return InputError(
        f"{path} {size}, more than one radiograph can have. Check the file, or export one image of the hand alone.",
        "path",
    )
