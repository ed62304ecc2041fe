"""DICOM files drawn on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CR, SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.7"

#: A drawn image that uses all 12 bits: no two rows or columns are equal.
STORED = (np.linspace(0, 1, 64)[:, None] * np.linspace(0.2, 1, 48) ** 2 * 4095).round().astype(np.uint16)


def _cr(stored: np.ndarray = STORED, bits: int = 12, **attributes: Any) -> Dataset:
    """A computed radiograph of these stored values; attributes of None are left out."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CR, generate_uid()
    dataset.Modality = "CR"
    dataset.Rows, dataset.Columns = stored.shape[:2]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * stored.itemsize, bits, bits - 1
    dataset.PixelData = stored.tobytes()
    if stored.itemsize == 1:
        dataset["PixelData"].VR = "OB"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def _lut(entries: list[int], first: int = 0, bits: int = 12) -> Dataset:
    """An item of a modality, VOI or presentation LUT sequence."""
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries
    item["LUTDescriptor"].VR = "SS" if first < 0 else "US"
    item["LUTData"].VR = "US"
    return item


@pytest.fixture
def stored() -> np.ndarray:
    """(64, 48) stored values that use all 12 bits."""
    return STORED


@pytest.fixture
def cr() -> Any:
    """Make a computed radiograph: ``cr(stored, bits=12, **attributes)``."""
    return _cr


@pytest.fixture
def lut() -> Any:
    """Make an item of a LUT sequence: ``lut(entries, first=0, bits=12)``."""
    return _lut


@pytest.fixture
def save(tmp_path: Path) -> Any:
    """Write a dataset into the test's folder and return its path."""

    def write(dataset: Dataset, name: str = "hand.dcm", **options: Any) -> Path:
        path = tmp_path / name
        dataset.save_as(path, enforce_file_format=options.pop("enforce_file_format", True), **options)
        return path

    return write
