"""Choose the device that networks and registration run on, and use less memory where a GPU has too little."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from napari_jsn.common.errors import InputError

if TYPE_CHECKING:
    import torch

    from napari_jsn.common.progress import Progress

log: logging.Logger = logging.getLogger(__name__)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


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


def compute_in_batches(
    items: Sequence[_Item],
    size: int,
    device: torch.device | str,
    compute: Callable[[Sequence[_Item], torch.device], list[_Result]],
    progress: Progress,
    message: str,
) -> list[_Result]:
    """Return the results of all items, computed in batches; after an abort, those of the finished batches.

    Where the memory of a GPU is full, the batches are halved. Where it is too small for one item, the rest is computed
    on the CPU. Both are logged as warnings.

    Parameters
    ----------
    items : sequence
    size : int
        Items in a batch.
    device : torch.device or str
    compute : callable
        Returns the results of a batch on a device.
    progress : Progress
        Updated after every batch.
    message : str
    """
    import torch

    results: list[_Result] = []
    used, batch = torch.device(device), size
    while len(results) < len(items) and not progress.aborted:
        try:
            found = compute(items[len(results) : len(results) + batch], used)
        except torch.OutOfMemoryError:
            if used.type == "cpu":
                raise
            used, batch = _with_less_memory(used, batch, size)
            continue
        results += found
        progress.update(len(results), len(items), message)
    return results


def _with_less_memory(device: torch.device, batch: int, size: int) -> tuple[torch.device, int]:
    """Return the device and the number of items for the next try."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if batch > 1:
        log.warning("The memory of the GPU is full: %d are computed at once instead of %d.", batch // 2, batch)
        return device, batch // 2
    log.warning("The memory of the GPU is too small: the rest is computed on the CPU.")
    return torch.device("cpu"), size
