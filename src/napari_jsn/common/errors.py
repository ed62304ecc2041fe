"""The one error users see: a sentence that names the input and what to do."""

from __future__ import annotations


class InputError(ValueError):
    """An input that cannot be measured, told in a sentence.

    Parameters
    ----------
    message : str
        What was wrong with which input, and what to do about it.
    argument : str, optional
        The name of the argument (``"fixed"``, ``"moving_spacing_mm"``, ...), so that
        the command can name its option and a widget can mark its field.
    """

    def __init__(self, message: str, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument
