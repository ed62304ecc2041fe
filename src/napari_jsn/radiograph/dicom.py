"""Recognise DICOM files by their content, and read them (with pydicom)."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from napari_jsn.common.errors import InputError, damaged_file, too_large
from napari_jsn.radiograph import dicom_header as header
from napari_jsn.radiograph.dicom_dates import acquired
from napari_jsn.radiograph.dicom_pixels import Range, read_intensities
from napari_jsn.radiograph.intensity import MAX_BYTES, MIN_SIDE, check_size, known_intensities
from napari_jsn.radiograph.radiograph import Radiograph
from napari_jsn.radiograph.spacing import Spacing

#: The first bytes of a file without the DICOM preamble: group 0002 or 0008, little or big endian.
FIRST_BYTES = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")

#: Modalities whose pixels are results: segmentations (this package also writes them), dose, registrations.
DERIVED = ("SEG", "RTDOSE", "REG")


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM, with or without preamble and with any file extension."""
    if path.exists() and not (path.is_file() and path.stat().st_size):  # a folder; or what could wait for ever
        return False
    with path.open("rb") as file:
        return _is_dicom(file)


def _is_dicom(file: BinaryIO) -> bool:
    first = file.read(132)
    if first[128:] == b"DICM":
        return True
    if not first.startswith(FIRST_BYTES):
        return False
    try:
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what is not DICOM
            dataset = dcmread(file, force=True, specific_tags=["SOPClassUID", "Rows", "Columns"])
    except Exception:  # another kind of file that begins with these bytes
        return False
    return "SOPClassUID" in dataset or ("Rows" in dataset and "Columns" in dataset)


def read_header(path: Path, keywords: Sequence[str] | None = None) -> Dataset:
    """Return the decoded header of a DICOM file, with or without preamble; pixels are not read.

    Parameters
    ----------
    path : Path
    keywords : sequence of str, optional
        Attributes to read; by default all.

    Raises
    ------
    ValueError
        If the file is not DICOM.
    InputError
        If a deflated file is too large.
    Exception
        pydicom raises many types for damaged files.
    """
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # about invalid values, which the callers check
        if not _is_dicom(file):
            raise ValueError("not a DICOM file")
        _check_inflated(file, path)
        header = dcmread(
            file, stop_before_pixels=True, force=True, specific_tags=None if keywords is None else [*keywords]
        )
        header.decode()
    return header


def read_dicom(path: Path, spacing_mm: Spacing = None) -> Radiograph:
    """Read the radiograph of a DICOM file; a pixel size that is given replaces what the file states."""
    try:
        with path.open("rb") as file:
            _check_inflated(file, path)
            dataset = dcmread(file, force=True)
        _check_single_image(dataset, path)
    except InputError:
        raise
    except Exception as error:  # pydicom raises many types for damaged files
        raise damaged_file(path) from error
    pixels, display_range = read_intensities(dataset, path)
    return _radiograph(dataset, path, known_intensities(pixels), display_range, spacing_mm)


def read_facts(path: Path, spacing_mm: Spacing = None) -> Radiograph:
    """Return a radiograph with what the header of a DICOM file states; its pixels are a placeholder."""
    try:
        dataset = read_header(path)
        _check_single_image(dataset, path, with_pixels=False)
    except InputError:
        raise
    except Exception as error:
        raise damaged_file(path) from error
    check_size(int(header.value(dataset, "Rows") or 0), int(header.value(dataset, "Columns") or 0), str(path))
    pixels = placeholder(str(header.value(dataset, "SOPInstanceUID") or path))
    return _radiograph(dataset, path, pixels, None, spacing_mm)


def placeholder(image: str) -> NDArray[np.float32]:
    """Return pixels that take the place of those of an image, and differ between images."""
    return known_intensities(np.random.default_rng([*image.encode()]).random((MIN_SIDE, MIN_SIDE), dtype=np.float32))


def _radiograph(
    dataset: Dataset, path: Path, pixels: NDArray[np.float32], display_range: Range | None, spacing_mm: Spacing
) -> Radiograph:
    """Return pixels with what a header states about them."""
    try:
        stated, spacing_source = header.spacing(dataset) if spacing_mm is None else (None, "")
        # DICOM forbids both; a spacing states the shape of pixels already
        aspect = header.pixel_aspect(dataset) if stated is None else 1.0
    except InputError as error:
        raise InputError(f"{path}: {error}", error.argument) from error
    side, side_source = header.side(dataset)
    date = acquired(dataset)
    radiograph = Radiograph(
        pixels=pixels,
        spacing_mm=stated,
        spacing_source=spacing_source,
        magnification=header.magnification(dataset) if spacing_source == header.CORRECTED else None,
        side=side,
        side_source=side_source,
        acquired=date.when,
        acquired_source=date.source,
        other_dates=date.others,
        display_range=display_range,
        modality=str(header.value(dataset, "Modality") or ""),
        view=header.view(dataset),
        view_code=header.view_code(dataset),
        presentation_intent=header.presentation_intent(dataset),
        described_oblique=header.describes_oblique(dataset),
        pixel_aspect=aspect,
        path=path,
    )
    return radiograph if spacing_mm is None else radiograph.with_spacing(spacing_mm)


def _check_single_image(dataset: Dataset, path: Path, with_pixels: bool = True) -> None:
    kind = header.value(dataset, "SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    what = f"a DICOM file of type '{kind.name}'" if kind else "a DICOM file"
    if with_pixels and "PixelData" not in dataset:
        raise InputError(f"{path} is {what} without an image, or is incomplete. Give a radiograph (CR, DX).", "path")
    if header.value(dataset, "Modality") in DERIVED:
        raise InputError(f"{path} is {what}: results, not an image. Give a radiograph (CR, DX).", "path")
    frames = header.value(dataset, "NumberOfFrames")
    if frames and int(frames) > 1:
        raise InputError(
            f"{path} contains {int(frames)} frames. Export the frame that you need, and give a file with one image.",
            "path",
        )


def _check_inflated(file: BinaryIO, path: Path) -> None:
    """Refuse a deflated file that is too large inflated; pydicom inflates a file as a whole, without a limit.

    Afterwards the file is at its beginning.
    """
    file.seek(0)
    if file.read(132)[128:] == b"DICM":
        meta = read_dataset(
            file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, vr, length: tag.group != 2
        )
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
            while not inflate.eof and (content := inflate.unconsumed_tail or file.read(2**20)):
                size += len(inflate.decompress(content, 2**24))
                if size > MAX_BYTES:
                    raise too_large(path, f"has more than {MAX_BYTES // 10**6} MB when inflated")
    file.seek(0)
