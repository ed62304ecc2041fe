"""Dates of a header that contradict each other, in a folder and in radiographs given one by one."""

import pytest

import napari_jsn as jsn
from napari_jsn.common.errors import InputError
from napari_jsn.patient.check_tags import check_tags
from napari_jsn.patient.read import patient_from_radiographs, read_patient
from tests.patient.sample_files import DATES, write_sample

EARLY, LATE = "20200106", "20210113"


def write(folder, first, second, names=("b.dcm", "a.dcm")):
    """Write two visits with these attributes, named against their order unless given."""
    return [
        write_sample(folder / name, visit, dates=dates)
        for visit, name, dates in zip((1, 2), names, (first, second))
    ]  # fmt: skip


def all_dates(day, **others):
    return {**dict.fromkeys(DATES, day), **others}


def folder_and_given(folder, paths):
    """Read the folder, and the same files given in their order; both must agree."""
    patient = read_patient(folder, split=False)
    given = check_tags(patient_from_radiographs(*paths, split=False))
    for one in (patient, given):
        assert [visit.radiographs[0].path for visit in one.visits] == paths
    assert [visit.day for visit in patient.visits] == [visit.day for visit in given.visits]
    assert set(patient.notes) <= set(given.notes)
    assert not any(day[:4] in note for note in given.notes for day in (EARLY, LATE))  # notes are part of reports
    return patient


def refused(what, *arguments):
    with pytest.raises(InputError) as error:
        what(*arguments)
    return str(error.value)


@pytest.mark.parametrize(
    ("keyword", "day", "why"),
    [
        ("AcquisitionDate", "19000101", "a placeholder"),
        ("AcquisitionDate", "00010101", "a placeholder"),
        ("AcquisitionDate", "18500630", "before the first radiograph"),
        ("AcquisitionDate", "25640113", "another calendar"),
        ("AcquisitionDate", "14420113", "another calendar"),
        ("ContentDate", "19000101", "a placeholder"),
    ],
)
def test_an_impossible_date_of_the_follow_up_does_not_swap_the_visits(tmp_path, keyword, day, why):
    paths = write(tmp_path, all_dates(EARLY), all_dates(LATE, **{keyword: day}))
    (note,) = folder_and_given(tmp_path, paths).notes
    assert note.startswith("Visit 2, left: ") and why in note and " was used" in note


@pytest.mark.parametrize("day", ["20991231", "25630106", "99991231"])
def test_an_impossible_date_of_the_baseline_does_not_swap_the_visits(tmp_path, day):
    paths = write(tmp_path, all_dates(EARLY, AcquisitionDate=day), all_dates(LATE))
    (note,) = folder_and_given(tmp_path, paths).notes
    assert note.startswith("Visit 1, left: Acquisition Date was not used")
    assert "days" not in note  # the distance from a placeholder would reveal the date


def test_a_date_before_the_birth_date_is_not_used(tmp_path):
    paths = write(
        tmp_path, all_dates(EARLY, PatientBirthDate="19710203"),
        all_dates(LATE, PatientBirthDate="19710203", AcquisitionDate="19610113"),
    )  # fmt: skip
    (note,) = folder_and_given(tmp_path, paths).notes
    assert "before the patient's birth date" in note


@pytest.mark.parametrize("keyword", ["AcquisitionDate", "StudyDate", "SeriesDate"])
def test_a_birth_date_as_the_only_date_of_a_visit_is_asked_about(tmp_path, keyword):
    birth = {"PatientBirthDate": "19710203"}
    write(tmp_path, all_dates(EARLY, **birth), {keyword: "19710203", **birth})
    assert "1971-02-03: it is the patient's birth date" in refused(read_patient, tmp_path)


