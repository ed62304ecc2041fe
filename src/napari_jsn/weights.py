"""What the package ships of learned and calibrated things: each has a JSON card that says what it is.

Cards (and, for networks, safetensors files) lie in ``napari_jsn/models``. A card states task, method,
what it was made from and how, and holds the constants or names the weights file.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from napari_jsn.errors import InputError


def cards() -> list[str]:
    """Names of all shipped cards, sorted."""
    names = (item.name for item in files("napari_jsn").joinpath("models").iterdir())
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def card(name: str) -> dict[str, Any]:
    """Read the card of that name.

    Parameters
    ----------
    name : str
        For instance ``"registration-refined"``, the calibration of the method ``refined``.

    Returns
    -------
    dict
        The card; its keys are told in the card itself and by the code that reads it.

    Raises
    ------
    InputError
        If there is no such card; the message lists those that exist.
    """
    names = cards()
    if name not in names:
        raise InputError(f"There is no model card {name!r}. Choose one of: {', '.join(names)}.", "name")
    content: dict[str, Any] = json.loads(files("napari_jsn").joinpath("models", f"{name}.json").read_text("utf-8"))
    return content
