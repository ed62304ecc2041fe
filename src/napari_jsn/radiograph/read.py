"""Read a radiograph or bone masks from a file; what the file holds decides, not its ending."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph.radiograph import GIVEN, Radiograph
from napari_jsn.radiograph.spacing import check_spacing


def read_radiograph(path: str | os.PathLike[str], spacing_mm: Any = None) -> Radiograph:
    """Read one radiograph from a DICOM (CR, DX, ...), PNG, JPEG, BMP or TIFF file.

    docs/files.md states which DICOM attributes give the grey levels, spacing, side and date.

    Parameters
    ----------
    path : str or path
        The file.
    spacing_mm : float or (row, col) pair of float, optional
        Size of a pixel in mm. It overrides what a DICOM file states; other files have no spacing but this.

    Returns
    -------
    Radiograph
        Pixels float32 in [0, 1], bone bright; spacing, side and date where the file states them, each with
        its source.

    Raises
    ------
    InputError
        If the file is missing, unreadable, damaged, no single image, or without contrast; or if the spacing
        is no length. The message names the file.
    """
    # pydicom and Pillow start slowly.
    from napari_jsn.radiograph import dicom, image_file

    spacing_mm = check_spacing(spacing_mm)
    path = existing_file(path)
    with warnings.catch_warnings():
        # Slips in a header, and sizes that only servers need to fear.
        warnings.simplefilter("ignore")
        reader = dicom.read if dicom.is_dicom(path) else image_file.read
        radiograph = reader(path)
    if spacing_mm is None:
        return radiograph
    return replace(radiograph, spacing_mm=spacing_mm, spacing_source=GIVEN)


def existing_file(path: Any) -> Path:
    """The path of a file that is there and holds something."""
    try:
        path = Path(path)
    except TypeError:
        raise InputError(f"The path of an image file is text, but {path!r} was given.", "path") from None
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder. Give one image file.", "path")
        if not path.exists():
            raise InputError(f"There is no file {path}. Check its name and folder.", "path")
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{path} is empty (0 bytes). Export or copy the image again.", "path")
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.", "path") from error
    return path
