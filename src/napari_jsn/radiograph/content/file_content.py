"""Recognise by its first bytes what a file contains."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from napari_jsn.common.errors import InputError

Content = Literal["DICOM", "image", "empty", "other"]

#: Bytes that are read: the preamble and prefix of a DICOM file.
_FIRST = 132
#: First bytes of PNG, JPEG and TIFF files (BigTIFF included).
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def content_of(path: Path) -> Content:
    """Return what a regular file contains, whatever its name: DICOM, a PNG, JPEG, BMP or TIFF image, or neither.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    from napari_jsn.radiograph.dicom import FIRST_BYTES, is_dicom  # pydicom is slow to import

    try:
        if not path.stat().st_size:  # files of the system state no size, and some wait when they are read
            return "empty"
        with path.open("rb") as file:
            first = file.read(_FIRST)
        if first[128:] == b"DICM" or (first.startswith(FIRST_BYTES) and is_dicom(path)):
            return "DICOM"
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}). Change its permissions, or take it out of the folder.",
            "folder",
        ) from error
    if first.startswith(_IMAGES) or (first.startswith(b"BM") and first[6:10] == bytes(4)):
        return "image"
    return "other" if first else "empty"
