"""A radiograph as a DICOM file (Computed Radiography Image) with its pixel size, without its patient."""

from __future__ import annotations

import io

import numpy as np

from napari_jsn import __version__
from napari_jsn.radiograph import Radiograph

_BITS = 16


def radiograph_bytes(radiograph: Radiograph) -> bytes:
    """Return a DICOM file with 16 bits a pixel, the pixel size, the side and the day of the radiograph.

    It is read back with the source "uncalibrated" or, where it holds at the detector, with "at detector".

    Examples
    --------
    >>> import io
    >>> import numpy as np
    >>> import pydicom
    >>> import napari_jsn as jsn
    >>> from napari_jsn.export.radiograph_file import radiograph_bytes
    >>> file = radiograph_bytes(jsn.Radiograph(np.eye(64), spacing_mm=0.15))
    >>> [float(each) for each in pydicom.dcmread(io.BytesIO(file)).PixelSpacing]
    [0.15, 0.15]
    """
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
    from pydicom.valuerep import format_number_as_ds

    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PatientName = dataset.PatientID = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", f"saved by napari-jsn {__version__}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (generate_uid() for _ in range(3))
    dataset.SOPClassUID, dataset.Modality, dataset.InstanceNumber = ComputedRadiographyImageStorage, "CR", 1
    day = "" if radiograph.acquired is None else radiograph.acquired.strftime("%Y%m%d")
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.ContentTime = dataset.StudyID = dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = dataset.Manufacturer = dataset.PatientOrientation = ""
    dataset.ImageType, dataset.BodyPartExamined, dataset.ViewPosition = ["DERIVED", "SECONDARY"], "HAND", ""
    if radiograph.side is not None:
        dataset.Laterality = dataset.ImageLaterality = radiograph.side
    if radiograph.spacing_mm is not None:
        spacing = [format_number_as_ds(float(side)) for side in np.broadcast_to(radiograph.spacing_mm, 2)]
        if radiograph.spacing_source == "at detector":
            dataset.ImagerPixelSpacing = spacing
        else:
            dataset.PixelSpacing = spacing
    dataset.Rows, dataset.Columns = radiograph.pixels.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = _BITS, _BITS, _BITS - 1
    highest = 2**_BITS - 1
    dataset.WindowCenter, dataset.WindowWidth = (highest + 1) / 2, highest + 1
    stored = np.round(radiograph.pixels * highest).astype("<u2")
    dataset.add_new("PixelData", "OW", stored.tobytes())
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
