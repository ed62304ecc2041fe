"""Choose the device on which networks run."""

from __future__ import annotations

from napari_jsn.common.errors import InputError


def device_name(device: str | None) -> str:
    """Return the checked name of a device; by default ``"cuda"`` where there is a GPU, else ``"cpu"``.

    Raises
    ------
    InputError
        If the device does not exist.
    """
    import torch

    if device is None or device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise InputError(f"There is no device {device!r}. Choose cpu or cuda.", "device")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("There is no CUDA GPU that torch can use. Choose cpu.", "device")
    return device
