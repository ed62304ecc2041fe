"""How a file that a decoder choked on is told to the user."""

from __future__ import annotations

from pathlib import Path

from napari_jsn.common.errors import InputError


def damaged(path: Path, error: Exception) -> InputError:
    """The refusal of a file that cannot be parsed."""
    return InputError(f"{path} is damaged or incomplete ({reason(error)}). Export or copy it again.", "path")


def reason(error: Exception) -> str:
    """The first line of an error that says something, for use inside a sentence."""
    lines = (" ".join(line.split()).rstrip(".") for line in str(error).splitlines())
    return next((line for line in lines if line and not line.endswith(":")), type(error).__name__)
