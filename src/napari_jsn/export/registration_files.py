"""The files of one registration: table (CSV), figure (PNG, SVG) and images (float TIFF)."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_jsn import __version__
from napari_jsn.common.csv_files import csv_bytes
from napari_jsn.common.output_folder import OutputFolder
from napari_jsn.common.run_record import input_record, run_record
from napari_jsn.export.figure import png_bytes, registration_figure, svg_bytes
from napari_jsn.export.table import table
from napari_jsn.joint import JointImage
from napari_jsn.radiograph import Radiograph
from napari_jsn.registration.record import Record, flat_record, spacing_cell
from napari_jsn.registration.result import Registration

TABLE, FIGURE, VECTOR_FIGURE = "registration.csv", "figure.png", "figure.svg"
_IMAGES = ("transformed.tif", "original-spectrum.tif", "transformed-spectrum.tif")
#: Names of all files of a set.
NAMES = (TABLE, FIGURE, VECTOR_FIGURE, *_IMAGES)


def write_registration(
    folder: str | os.PathLike[str],
    fixed: ArrayLike | JointImage | Radiograph,
    moving: ArrayLike | JointImage | Radiograph,
    registration: Registration,
    device: str = "",
    argument: str = "out",
    keep_identity: bool = False,
) -> list[Path]:
    """Write the files of a registration into a folder as one set, and ``run.json`` with their hashes.

    Parameters
    ----------
    folder : path
        Made if it does not exist. The set of an earlier run is replaced.
    fixed, moving : (H, W) array, JointImage or Radiograph
        The two joint images.
    registration : Registration
    device : str
        Device that it was computed on, for the table.
    argument : str
        The argument that an error names.
    keep_identity : bool
        Write the names of the files into the table and the figure; they can identify a patient.

    Returns
    -------
    list of Path
        ``registration.csv``, ``figure.png``, ``figure.svg``, the transformed image and both loss spectra as TIFF, and
        ``run.json``.

    Raises
    ------
    InputError
        If the folder or a file cannot be written, or another run writes to the folder.

    Examples
    --------
    >>> import tempfile
    >>> import napari_jsn as jsn
    >>> baseline, followup = sorted(jsn.sample_folder("hand_pair").glob("*.dcm"))
    >>> fixed = jsn.joint_image(baseline, jsn.find_joints(baseline)[2])
    >>> moving = jsn.joint_image(followup, jsn.find_joints(followup)[2])
    >>> found = jsn.register(fixed, moving)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in jsn.write_registration(folder, fixed, moving, found)][:2]
    ['registration.csv', 'figure.png']
    """
    images = _radiograph(fixed, "fixed"), _radiograph(moving, "moving")
    options = {"method": registration.method, "wide-mm": registration.wide_mm, "keep-identity": keep_identity}
    with OutputFolder(folder, NAMES, argument) as output:
        facts = registration_facts(*images, registration, device, keep_identity)
        record = run_record(
            "write_registration", options, **facts, seconds=registration.seconds, keep_identity=keep_identity
        )
        return output.write(registration_files(*images, registration, device, keep_identity), record)


def registration_facts(
    fixed: Radiograph, moving: Radiograph, registration: Registration, device: str, keep_identity: bool = False
) -> dict[str, Any]:
    """Return models, device and joint images, for :func:`napari_jsn.common.run_record.run_record`."""
    inputs = [
        input_record(name, image.pixels if image.path is None else image.path, keep_identity)
        for name, image in (("fixed", fixed), ("moving", moving))
    ]
    return {"models": registration.models, "device": device, "inputs": inputs}


def _radiograph(image: ArrayLike | JointImage | Radiograph, name: str) -> Radiograph:
    if isinstance(image, Radiograph):
        return image
    if isinstance(image, JointImage):
        return Radiograph(image.pixels, image.spacing_mm, name=name)
    return Radiograph(np.asarray(image, dtype=np.float32), name=name)


def registration_files(
    fixed: Radiograph, moving: Radiograph, registration: Registration, device: str, keep_identity: bool = False
) -> dict[str, bytes]:
    """Return names and contents of the files: table, six-panel figure, transformed image and both loss spectra.

    Parameters
    ----------
    fixed, moving : Radiograph
        The two joint images.
    registration : Registration
    device : str
        Device that it was computed on, for the table.
    keep_identity : bool
        Write the names of the files into the table and the figure.
    """
    title = f"Fixed {fixed.name}     Moving {moving.name}" if keep_identity else "Fixed: baseline     Moving: follow-up"
    figure = registration_figure(fixed.pixels, moving.pixels, registration, fixed.spacing_mm, moving.spacing_mm, title)
    return {
        TABLE: csv_bytes(table([registration_record(fixed, moving, registration, device, keep_identity)])),
        FIGURE: png_bytes(figure),
        VECTOR_FIGURE: svg_bytes(figure),
        **registration_images(registration),
    }


def registration_record(
    fixed: Radiograph, moving: Radiograph, registration: Registration, device: str, keep_identity: bool = False
) -> Record:
    """Return the row of the table; it begins with the names of the files, without folders, if the identity is kept."""
    names: Record = {"fixed": fixed.name, "moving": moving.name} if keep_identity else {}
    return {
        **names,
        **flat_record(registration),
        "spacing_source": fixed.spacing_source,
        "moving_spacing_mm": spacing_cell(moving.spacing_mm),
        "moving_spacing_source": moving.spacing_source,
        "device": device,
        "version": __version__,
    }


def registration_images(registration: Registration) -> dict[str, bytes]:
    """Return names and contents of TIFF files: the transformed image and both loss spectra."""
    images = registration.transformed, registration.original_spectrum, registration.transformed_spectrum
    return {name: tiff_bytes(pixels, registration.spacing_mm) for name, pixels in zip(_IMAGES, images, strict=True)}


def tiff_bytes(pixels: NDArray[np.floating], spacing_mm: float | None = None) -> bytes:
    """Return a float32 TIFF file; equal pixels give equal bytes.

    Parameters
    ----------
    pixels : (H, W) float array
    spacing_mm : float, optional
        Pixel size, stored as the file's resolution in pixels per centimetre.
    """
    from PIL import Image

    file = io.BytesIO()
    resolution = {} if spacing_mm is None else {"resolution": 10 / spacing_mm, "resolution_unit": "cm"}
    Image.fromarray(np.asarray(pixels, np.float32)).save(file, format="TIFF", **resolution)
    return file.getvalue()
