import io

import numpy as np
import pydicom
import pytest
from pydicom.uid import ComputedRadiographyImageStorage

from napari_jsn.export.simulated.dicom import dicom_bytes
from napari_jsn.radiograph import read_radiograph


@pytest.fixture(autouse=True)
def strict(monkeypatch):
    """Values that DICOM does not allow are errors, not warnings."""
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)


def dataset(film, key=("7",), **options):
    return pydicom.dcmread(io.BytesIO(dicom_bytes(film, key, **options)))


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("monochrome1", [False, True])
def test_the_library_reads_what_was_simulated(film, tmp_path, bits, monochrome1):
    simulated = film(bits=bits, monochrome1=monochrome1)
    (tmp_path / "simulated.dcm").write_bytes(dicom_bytes(simulated, ("7",)))
    read, truth = read_radiograph(tmp_path / "simulated.dcm"), simulated.radiograph()
    assert np.abs(read.pixels - truth.pixels).max() < 1e-6
    assert read.spacing_mm == pytest.approx(simulated.spacing_mm, rel=1e-9)
    assert (read.spacing_source, read.modality) == ("magnification corrected", "CR")
    assert (read.side, read.side_source, read.day) == ("L", "ImageLaterality", simulated.acquired)
    low, high = read.display_range
    assert 0 <= low < high <= 1
    bones = read.pixels[simulated.bone_mask("L", "PP2") | simulated.bone_mask("L", "MC2")]
    assert np.mean((bones >= low) & (bones <= high)) > 0.98
    assert bones.max() - high < 0.1  # no wider than the bones need


def test_every_value_is_valid_and_nobody_is_named(film):
    header = dataset(film(patient="SIM0012", visit=3))
    for element in header.iterall():
        assert element.value is not None
    assert header.SOPClassUID == header.file_meta.MediaStorageSOPClassUID == ComputedRadiographyImageStorage
    assert (header.PatientName, header.PatientID) == ("SIM^0012", "SIM0012")
    assert (header.PatientIdentityRemoved, header.BurnedInAnnotation) == ("YES", "NO")
    assert (header.BodyPartExamined, header.ViewPosition) == ("HAND", "PA")
    assert header.Manufacturer == "napari-jsn simulator"
    assert "InstitutionName" not in header and header.ReferringPhysicianName == ""
    assert (header.Rows, header.Columns, header.BitsStored, header.HighBit) == (64, 48, 12, 11)
    assert header.AcquisitionDate == header.StudyDate == "20220103"
    assert header.ImagerPixelSpacing == [0.15, 0.15]
    assert header.EstimatedRadiographicMagnificationFactor == 1.05


def test_both_hands_on_a_radiograph_have_side_b(film):
    header = dataset(film(sides=("R", "L")))
    assert header.ImageLaterality == "B" and "Laterality" not in header


def test_identifiers_are_the_same_again_and_differ_where_they_must(film):
    assert dicom_bytes(film(), ("7",)) == dicom_bytes(film(), ("7",))
    first = dataset(film())
    for other, same in (
        (dataset(film(), key=("8",)), ()),
        (dataset(film(patient="SIM0002")), ()),
        (dataset(film(visit=2)), ()),
        (dataset(film(sides=("R",))), ("StudyInstanceUID",)),
        (dataset(film(bits=10)), ("StudyInstanceUID", "SeriesInstanceUID")),
    ):
        for level in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            assert (first[level].value == other[level].value) is (level in same), level


def test_a_compressed_radiograph_is_small_and_states_it(film, tmp_path):
    simulated = film(shape=(400, 300))
    content = dicom_bytes(simulated, ("7",), lossy_ratio=10)
    assert len(content) < simulated.stored.nbytes / 6
    header = pydicom.dcmread(io.BytesIO(content))
    assert header.LossyImageCompression == "01" and header.LossyImageCompressionRatio > 6
    (tmp_path / "simulated.dcm").write_bytes(content)
    assert np.abs(read_radiograph(tmp_path / "simulated.dcm").pixels - simulated.radiograph().pixels).mean() < 0.02
