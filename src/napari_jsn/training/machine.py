"""Which processor trains, in Lightning's words."""

from __future__ import annotations

import os
import sys
from typing import Any

from napari_jsn.common.errors import InputError


def trainer_arguments(device: str | None = None) -> dict[str, Any]:
    """The ``accelerator``, ``devices`` and ``strategy`` of a Lightning trainer.

    Parameters
    ----------
    device : str, optional
        ``"cpu"``; ``"cuda"`` for all GPUs, ``"cuda:1"`` for that one, ``"cuda:0,1"`` for these. By default all GPUs
        if there is one, else the CPU. Several GPUs are used by a command or a script, which Lightning then starts
        once more for each of them; in a notebook or a window only the first one is.

    Raises
    ------
    InputError
        If there is no such device.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device in (None, "auto"):
        device = "cuda" if gpus else "cpu"
    kind, _, listed = str(device).partition(":")
    if device == "cpu":
        return {"accelerator": "cpu", "devices": 1, "strategy": "auto"}
    if kind != "cuda" or not all(part.isdecimal() for part in listed.split(",") if listed):
        raise InputError(f"There is no device {device!r}. Choose cpu, cuda or, for one GPU, cuda:0.", "device")
    if not gpus:
        raise InputError("There is no CUDA GPU that torch can use. Choose cpu.", "device")
    chosen = sorted({int(part) for part in listed.split(",")}) if listed else list(range(gpus))
    if chosen[-1] >= gpus:
        raise InputError(f"There is no GPU {chosen[-1]}: they are counted from 0 to {gpus - 1}.", "device")
    if not listed and not _is_script():
        chosen = chosen[:1]
    return {"accelerator": "cuda", "devices": chosen, "strategy": "ddp" if len(chosen) > 1 else "auto"}


def is_first_process() -> bool:
    """False in the further processes that Lightning starts when there are several GPUs."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def _is_script() -> bool:
    """Whether this process can be started once more by its command line without opening a window."""
    qt = any(name in sys.modules for name in ("qtpy", "IPython"))
    return not qt and bool(sys.argv[0]) and os.path.exists(sys.argv[0])
