"""Simulated radiographs as DICOM files (Computed Radiography Image) without a real patient."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    JPEG2000,
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)
from pydicom.valuerep import format_number_as_ds

from napari_jsn import __version__
from napari_jsn.simulation.simulated_radiograph import SimulatedRadiograph

MANUFACTURER = "napari-jsn simulator"
SIMULATED_COMMENT = "Simulated: shows no patient."

#: Percentage of all pixels that the window shows black, and of the bones' pixels that it shows white.
_BLACK, _WHITE = 0.5, 0.1


def dicom_bytes(simulated: SimulatedRadiograph, key: Sequence[str], lossy_ratio: float | None = None) -> bytes:
    """Return the radiograph as a DICOM file; equal radiographs and keys give equal bytes.

    The header has the pixel pitch at the detector and the magnification, so that file readers return
    ``simulated.spacing_mm`` as "magnification corrected". PS3.3 A.2 lists the required attributes.

    Parameters
    ----------
    simulated : SimulatedRadiograph
    key : sequence of str
        Identifies this simulation (seed, settings). UIDs are generated from it, the patient and the visit, so two
        simulations never share a UID.
    lossy_ratio : float, optional
        Compress with JPEG 2000 by this ratio, which is stated in the header; uncompressed by default.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationVersionName = f"NAPARI_JSN_{__version__}"[:16]
    _identify(dataset, simulated, [*key, __version__, simulated.patient_id])
    _describe(dataset, simulated)
    _put_pixels(dataset, simulated)
    if lossy_ratio is not None:
        _compress(dataset, lossy_ratio)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _identify(dataset: Dataset, simulated: SimulatedRadiograph, key: Sequence[str]) -> None:
    """Set patient, study, series and image: the same in every run of the same simulation."""
    day, visit, sides = simulated.acquired.strftime("%Y%m%d"), str(simulated.visit), "".join(simulated.sides)

    def uid(*level: str) -> UID:
        return generate_uid(entropy_srcs=["\0".join((*key, *level))])

    dataset.PatientName, dataset.PatientID = f"SIM^{simulated.patient_id.removeprefix('SIM')}", simulated.patient_id
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", "simulated"
    dataset.QualityControlSubject = "YES"
    dataset.PatientComments = SIMULATED_COMMENT
    dataset.StudyInstanceUID, dataset.StudyID = uid("study", visit), visit
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.ContentTime = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.SeriesInstanceUID, dataset.SeriesNumber = uid("series", visit, sides), 1 + (sides == "R")
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    # from the content too: images with different pixels must have different UIDs
    dataset.SOPInstanceUID = uid("image", visit, sides, str(zlib.crc32(simulated.stored.tobytes())))
    dataset.InstanceNumber = 1


def _describe(dataset: Dataset, simulated: SimulatedRadiograph) -> None:
    """Set modality, body part, side and pixel size."""
    dataset.Modality, dataset.Manufacturer = "CR", MANUFACTURER
    dataset.SoftwareVersions = __version__
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ImageComments = SIMULATED_COMMENT
    dataset.StudyDescription = f"Simulated hand radiographs, visit {simulated.visit}"
    dataset.BodyPartExamined, dataset.ViewPosition, dataset.PatientOrientation = "HAND", "PA", ""
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "85562004", "SCT", "Hand"
    dataset.AnatomicRegionSequence = [region]
    if len(simulated.sides) == 1:
        dataset.Laterality = dataset.ImageLaterality = simulated.sides[0]
    else:
        dataset.ImageLaterality = "B"
    dataset.ImagerPixelSpacing = [format_number_as_ds(float(simulated.detector_spacing_mm))] * 2
    dataset.EstimatedRadiographicMagnificationFactor = format_number_as_ds(float(simulated.magnification))
    dataset.BurnedInAnnotation = "NO"  # the lead marker has the side, not a name
    dataset.LossyImageCompression = "00"


def _put_pixels(dataset: Dataset, simulated: SimulatedRadiograph) -> None:
    dataset.Rows, dataset.Columns = simulated.stored.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME1" if simulated.monochrome1 else "MONOCHROME2"
    eight = simulated.bits <= 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 if eight else 16, simulated.bits, simulated.bits - 1
    dataset.WindowCenter, dataset.WindowWidth = _window(simulated)
    pixels = simulated.stored.astype(np.uint8 if eight else "<u2").tobytes()
    dataset.add_new("PixelData", "OB" if eight else "OW", pixels + b"\0" * (len(pixels) % 2))


def _window(simulated: SimulatedRadiograph) -> tuple[int, int]:
    """Return centre and width of the window from open air to bone, without collimator and markers."""
    boxes = simulated.bones.values()
    seen = [simulated.stored[box.row :, box.col :][: box.mask.shape[0], : box.mask.shape[1]][box.mask] for box in boxes]
    bones = np.concatenate(seen or [simulated.stored.ravel()])
    flip = 100 if simulated.monochrome1 else 0
    ends = np.percentile(simulated.stored, abs(flip - _BLACK)), np.percentile(bones, abs(flip - (100 - _WHITE)))
    return round(sum(ends) / 2), max(round(abs(ends[1] - ends[0])), 2)


def _compress(dataset: Dataset, ratio: float) -> None:
    before = len(dataset.PixelData)
    dataset.compress(JPEG2000, j2k_cr=[ratio], generate_instance_uid=False)
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_15444_1"
    dataset.LossyImageCompressionRatio = format_number_as_ds(round(before / len(dataset.PixelData), 2))
