"""DICOM files, through pydicom: recognised by content, read into a radiograph."""

from __future__ import annotations

from pathlib import Path

from pydicom import Dataset, dcmread

from napari_jsn.common.errors import InputError
from napari_jsn.radiograph import dicom_header as header
from napari_jsn.radiograph.damage import damaged
from napari_jsn.radiograph.dicom_pixels import grey_pixels
from napari_jsn.radiograph.radiograph import Radiograph

#: How a file without the DICOM preamble begins: group 0002 or 0008, little or big endian.
BARE_BEGINNINGS = (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08")

#: Modalities whose pixels are results: segmentations (this package writes them too), dose, registrations.
DERIVED = ("SEG", "RTDOSE", "REG")


def is_dicom(path: Path) -> bool:
    """Whether it is a DICOM file, with or without preamble and whatever its ending."""
    with path.open("rb") as file:
        beginning = file.read(132)
    if beginning[128:] == b"DICM":
        return True
    if not beginning.startswith(BARE_BEGINNINGS):
        return False
    try:
        dataset = dcmread(path, force=True, specific_tags=["SOPClassUID", "Rows", "Columns"])
    except Exception:  # whatever else begins with such bytes
        return False
    return "SOPClassUID" in dataset or ("Rows" in dataset and "Columns" in dataset)


def read(path: Path) -> Radiograph:
    """The radiograph in a DICOM file."""
    try:
        dataset = dcmread(path, force=True)
        _refuse_other_than_one_image(dataset, path)
    except InputError:
        raise
    except Exception as error:  # pydicom raises many kinds on damaged files
        raise damaged(path, error) from error
    pixels, display_range = grey_pixels(dataset, path)
    spacing_mm, spacing_source = header.spacing(dataset)
    side, side_source = header.side(dataset)
    acquired, acquired_source = header.acquired(dataset)
    return Radiograph(
        pixels=pixels,
        spacing_mm=spacing_mm,
        spacing_source=spacing_source,
        side=side,
        side_source=side_source,
        acquired=acquired,
        acquired_source=acquired_source,
        display_range=display_range,
        modality=str(header.value(dataset, "Modality") or ""),
        view=header.view(dataset),
        path=path,
    )


def _refuse_other_than_one_image(dataset: Dataset, path: Path) -> None:
    kind = header.value(dataset, "SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    what = f"a DICOM file of kind '{kind.name}'" if kind else "a DICOM file"
    if "PixelData" not in dataset:
        raise InputError(f"{path} is {what} and holds no image, or is incomplete. Give a radiograph (CR, DX).", "path")
    if header.value(dataset, "Modality") in DERIVED:
        raise InputError(f"{path} is {what}: results, not an image. Give a radiograph (CR, DX).", "path")
    frames = header.value(dataset, "NumberOfFrames")
    if frames and int(frames) > 1:
        raise InputError(
            f"{path} holds {int(frames)} frames. Give a radiograph with a single image; export the frame you need.",
            "path",
        )
