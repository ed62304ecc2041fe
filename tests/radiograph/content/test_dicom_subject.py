import warnings

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from napari_jsn.radiograph.content import dicom_subject as subject

SECONDARY = "1.2.840.10008.5.1.4.1.1.7"


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pydicom about malformed values, which these tests make
        yield


def header(**attributes):
    dataset = Dataset()
    dataset.Modality, dataset.Rows, dataset.SOPClassUID = "CR", 64, "1.2.840.10008.5.1.4.1.1.1"
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def code(value="", meaning="", scheme="SCT"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


FOOT, HAND = code("56459004", "Foot"), code("85562004", "Hand")


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ({"AnatomicRegionSequence": FOOT}, "FOOT"),
        ({"AnatomicRegionSequence": code("T-D9700", "", "SRT")}, "FOOT"),
        ({"AnatomicRegionSequence": code("1234", "Pied gauche")}, "FOOT"),
        ({"AnatomicRegionSequence": code("66019005", "Extremity"), "PrimaryAnatomicStructureSequence": FOOT}, "FOOT"),
        ({"AnatomicRegionSequence": FOOT, "StudyDescription": "Hände und Füße"}, "FOOT"),
        ({"AnatomicRegionSequence": FOOT, "BodyPartExamined": "HAND"}, "FOOT"),
        ({"BodyPartExamined": "FOOT", "AnatomicRegionSequence": HAND}, "FOOT"),
        ({"BodyPartExamined": "LFOOT"}, "FOOT"),
        ({"BodyPartExamined": "FOOT", "SeriesDescription": "HAND/FOOT"}, "FOOT"),
        ({"SeriesDescription": "Vorfuß li dp"}, "FOOT"),
        ({"SeriesDescription": "Pieds face", "StudyDescription": "Mains et pieds"}, "FOOT"),
        ({"ProtocolName": "knie bds"}, "KNEE"),
        ({"AcquisitionDeviceProcessingDescription": "FOOT AP"}, "FOOT"),
        ({"StudyDescription": "XR FEET 3V"}, "FOOT"),
        ({"RequestedProcedureDescription": "Rx torace"}, "CHEST"),
    ],
)
def test_other_parts_are_left_out(attributes, part):
    assert subject.other_part(header(**attributes)) == (part, "")


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"BodyPartExamined": "HAND"},
        {"BodyPartExamined": "EXTREMITY"},
        {"BodyPartExamined": "WRIST"},
        {"BodyPartExamined": "HAND", "StudyDescription": "Füße"},
        {"BodyPartExamined": "HANDFOOT"},
        {"AnatomicRegionSequence": HAND, "SeriesDescription": "Hände und Füße"},
        {"AnatomicRegionSequence": code("", "")},
        {"AnatomicRegionSequence": []},
        {"SeriesDescription": "Handgelenk", "StudyDescription": "Füße"},
        {"SeriesDescription": "Serie 3 face"},
        {"StudyDescription": "Verlauf unter Behandlung"},
    ],
)
def test_hands_are_kept(attributes):
    assert subject.other_part(header(**attributes)) == ("", "")


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"SeriesDescription": "HAND/FOOT"}, "FOOT"),
        ({"StudyDescription": "Hände und Füße beidseits"}, "FOOT"),
        ({"ProtocolName": "Mano, rodilla"}, "KNEE"),
        ({"BodyPartExamined": "HAND", "SeriesDescription": "Fuß re"}, "FOOT"),
        ({"BodyPartExamined": "FOOT", "SeriesDescription": "Hand re"}, "FOOT"),
        ({"AnatomicRegionSequence": FOOT, "ProtocolName": "main gauche"}, "FOOT"),
    ],
)
def test_hands_with_another_part_in_the_text_are_kept_and_said(attributes, named):
    part, doubt = subject.other_part(header(**attributes))
    assert part == "" and named in doubt and "hand" in doubt


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({}, ""),
        ({"Modality": "DX"}, ""),
        ({"Modality": None}, ""),
        ({"Modality": "SR", "Rows": None}, "modality SR"),
        ({"Modality": "MR"}, "modality MR"),
        ({"Modality": "DOC", "Rows": None}, "modality DOC"),
        ({"Modality": "Smith"}, "another modality"),
        ({"Modality": "DOE"}, "another modality"),
        ({"Modality": "LI"}, "another modality"),
        ({"Modality": "RTSMITH"}, "another modality"),
        ({"Modality": "RTPLAN"}, "modality RTPLAN"),
        ({"Modality": "OT", "Rows": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "type report (no image)"),
        ({"NumberOfFrames": "12"}, "type multi-frame image"),
        ({"NumberOfFrames": "1"}, ""),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "type localizer"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "localizer "]}, "type localizer"),
        ({"ImageType": "DERIVED"}, ""),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "type screenshot or report"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN_SHOT"]}, "type screenshot or report"),
        ({"ImageType": ["DERIVED", "SECONDARY", "DOSE_INFO"]}, "type screenshot or report"),
        ({"SOPClassUID": SECONDARY, "SeriesDescription": "Dose Report"}, "type screenshot or report"),
        ({"SOPClassUID": SECONDARY, "SeriesDescription": "Dosisprotokoll"}, "type screenshot or report"),
        ({"SOPClassUID": f"{SECONDARY}.4", "SeriesDescription": "compte rendu"}, "type screenshot or report"),
        ({"SOPClassUID": SECONDARY, "SeriesDescription": "Hand links"}, ""),
        ({"SOPClassUID": SECONDARY, "SeriesDescription": "low dose", "ConversionType": "DF"}, ""),
        ({"SeriesDescription": "hand, low dose"}, ""),
    ],
)
def test_files_that_are_not_radiographs(attributes, why):
    assert subject.not_a_radiograph(header(**attributes)) == why


@pytest.mark.parametrize(
    ("attributes", "incomplete"),
    [
        ({}, False),
        ({"Rows": None}, True),
        ({"Rows": None, "SOPClassUID": None}, True),
        ({"Rows": None, "SOPClassUID": SECONDARY}, True),
        ({"Rows": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}, False),
        ({"Rows": None, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, False),
    ],
)
def test_headers_that_are_cut_off(attributes, incomplete):
    assert subject.is_incomplete(header(**attributes)) is incomplete


def test_the_index_of_a_disc():
    index = header()
    assert not subject.is_directory(index)
    index.file_meta = FileMetaDataset()
    index.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    assert subject.is_directory(index)
