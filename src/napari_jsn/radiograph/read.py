"""Read a radiograph from a file, whose format is recognised by content and not by file extension."""

from __future__ import annotations

import errno
import os
import stat
import warnings
from pathlib import Path
from typing import Any

from napari_jsn.common.errors import InputError, too_large
from napari_jsn.radiograph.intensity import MAX_BYTES, check_size, known_intensities, to_intensities
from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.spacing import check_spacing


def read_radiograph(path: str | os.PathLike[str], spacing_mm: Any = None) -> Radiograph:
    """Read one radiograph from a DICOM (CR, DX, ...), PNG, JPEG, BMP or TIFF file.

    docs/files.md lists the DICOM attributes that give intensities, spacing, side and date.

    Parameters
    ----------
    path : str or path
        The file.
    spacing_mm : float or (row, col) pair of float, optional
        Size of a pixel in mm. It replaces the spacing of a DICOM file; other files have no spacing of their own. A
        single number is the column spacing; where a DICOM file states a Pixel Aspect Ratio, the row spacing is that
        number times the ratio.

    Returns
    -------
    Radiograph
        Pixels are float32 in [0, 1], bone bright; spacing, side and date are set where the file states them, each
        with its source.

    Raises
    ------
    InputError
        If the file is missing, unreadable, damaged, not a single image or without contrast, if the spacing is not a
        length, or if the file states a spacing that cannot be read and none is given. The message names the file.

    Examples
    --------
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> radiograph = jsn.read_radiograph(baseline)
    >>> round(radiograph.spacing_mm, 4), radiograph.spacing_source, radiograph.side
    (0.1373, 'magnification corrected', 'L')
    """
    # pydicom and Pillow are slow to import
    from napari_jsn.radiograph import dicom, image_file

    spacing_mm = check_spacing(spacing_mm)
    path = existing_file(path)
    with warnings.catch_warnings():
        # invalid values in headers, and large images, which are a risk only for servers
        warnings.simplefilter("ignore")
        if dicom.is_dicom(path):
            return dicom.read_dicom(path, spacing_mm)
        radiograph = image_file.read_image(path)
    return radiograph if spacing_mm is None else radiograph.with_spacing(spacing_mm)


def read_facts(path: str | os.PathLike[str], spacing_mm: Any = None) -> Radiograph:
    """Return a radiograph with what its file states; its pixels are a placeholder, and no pixel is read.

    Parameters and errors are those of :func:`read_radiograph`, except damage that only decoding the pixels shows.
    """
    from napari_jsn.radiograph import dicom

    spacing_mm = check_spacing(spacing_mm)
    path = existing_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid values in headers
        if dicom.is_dicom(path):
            return dicom.read_facts(path, spacing_mm)
    radiograph = Radiograph(dicom.placeholder(str(path)), path=path)
    return radiograph if spacing_mm is None else radiograph.with_spacing(spacing_mm)


def as_radiograph(given: Any, spacing_mm: Any = None, argument: str = "radiograph") -> Radiograph:
    """Return a radiograph that is given as a radiograph, as the path of a file, or as an array.

    Parameters
    ----------
    given : Radiograph, path or (H, W) array
        Bone bright in an array.
    spacing_mm : float or (row, col) pair of float, optional
        Size of a pixel in mm. It replaces the spacing of the radiograph or the file.
    argument : str
        Name of the argument in errors about an array.

    Raises
    ------
    InputError
        As for :func:`read_radiograph`, or if the array is not an image.
    """
    if isinstance(given, (str, os.PathLike)):
        return read_radiograph(given, spacing_mm)
    if not isinstance(given, Radiograph):
        given = Radiograph(known_intensities(to_intensities(given, argument, "The radiograph")))
    check_size(given.shape[0], given.shape[1], given.name or "The radiograph", argument)
    return given if spacing_mm is None else given.with_spacing(spacing_mm)


def existing_file(path: Any) -> Path:
    """Return the path of a file after checking that it is a regular file, and neither empty nor too large."""
    try:
        path = Path(path)
    except TypeError:
        raise InputError(f"The path of an image file is {path!r}. Give text or a Path.", "path") from None
    try:
        status = path.stat()  # before opening: a pipe would wait for a writer
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{path} is a folder. Give one image file.", "path")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is a pipe, socket or device. Give an image file.", "path")
        if status.st_size > MAX_BYTES:
            raise too_large(path, f"has {status.st_size / 1e6:.0f} MB")
        # files of the system state no size, and some wait when they are read
        with path.open("rb") as file:
            if not status.st_size or not file.read(1):
                raise InputError(f"{path} is empty (0 bytes). Export or copy the image again.", "path")
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"There is no file {path}. Check its name and folder.", "path") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            shown = f"{str(path)[:60]}..."
            raise InputError(f"The name or path {shown} is too long for a file. Give a shorter one.", "path") from None
        raise InputError(f"{path} cannot be opened: {error.strerror or error}. Check the file.", "path") from error
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r} contains a null character. Give the path of a file.", "path") from error
    return path
