"""The date of acquisition by the agreement of all dates of a DICOM header."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pydicom import Dataset

from napari_jsn.radiograph.dates import AT_BIRTH, BEFORE_BIRTH, FUTURE, OTHER_CALENDAR, OUTVOTED, PLACEHOLDER, TOO_EARLY
from napari_jsn.radiograph.dicom_dates import acquired

TODAY = date(2026, 11, 28)
ACQUISITION, CONTENT, STUDY, SERIES = "AcquisitionDate", "ContentDate", "StudyDate", "SeriesDate"


def dataset(**attributes):
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def chosen(**attributes):
    """Date, source, and the dates that were not used with their faults."""
    found = acquired(dataset(**attributes), TODAY)
    return found.when, found.source, {one.source: one.fault for one in found.others}


def test_the_dates_of_the_simulator():
    day = "20200106"
    assert chosen(AcquisitionDate=day, ContentDate=day, StudyDate=day, SeriesDate=day) == (
        date(2020, 1, 6), ACQUISITION, {},
    )  # fmt: skip


EXPORTED = {"StudyDate": "20190401", "ContentDate": "20240101"}


@pytest.mark.parametrize(
    ("attributes", "when", "source"),
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
        ({"SeriesDate": "20200501"}, date(2020, 5, 1), "SeriesDate"),
        (EXPORTED | {"ConversionType": "DF"}, date(2019, 4, 1), "StudyDate"),
        (EXPORTED | {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, date(2019, 4, 1), "StudyDate"),
        (EXPORTED | {"ImageType": ["DERIVED", "PRIMARY"]}, date(2019, 4, 1), "StudyDate"),
        (EXPORTED | {"ImageType": "derived", "SeriesDate": "20240101"}, date(2019, 4, 1), "StudyDate"),
    ],
)
def test_date_and_source(attributes, when, source):
    assert chosen(**attributes) == (when, source, {})


@pytest.mark.filterwarnings("ignore")
def test_malformed_values_count_as_absent():
    made = dataset(StudyDate="not a day", AcquisitionDateTime="2020-05-xx")
    made.add_new("AcquisitionTime", "TM", "noon")
    made.add_new("AcquisitionDate", "DA", "20200501")
    found = acquired(made, TODAY)
    assert (found.when, found.source, found.others) == (date(2020, 5, 1), "AcquisitionDate", ())
    assert acquired(dataset(StudyDate="unknown"), TODAY).when is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", ["20200501 12:30", "202005019999", "20200501T1230"])
def test_the_day_of_a_malformed_date_time_is_read(text):
    when, source, _ = chosen(AcquisitionDateTime=text)
    assert (str(when)[:10], source) == ("2020-05-01", "AcquisitionDateTime")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("text", ["2020-05-01", "2020.05.01", "2020/05/01"])
def test_dates_with_separators_are_read(text):
    assert chosen(StudyDate=text)[0] == date(2020, 5, 1)


@pytest.mark.parametrize("keyword", [ACQUISITION, CONTENT, STUDY])
@pytest.mark.parametrize(
    ("day", "fault"),
    [
        ("19000101", PLACEHOLDER),
        ("00010101", PLACEHOLDER),
        ("18991230", PLACEHOLDER),
        ("99991231", PLACEHOLDER),
        ("20000101", PLACEHOLDER),
        ("19700101", BEFORE_BIRTH),
        ("18501224", TOO_EARLY),
        ("19650312", BEFORE_BIRTH),
        ("19710203", AT_BIRTH),
        ("20310506", FUTURE),
        ("25640506", OTHER_CALENDAR),  # Buddhist
        ("13990506", OTHER_CALENDAR),  # Persian
        ("14410506", OTHER_CALENDAR),  # Islamic
        ("01090506", OTHER_CALENDAR),  # Minguo
        ("00310506", OTHER_CALENDAR),  # Japanese
    ],
)
def test_an_impossible_date_in_one_attribute_is_not_used(keyword, day, fault):
    others = {other: "20210506" for other in (ACQUISITION, CONTENT, STUDY) if other != keyword}
    when, _, faults = chosen(PatientBirthDate="19710203", **{keyword: day}, **others)
    assert when == date(2021, 5, 6) and faults == {keyword: fault}
    only_other = chosen(PatientBirthDate="19710203", SeriesDate="20210506", **{keyword: day})
    assert only_other == (date(2021, 5, 6), SERIES, {keyword: fault})


@pytest.mark.parametrize("day", ["19000101", "18501224", "20310506", "25640506", "13990506"])
def test_an_impossible_date_alone_is_no_date(day):
    when, source, faults = chosen(StudyDate=day)
    assert (when, source, list(faults)) == (None, "", [STUDY])


@pytest.mark.parametrize("birth", ["19000101", "20250101", "25140203", ""])
def test_a_birth_date_that_cannot_be_right_hides_no_date(birth):
    dates = {"AcquisitionDate": "20210506", "StudyDate": "20210506"}
    assert chosen(PatientBirthDate=birth, **dates)[0] == date(2021, 5, 6)


def test_shifted_dates_that_agree_are_used():
    assert chosen(AcquisitionDate="21110506", StudyDate="21110506") == (date(2111, 5, 6), ACQUISITION, {})


@pytest.mark.parametrize(
    ("dates", "used", "source", "contradicting"),
    [
        # the study date of an import, years after the acquisition
        ({ACQUISITION: "20030506", CONTENT: "20030506", STUDY: "20100101"}, 2003, ACQUISITION, {STUDY}),
        ({ACQUISITION: "20030506", SERIES: "20030506", STUDY: "20100101"}, 2003, ACQUISITION, {STUDY}),
        ({CONTENT: "20030506", SERIES: "20030507", STUDY: "20100101"}, 2003, CONTENT, {STUDY}),
        # the content date of an export that does not state that it derived the image
        ({CONTENT: "20240701", STUDY: "20200106", SERIES: "20200106"}, 2020, STUDY, {CONTENT}),
        ({ACQUISITION: "20200106", CONTENT: "20240701", STUDY: "20200106"}, 2020, ACQUISITION, {CONTENT}),
        # a clock that was wrong
        ({ACQUISITION: "20080101", CONTENT: "20200106", STUDY: "20200106", SERIES: "20200106"}, 2020, CONTENT,
         {ACQUISITION}),
    ],
)  # fmt: skip
def test_most_dates_decide(dates, used, source, contradicting):
    when, found, faults = chosen(**dates)
    assert (when.year, found) == (used, source)
    assert faults == dict.fromkeys(contradicting, OUTVOTED)


@pytest.mark.parametrize("keyword", [CONTENT, SERIES])
def test_a_date_of_a_derived_image_counts_if_the_acquisition_agrees(keyword):
    derived = {"ImageType": ["DERIVED", "PRIMARY"], STUDY: "20100101"}
    assert chosen(AcquisitionDate="20030506", **{keyword: "20030507"}, **derived) == (
        date(2003, 5, 6), ACQUISITION, {STUDY: OUTVOTED},
    )  # fmt: skip
    assert chosen(AcquisitionDate="20030506", **{keyword: "20100101"}, **derived) == (
        date(2003, 5, 6), ACQUISITION, {STUDY: ""},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("dates", "used", "source", "contradicting"),
    [
        ({CONTENT: "20240701", STUDY: "20200106"}, 2020, STUDY, {CONTENT}),
        ({ACQUISITION: "20200106", STUDY: "20240701"}, 2020, ACQUISITION, {STUDY}),
        ({ACQUISITION: "20240701", STUDY: "20200106"}, 2024, ACQUISITION, {STUDY}),
        ({CONTENT: "20240701", SERIES: "20240701", STUDY: "20200106"}, 2024, CONTENT, {STUDY}),
        ({ACQUISITION: "20200106", CONTENT: "20200106", STUDY: "20240701", SERIES: "20240701"}, 2020, ACQUISITION,
         {STUDY, SERIES}),
    ],
)  # fmt: skip
def test_dates_that_no_majority_settles_have_no_fault(dates, used, source, contradicting):
    when, found, faults = chosen(**dates)
    assert (when.year, found) == (used, source)
    assert faults == dict.fromkeys(contradicting, "")


@pytest.mark.parametrize("created", ["20030506", "20030508"])
def test_no_date_is_later_than_the_file(created):
    dates = {CONTENT: "20100101", STUDY: "20030506"}
    assert chosen(**dates, InstanceCreationDate=created) == (date(2003, 5, 6), STUDY, {CONTENT: OUTVOTED})


@pytest.mark.parametrize("apart", ["20200107", "20200110", "20200113"])
def test_some_days_are_no_contradiction(apart):
    assert chosen(AcquisitionDate="20200106", StudyDate=apart) == (date(2020, 1, 6), ACQUISITION, {})