@pytest.mark.parametrize("day", ["19700101", "19800101", "20000101", "20010101"])
def test_a_visit_whose_clock_was_reset_is_noted(tmp_path, day):
    paths = write(tmp_path, all_dates(EARLY), all_dates(day))
    (note,) = read_patient(tmp_path, split=False).notes
    assert note.startswith("Visit 1, left: Acquisition Date is a day at which the clocks of devices begin")
    assert "check the order of the visits" in note
    assert "out of order" in refused(jsn.measure, *paths)


@pytest.mark.parametrize(("day", "years"), [("19210115", 99), ("19030506", 117), ("19720101", 48)])
def test_visits_many_years_apart_are_noted(tmp_path, day, years):
    write(tmp_path, all_dates(EARLY), all_dates(day))
    (note,) = check_tags(read_patient(tmp_path, split=False)).notes
    assert note.startswith(f"Visits 1 and 2 lie {years} years apart: a date is probably wrong")


@pytest.mark.parametrize("exported", [("20240701", "20240701"), ("20240702", "20240701"), ("20240701", "20240702")])
@pytest.mark.parametrize("series", [False, True])
def test_the_content_date_of_derived_images_is_not_used(tmp_path, exported, series):
    attributes = [
        {"StudyDate": study, "ContentDate": content, **({"SeriesDate": content} if series else {}),
         "ImageType": ["DERIVED", "PRIMARY"]}
        for study, content in zip((EARLY, LATE), exported)
    ]  # fmt: skip
    patient = folder_and_given(tmp_path, write(tmp_path, *attributes))
    assert [str(visit.day) for visit in patient.visits] == ["2020-01-06", "2021-01-13"] and patient.notes == ()


@pytest.mark.parametrize(
    "first",
    [
        all_dates(EARLY, StudyDate="20240701"),
        all_dates(EARLY, ContentDate="20240701"),
        {"AcquisitionDate": EARLY, "ContentDate": EARLY, "StudyDate": "20240701"},
        {"AcquisitionDateTime": EARLY, "SeriesDate": EARLY, "StudyDate": "20240701"},
    ],
)
def test_most_dates_of_a_header_decide_with_a_note(tmp_path, first):
    patient = folder_and_given(tmp_path, write(tmp_path, first, all_dates(LATE)))
    (note,) = patient.notes
    assert "1,638 days after Acquisition Date" in note and "agree on another day" in note


UNSETTLED = [
    ({"StudyDate": EARLY, "ContentDate": "20240702"}, {"StudyDate": LATE, "ContentDate": "20240701"}),
    ({"AcquisitionDate": EARLY, "StudyDate": "20240701"}, {"StudyDate": LATE}),
    ({"AcquisitionDate": EARLY, "StudyDate": "20240701"}, all_dates(LATE)),
]


@pytest.mark.parametrize(("first", "second"), UNSETTLED)
def test_the_folder_asks_where_the_order_depends_on_unsettled_dates(tmp_path, first, second):
    paths = write(tmp_path, first, second)
    words = refused(read_patient, tmp_path)
    assert "contradict each other, and the order of the visits depends on them" in words
    assert "radiographs.csv: a first line file,acquired" in words and ".dcm,2020-01-31" in words
    given = check_tags(patient_from_radiographs(*paths, split=False))  # the user states the order
    assert [str(visit.day) for visit in given.visits] == ["2020-01-06", "2021-01-13"]
    assert any("does not show which is right" in note for note in given.notes)
    (tmp_path / "radiographs.csv").write_text("file,acquired\nb.dcm,2020-01-06\na.dcm,2021-01-13\n")
    patient = read_patient(tmp_path, split=False)
    assert [visit.radiographs[0].path for visit in patient.visits] == paths and patient.notes == ()


@pytest.mark.parametrize(("first", "second"), UNSETTLED)
def test_names_settle_the_order(tmp_path, first, second):
    paths = write(tmp_path, first, second, ("v01.dcm", "v02.dcm"))
    assert any("does not show which is right" in note for note in folder_and_given(tmp_path, paths).notes)


