"""Options that several commands share: their names in error messages, pixel sizes, threads."""

from __future__ import annotations

from napari_jsn.radiograph.spacing import Spacing, check_spacing

#: Option of the command for each argument of the library.
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
    """Return the pixel size that was given for an option; None without one.

    Raises
    ------
    InputError
        If it is not a positive length.
    """
    try:
        spacing: float | str | None = None if text is None else float(text)
    except ValueError:
        spacing = text  # check_spacing refuses it with the same sentence as a wrong number
    return check_spacing(spacing, option)


def set_threads(threads: int | None) -> None:
    """Set the number of CPU threads of this process; None leaves it."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
