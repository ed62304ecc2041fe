"""Spacing, side and date of a DICOM header, case by case."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pydicom import Dataset

from napari_jsn.radiograph import dicom_header as header

PIXEL, IMAGER = {"PixelSpacing": [0.14, 0.14]}, {"ImagerPixelSpacing": [0.15, 0.15]}
SAME_IMAGER, SCANNED = {"ImagerPixelSpacing": [0.14, 0.14]}, {"NominalScannedPixelSpacing": [0.1, 0.1]}
FIDUCIAL = {"PixelSpacingCalibrationType": "FIDUCIAL"}
GEOMETRY = {"PixelSpacingCalibrationType": "GEOMETRY"}
FACTOR = {"EstimatedRadiographicMagnificationFactor": 1.25}


def dataset(**attributes):
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("attributes", "spacing_mm", "source"),
    [
        ({}, None, ""),
        (PIXEL | FIDUCIAL, 0.14, "calibrated"),
        (PIXEL | GEOMETRY | IMAGER, 0.14, "calibrated"),
        (PIXEL | FIDUCIAL | SCANNED, 0.14, "calibrated"),
        (PIXEL | FIDUCIAL | IMAGER | FACTOR, 0.14, "calibrated"),
        (PIXEL, 0.14, "uncalibrated"),
        (PIXEL | FACTOR, 0.14, "uncalibrated"),
        (PIXEL | IMAGER, 0.14, "calibration unknown"),
        (PIXEL | IMAGER | FACTOR, 0.14, "calibration unknown"),
        (PIXEL | SCANNED, 0.14, "calibration unknown"),
        (PIXEL | SAME_IMAGER, 0.14, "at detector"),
        (PIXEL | SAME_IMAGER | FACTOR, 0.112, "magnification corrected"),
        (IMAGER, 0.15, "at detector"),
        (IMAGER | FIDUCIAL, 0.15, "at detector"),
        (IMAGER | FACTOR, 0.12, "magnification corrected"),
        (IMAGER | {"EstimatedRadiographicMagnificationFactor": 1}, 0.15, "magnification corrected"),
        (IMAGER | {"EstimatedRadiographicMagnificationFactor": 0}, 0.15, "at detector"),
        (SCANNED, 0.1, "nominal scanned"),
        (SCANNED | {"PixelSpacing": [0.1, 0.1]}, 0.1, "nominal scanned"),
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "uncalibrated"),
        ({"ImagerPixelSpacing": [0.2, 0.1]} | FACTOR, (0.16, 0.08), "magnification corrected"),
        ({"PixelSpacing": [0, 0]}, None, ""),
        ({"PixelSpacing": [0, 0]} | IMAGER, 0.15, "at detector"),
        ({"PixelSpacing": None}, None, ""),
        ({"PixelSpacing": 0.14}, None, ""),
    ],
)
def test_spacing_and_what_it_is_worth(attributes, spacing_mm, source):
    found, found_source = header.spacing(dataset(**attributes))
    assert (found, found_source) == (pytest.approx(spacing_mm), source)


def anatomy(code):
    return {"AnatomicRegionSequence": [dataset(AnatomicRegionModifierSequence=[dataset(CodeValue=code)])]}


FRAME_RIGHT = {"SharedFunctionalGroupsSequence": [dataset(FrameAnatomySequence=[dataset(FrameLaterality="R")])]}


@pytest.mark.parametrize(
    ("attributes", "side", "source"),
    [
        ({}, None, ""),
        ({"ImageLaterality": "L"}, "L", "ImageLaterality"),
        ({"ImageLaterality": "R", "Laterality": "L"}, "R", "ImageLaterality"),
        ({"ImageLaterality": "", "Laterality": "L"}, "L", "Laterality"),
        ({"ImageLaterality": "U", "Laterality": "R"}, "R", "Laterality"),
        ({"ImageLaterality": "B", "Laterality": "R"}, None, "ImageLaterality: both"),
        (FRAME_RIGHT, "R", "FrameLaterality"),
        (anatomy("7771000"), "L", "AnatomicRegionSequence"),
        (anatomy("G-A100"), "R", "AnatomicRegionSequence"),
        (anatomy("12345"), None, ""),
        ({"SeriesDescription": "LEFT HAND"}, None, ""),
    ],
)
def test_side_and_who_says_so(attributes, side, source):
    assert header.side(dataset(**attributes)) == (side, source)


EXPORTED = {"StudyDate": "20190401", "ContentDate": "20240101"}


@pytest.mark.parametrize(
    ("attributes", "acquired", "source"),
    [
        ({}, None, ""),
        (
            {"AcquisitionDateTime": "20200501123000.5+0200"},
            datetime(2020, 5, 1, 12, 30, 0, 500000),
            "AcquisitionDateTime",
        ),
        ({"AcquisitionDateTime": "2020", "StudyDate": "20200501"}, date(2020, 5, 1), "StudyDate"),
        (
            {"AcquisitionDate": "20200501", "AcquisitionTime": "123000", "StudyDate": "20200502"},
            datetime(2020, 5, 1, 12, 30),
            "AcquisitionDate",
        ),
        ({"AcquisitionDate": "20200501", "StudyTime": "080000"}, date(2020, 5, 1), "AcquisitionDate"),
        ({"AcquisitionDate": "", "ContentDate": "20200501"}, date(2020, 5, 1), "ContentDate"),
        ({"StudyDate": "20200501", "StudyTime": "080000"}, date(2020, 5, 1), "StudyDate"),
        (EXPORTED, date(2024, 1, 1), "ContentDate"),
        (EXPORTED | {"ConversionType": "DF"}, date(2019, 4, 1), "StudyDate"),
        (EXPORTED | {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, date(2019, 4, 1), "StudyDate"),
    ],
)
def test_date_and_who_says_so(attributes, acquired, source):
    assert header.acquired(dataset(**attributes)) == (acquired, source)


@pytest.mark.filterwarnings("ignore")
def test_malformed_values_count_as_absent():
    made = dataset(StudyDate="not a day", AcquisitionDateTime="2020-05-xx")
    made.add_new("AcquisitionTime", "TM", "noon")
    made.add_new("AcquisitionDate", "DA", "20200501")
    assert header.acquired(made) == (date(2020, 5, 1), "AcquisitionDate")
    assert header.acquired(dataset(StudyDate="unknown")) == (None, "")


def test_the_view_is_told_by_its_attribute_or_its_code():
    code = dataset(CodeValue="399067008", CodingSchemeDesignator="SCT", CodeMeaning="lateral projection")
    assert header.view(dataset(ViewPosition="PA", ViewCodeSequence=[code])) == "PA"
    assert header.view(dataset(ViewPosition="", ViewCodeSequence=[code])) == "lateral projection"
    assert header.view(dataset()) == ""
