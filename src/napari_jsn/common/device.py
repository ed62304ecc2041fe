"""The device that networks run on."""

from __future__ import annotations

from napari_jsn.common.errors import InputError


def device_name(device: str | None) -> str:
    """``"cpu"`` or ``"cuda"``, the choice where none is named.

    Raises
    ------
    InputError
        If there is no such device.
    """
    import torch

    if device is None or device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise InputError(f"There is no device {device!r}. Choose cpu or cuda.", "device")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("There is no CUDA GPU that torch can use. Choose cpu.", "device")
    return device
