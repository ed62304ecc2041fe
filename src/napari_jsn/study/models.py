"""What a study was measured with: models, their hashes, and the device."""

from __future__ import annotations

import json

from napari_jsn import weights
from napari_jsn.errors import InputError


def device_name(device: str | None) -> str:
    """``"cpu"`` or ``"cuda"``, the choice where none is named.

    Raises
    ------
    InputError
        If there is no such device.
    """
    import torch

    there = torch.cuda.is_available()
    if device is None or device == "auto":
        return "cuda" if there else "cpu"
    kind = device.partition(":")[0]
    if kind == "cpu" or (kind == "cuda" and there):
        return device
    raise InputError(f"There is no device {device!r} here. Choose one of: {'cpu, cuda' if there else 'cpu'}.", "device")


def model_identity(task: str, name: str) -> str:
    """Name and first digits of the hash of a model's weights: ``"default 1a2b3c4d5e6f"``.

    Raises
    ------
    InputError
        If there is no such model.
    """
    path = weights.find(task, name)
    try:
        digest = str(json.loads(path.with_suffix(".json").read_text("utf-8")).get("sha256", ""))
    except (OSError, ValueError, AttributeError):
        digest = ""  # what loads the model says what is wrong with its card
    return f"{path.stem.removeprefix(f'{task}-')} {digest[:12]}".strip()
