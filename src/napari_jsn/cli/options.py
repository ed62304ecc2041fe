"""Names of command-line options for error messages, and the options for pixel size and threads."""

from __future__ import annotations

from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Command-line option for each argument of library functions.
OPTIONS = {
    "fixed": "FIXED",
    "moving": "MOVING",
    "fixed_masks": "--fixed-mask",
    "moving_masks": "--moving-mask",
    "spacing_mm": "--spacing-mm",
    "moving_spacing_mm": "--moving-spacing-mm",
    "method": "--method",
    "device": "--device",
    "baseline": "BASELINE",
    "followup": "FOLLOWUP",
    "dicom": "--dicom",
    "patient": "--patient",
    "localization": "--joints-model",
    "segmentation": "--bones-model",
    "out": "--out",
    "joint": "--joint",
    "side": "--side",
    "jsn_mm": "--jsn-mm",
    "patients": "--patients",
    "visits": "--visits",
    "hands": "--hands",
    "interval_days": "--interval-days",
    "seed": "--seed",
    "form": "--format",
    "shape": "--rows, --columns",
    "task": "TASK",
    "data": "--data",
    "preset": "--preset",
    "epochs": "--epochs",
    "resume": "--resume",
    "start": "--start",
    "name": "--name",
    "model": "--model",
    "table": "TABLE",
    "truth": "--truth",
    "visit": "--visit",
}


def parse_spacing(text: str | None, option: str) -> Spacing:
    """Return the pixel size that was given with an option; None if it was not given.

    Raises
    ------
    InputError
        If the pixel size is not a positive number.
    """
    try:
        spacing: float | str | None = None if text is None else float(text)
    except ValueError:
        spacing = text  # check_spacing raises the error, with the same message as for a wrong number
    return check_spacing(spacing, option)


def set_threads(threads: int | None) -> None:
    """Set the number of CPU threads of this process; None does not change it."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
