"""Choose the device that networks and registration run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    import torch


def choose_device(name: str | None) -> torch.device:
    """Return the device of that name; by default CUDA where there is one, else the CPU.

    Parameters
    ----------
    name : str or None
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``; None or ``"auto"`` for the default.

    Raises
    ------
    InputError
        If this computer has no such device.
    """
    import torch

    if name is None or name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    choices = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    absent = device is not None and device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    if device is None or device.type not in choices or absent:
        raise InputError(f"There is no device {name!r} here. Choose one of: {', '.join(choices)}.", "device")
    return device


def device_name(name: str | None) -> str:
    """Return the name of the device that :func:`choose_device` returns."""
    return str(choose_device(name))
