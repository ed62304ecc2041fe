"""Spacing, side and date of a DICOM header, case by case."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.datadict import dictionary_description
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from napari_jsn.common.errors import InputError
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
        (SCANNED, 0.1, "nominal scanned"),
        (SCANNED | {"PixelSpacing": [0.1, 0.1]}, 0.1, "nominal scanned"),
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1), "uncalibrated"),
        ({"ImagerPixelSpacing": [0.2, 0.1]} | FACTOR, (0.16, 0.08), "magnification corrected"),
        ({"PixelSpacing": None}, None, ""),
    ],
)
def test_spacing_and_what_it_is_worth(attributes, spacing_mm, source):
    found, found_source = header.spacing(dataset(**attributes))
    assert (found, found_source) == (pytest.approx(spacing_mm), source)
    if source == "magnification corrected":
        factor = header.magnification(dataset(**attributes))
        assert np.multiply(found, factor) == pytest.approx(np.unique(attributes["ImagerPixelSpacing"])[::-1])


def raw(keyword, text, vr="DS"):
    """A dataset whose attribute holds this text, as damaged files do."""
    made = Dataset()
    tag = Tag(keyword)
    made[tag] = RawDataElement(tag, vr, len(text), text.encode(), 0, False, True)
    return made


@pytest.mark.parametrize(
    ("keyword", "text", "vr"),
    [
        ("PixelSpacing", "0,138\\0,138", "DS"),
        ("PixelSpacing", "0.000\\0.000", "DS"),
        ("PixelSpacing", "0.138", "DS"),
        ("PixelSpacing", "0.2\\0\\0.2", "DS"),
        ("PixelSpacing", "fine", "UT"),
        ("PixelSpacing", "-0.14\\-0.14", "DS"),
        ("ImagerPixelSpacing", "0,144\\0,144", "DS"),
        ("NominalScannedPixelSpacing", "1e-1 mm", "DS"),
    ],
)
def test_a_spacing_that_cannot_be_read_is_refused_by_name_and_value(keyword, text, vr):
    with pytest.raises(InputError) as error:
        header.spacing(raw(keyword, text, vr))
    assert dictionary_description(keyword) in str(error.value) and "give spacing_mm" in str(error.value)
    assert text.split("\\")[0].removeprefix("-").rstrip("0") in str(error.value)


@pytest.mark.parametrize(
    ("unreadable", "text", "others"),
    [
        ("PixelSpacing", "0,138\\0,138", SCANNED),
        ("PixelSpacing", "0.138", IMAGER | FACTOR),
        ("NominalScannedPixelSpacing", "0\\0", PIXEL),
        ("ImagerPixelSpacing", "0,14\\0,14", PIXEL | FACTOR),
        ("ImagerPixelSpacing", "0.15\\0.15\\0.15", PIXEL | SCANNED),
    ],
)
def test_a_spacing_that_cannot_be_read_is_refused_beside_another_one(unreadable, text, others):
    made = raw(unreadable, text)
    made.update(dataset(**others))
    with pytest.raises(InputError, match=f"{dictionary_description(unreadable)} is"):
        header.spacing(made)
    made.PixelSpacing, made.PixelSpacingCalibrationType = [0.14, 0.14], "FIDUCIAL"
    assert header.spacing(made) == (0.14, "calibrated")  # the other attributes mean nothing then


@pytest.mark.parametrize("text", ["1,049", "0", "-1.05", "1.05\\1.05", "0.95", "0.5"])
def test_a_magnification_that_cannot_be_read_is_refused(text):
    made = raw("EstimatedRadiographicMagnificationFactor", text)
    made.ImagerPixelSpacing = [0.15, 0.15]
    with pytest.raises(InputError, match="Estimated Radiographic Magnification Factor is"):
        header.spacing(made)
    made.PixelSpacing, made.PixelSpacingCalibrationType = [0.14, 0.14], "FIDUCIAL"
    assert header.spacing(made) == (0.14, "calibrated")  # not needed then


def test_a_readable_spacing_of_another_value_representation_is_read():
    assert header.spacing(raw("PixelSpacing", "0.138\\0.138", "UT")) == (0.138, "uncalibrated")


@pytest.mark.parametrize(("ratio", "aspect"), [([2, 1], 2.0), ([1, 1], 1.0), ([3, 4], 0.75), (None, 1.0)])
def test_pixel_aspect_ratio(ratio, aspect):
    assert header.pixel_aspect(dataset(**({} if ratio is None else {"PixelAspectRatio": ratio}))) == aspect


@pytest.mark.parametrize("text", ["0\\1", "2", "two\\one"])
def test_an_aspect_ratio_that_cannot_be_read_is_refused(text):
    with pytest.raises(InputError, match="Pixel Aspect Ratio is"):
        header.pixel_aspect(raw("PixelAspectRatio", text, "IS"))


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


def test_view_position_and_view_code_are_both_read():
    code = dataset(CodeValue="399067008", CodingSchemeDesignator="SCT", CodeMeaning="lateral projection")
    assert header.view(dataset(ViewPosition="PA", ViewCodeSequence=[code])) == "PA"
    assert header.view_code(dataset(ViewPosition="PA", ViewCodeSequence=[code])) == "lateral projection"
    assert header.view(dataset()) == header.view_code(dataset()) == ""


@pytest.mark.parametrize(
    ("attributes", "intent"),
    [
        ({}, ""),
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
        ({"PresentationIntentType": "for presentation "}, "FOR PRESENTATION"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"}, "FOR PROCESSING"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1"}, "FOR PRESENTATION"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"}, ""),
    ],
)
def test_presentation_intent(attributes, intent):
    assert header.presentation_intent(dataset(**attributes)) == intent


@pytest.mark.parametrize(
    ("code", "scheme", "meaning", "words"),
    [
        ("399067008", "SCT", "", "lateral"),
        ("399067008", "SCT", "seitlich", "lateral (seitlich)"),
        ("R-10206", "SRT", "", "antero-posterior"),
        ("R-102CD", "SNM3", "side", "lateral (side)"),
        ("399182000", "SCT", "oblique projection", "oblique projection"),
        ("399059000", "SCT", "PA", "postero-anterior oblique (PA)"),
        ("X1", "99LOCAL", "Hand schr\u00e4g", "Hand schr\u00e4g"),
        ("X1", "99LOCAL", "", ""),
    ],
)
def test_the_view_is_read_from_the_code_too(code, scheme, meaning, words):
    item = dataset(CodeValue=code, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
    assert header.view_code(dataset(ViewCodeSequence=[item])) == words


def test_modifiers_and_eponyms_are_part_of_the_view():
    modifier = dataset(CodeValue="X", CodingSchemeDesignator="99LOCAL", CodeMeaning="oblique 45")
    view = dataset(CodeValue="272479007", CodingSchemeDesignator="SCT", ViewModifierCodeSequence=[modifier])
    assert header.view_code(dataset(ViewCodeSequence=[view])) == "postero-anterior, oblique 45"
    norgaard = dataset(CodeValue="399157000", CodingSchemeDesignator="SCT")
    assert header.view_code(dataset(ProjectionEponymousNameCodeSequence=[norgaard])) == "Norgaard"


@pytest.mark.parametrize(
    ("text", "oblique"),
    [
        ("HAND OBL LT", True), ("Hand_lateral", True), ("Hand schr\u00e4g", True), ("HAND PA/LAT", False),
        ("Hand Latimer", False), ("Hand dp", False), ("", False), ("bilateral hands", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("keyword", ["SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription"])
def test_descriptions_of_an_oblique_view(keyword, text, oblique):
    assert header.describes_oblique(dataset(SpecificCharacterSet="ISO_IR 192", **{keyword: text})) is oblique