def test_the_order_that_is_given_chooses_between_unsettled_dates(tmp_path):
    """Acquisition Date would be preferred, but only Study Date fits the order."""
    first = {"AcquisitionDate": "20240701", "StudyDate": EARLY}
    paths = write(tmp_path, first, all_dates(LATE), ("baseline.dcm", "followup.dcm"))
    patient = folder_and_given(tmp_path, paths)
    assert patient.visits[0].radiographs[0].acquired_source == "StudyDate"
    assert "Acquisition Date lies 1,638 days after Study Date" in patient.notes[0]


def test_both_orders_the_same_need_no_question(tmp_path):
    paths = write(
        tmp_path, {"AcquisitionDate": EARLY, "StudyDate": "20240701"},
        {"AcquisitionDate": LATE, "StudyDate": "20250701"},
    )  # fmt: skip
    assert len(folder_and_given(tmp_path, paths).notes) == 2


def test_the_same_hands_of_one_visit_stay_together(tmp_path):
    """By the date preferred for one of them they would be two visits."""
    both = {"AcquisitionDate": EARLY, "StudyDate": "20190106"}
    write_sample(tmp_path / "v01_left.dcm", 1, dates=both)
    write_sample(tmp_path / "v01_right.dcm", 1, lambda pixels: pixels[:, ::-1], {"StudyDate": "20190106"},
                 Laterality="R", ImageLaterality="R", SOPInstanceUID="1.2.3")  # fmt: skip
    write_sample(tmp_path / "v02_left.dcm", 2)
    patient = read_patient(tmp_path, split=False)
    assert [[r.side for r in visit.radiographs] for visit in patient.visits] == [["R", "L"], ["L"]]


@pytest.mark.parametrize("years", [("2050", "2051"), ("2101", "2102")])
def test_shifted_dates_of_all_visits_are_used_with_a_note(tmp_path, years):
    paths = write(tmp_path, *(all_dates(f"{year}0106") for year in years))
    notes = folder_and_given(tmp_path, paths).notes
    assert len(notes) == 2 and all("lies in the future" in note for note in notes)


def test_one_visit_in_the_future_is_asked_about(tmp_path):
    paths = write(tmp_path, all_dates("20500106"), all_dates(LATE))
    assert "2050-01-06, which lies in the future" in refused(read_patient, tmp_path)
    assert "out of order" in refused(jsn.measure, *paths)


@pytest.mark.parametrize("day", ["19000101", "25640113", "18500630"])
def test_a_visit_without_a_possible_date_is_asked_about(tmp_path, day):
    paths = write(tmp_path, all_dates(EARLY), all_dates(day))
    words = refused(read_patient, tmp_path)
    assert "a.dcm states no date that can be used (Acquisition Date" in words and "radiographs.csv" in words
    given = patient_from_radiographs(*paths, split=False)
    assert [visit.day is None for visit in given.visits] == [False, True]
    assert any("no date was used" in note for note in given.notes)


@pytest.mark.parametrize("keyword", ["AcquisitionDate", "StudyDate", "SeriesDate"])
def test_given_in_an_order_that_reliable_dates_contradict(tmp_path, keyword):
    paths = write(tmp_path, {keyword: EARLY}, {keyword: LATE})
    assert [visit.radiographs[0].path for visit in read_patient(tmp_path, split=False).visits] == paths
    words = refused(jsn.measure, *reversed(paths))
    assert "out of order: visit 2 (2020-01-06) was taken before visit 1 (2021-01-13)" in words
    assert "radiographs.csv: a first line file,acquired" in words


def test_every_radiograph_of_a_visit_counts_for_the_order(tmp_path):
    left, later_left = write(tmp_path, all_dates(EARLY), all_dates(LATE))
    right = write_sample(tmp_path / "r.dcm", 1, lambda pixels: pixels[:, ::-1], all_dates("20230106"),
                         Laterality="R", ImageLaterality="R")  # fmt: skip
    assert "out of order" in refused(jsn.measure, [left, right], later_left)
