"""The one error that users meet, and how errors of other libraries become part of it."""

from __future__ import annotations

from pathlib import Path


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


def damaged_file(path: Path, error: Exception) -> InputError:
    """Return the error for a file that cannot be decoded."""
    return InputError(f"{path} is damaged or incomplete ({cause(error)}). Export or copy it again.", "path")


def cause(error: Exception) -> str:
    """Return the first informative line of an error of another library, for use inside a sentence."""
    lines = (" ".join(line.split()).rstrip(".") for line in str(error).splitlines())
    return next((line for line in lines if line and not line.endswith(":")), type(error).__name__)
