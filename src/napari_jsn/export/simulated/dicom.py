"""A simulated film as a DICOM file: Computed Radiography, of nobody, made nowhere."""

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
NOBODY = "Simulated: shows no patient."

#: Percentage of the film's pixels that the suggested window shows black, and of the bones' that it shows white.
_BLACK, _WHITE = 0.5, 0.1


def dicom_bytes(film: SimulatedRadiograph, key: Sequence[str], lossy_ratio: float | None = None) -> bytes:
    """The film as a DICOM file; equal films and keys give equal bytes.

    The pixel pitch is stated at the detector with the magnification beside it, so that a reader gets
    ``film.spacing_mm`` as "magnification corrected". PS3.3 A.2 tells what the object must hold.

    Parameters
    ----------
    film : SimulatedRadiograph
    key : sequence of str
        Tells this simulation from any other (seed, settings). Identifiers are drawn from it, the patient and the
        visit: no two simulations share one.
    lossy_ratio : float, optional
        Compress with JPEG 2000 to this fraction of the size, stated in the header. Without it pixels are stored
        as they are.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationVersionName = f"NAPARI_JSN_{__version__}"[:16]
    _identify(dataset, film, [*key, __version__, film.patient])
    _describe(dataset, film)
    _put_pixels(dataset, film)
    if lossy_ratio is not None:
        _compress(dataset, lossy_ratio)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _identify(dataset: Dataset, film: SimulatedRadiograph, key: Sequence[str]) -> None:
    """Patient, study, series and image: made up, the same in every run of the same simulation."""
    day, visit, sides = film.acquired.strftime("%Y%m%d"), str(film.visit), "".join(film.sides)

    def uid(*level: str) -> UID:
        return generate_uid(entropy_srcs=["\0".join((*key, *level))])

    dataset.PatientName, dataset.PatientID = f"SIM^{film.patient.removeprefix('SIM')}", film.patient
    dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", "simulated"
    dataset.QualityControlSubject = "YES"
    dataset.PatientComments = NOBODY
    dataset.StudyInstanceUID, dataset.StudyID = uid("study", visit), visit
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.ContentTime = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.SeriesInstanceUID, dataset.SeriesNumber = uid("series", visit, sides), 1 + (sides == "R")
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    # The content joins in: other pixels must not pass for the same image.
    dataset.SOPInstanceUID = uid("image", visit, sides, str(zlib.crc32(film.stored.tobytes())))
    dataset.InstanceNumber = 1


def _describe(dataset: Dataset, film: SimulatedRadiograph) -> None:
    """How it was taken, of what, and how large its pixels are."""
    dataset.Modality, dataset.Manufacturer = "CR", MANUFACTURER
    dataset.SoftwareVersions = __version__
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ImageComments = NOBODY
    dataset.StudyDescription = f"Simulated hand radiographs, visit {film.visit}"
    dataset.BodyPartExamined, dataset.ViewPosition, dataset.PatientOrientation = "HAND", "PA", ""
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "85562004", "SCT", "Hand"
    dataset.AnatomicRegionSequence = [region]
    if len(film.sides) == 1:
        dataset.Laterality = dataset.ImageLaterality = film.sides[0]
    else:
        dataset.ImageLaterality = "B"
    dataset.ImagerPixelSpacing = [format_number_as_ds(float(film.detector_spacing_mm))] * 2
    dataset.EstimatedRadiographicMagnificationFactor = format_number_as_ds(float(film.magnification))
    dataset.BurnedInAnnotation = "NO"  # a lead letter tells the side, nobody's name
    dataset.LossyImageCompression = "00"


def _put_pixels(dataset: Dataset, film: SimulatedRadiograph) -> None:
    dataset.Rows, dataset.Columns = film.stored.shape
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation = "MONOCHROME1" if film.monochrome1 else "MONOCHROME2"
    eight = film.bits <= 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 if eight else 16, film.bits, film.bits - 1
    dataset.WindowCenter, dataset.WindowWidth = _window(film)
    pixels = film.stored.astype(np.uint8 if eight else "<u2").tobytes()
    dataset.add_new("PixelData", "OB" if eight else "OW", pixels + b"\0" * (len(pixels) % 2))


def _window(film: SimulatedRadiograph) -> tuple[int, int]:
    """Centre and width of the stored values that are worth seeing: from the air to the bones, no border, no letter."""
    boxes = film.bones.values()
    seen = [film.stored[box.row :, box.col :][: box.mask.shape[0], : box.mask.shape[1]][box.mask] for box in boxes]
    bones = np.concatenate(seen or [film.stored.ravel()])
    flip = 100 if film.monochrome1 else 0
    ends = np.percentile(film.stored, abs(flip - _BLACK)), np.percentile(bones, abs(flip - (100 - _WHITE)))
    return round(sum(ends) / 2), max(round(abs(ends[1] - ends[0])), 2)


def _compress(dataset: Dataset, ratio: float) -> None:
    before = len(dataset.PixelData)
    dataset.compress(JPEG2000, j2k_cr=[ratio], generate_instance_uid=False)
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_15444_1"
    dataset.LossyImageCompressionRatio = format_number_as_ds(round(before / len(dataset.PixelData), 2))
