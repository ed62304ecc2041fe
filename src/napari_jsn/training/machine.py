"""Choose the processor to train on, as arguments of Lightning."""

from __future__ import annotations

import os
import sys
from typing import Any

from napari_jsn.common.errors import InputError

#: Settings of glibc's ``mallopt``, with their numbers in malloc.h: no blocks of their own, which are returned when they
#: are freed; the most free memory that is kept (the largest number it takes); and how much is taken at once.
_MALLOC = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 2**31 - 1), "M_TOP_PAD": (-2, 2**28)}


def trainer_arguments(device: str | None = None) -> dict[str, Any]:
    """Return the ``accelerator``, ``devices`` and ``strategy`` of a Lightning trainer.

    Parameters
    ----------
    device : str, optional
        ``"cpu"``; ``"cuda"`` for all GPUs, ``"cuda:1"`` for one, ``"cuda:0,1"`` for two. By default all GPUs, or the
        CPU if there is none. A command or a script can use several GPUs: Lightning starts it again for each of them.
        A notebook or a window uses the first one only.

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
        raise InputError(f"There is no GPU {chosen[-1]}. Choose one from 0 to {gpus - 1}.", "device")
    if not listed and not _is_script():
        chosen = chosen[:1]
    return {"accelerator": "cuda", "devices": chosen, "strategy": "ddp" if len(chosen) > 1 else "auto"}


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees; return whether the platform can.

    A training step on the CPU frees and takes again some hundred megabytes in large blocks. By default the C library
    of Linux returns each of them to the system, whose new pages are then cleared one by one, in up to a third of the
    time of a step.
    """
    import ctypes

    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # a C library other than glibc
        return False
    return all(mallopt(key, value) == 1 for key, value in _MALLOC.values())


def is_first_process() -> bool:
    """Return False in the other processes that Lightning starts for several GPUs."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def _is_script() -> bool:
    """Return whether the command line of this process can be started again without opening a window."""
    qt = any(name in sys.modules for name in ("qtpy", "IPython"))
    return not qt and bool(sys.argv[0]) and os.path.exists(sys.argv[0])
