"""Which patients a folder or a table holds, and what is wrong with them."""

import shutil

import pytest

import napari_jsn as jsn
from napari_jsn.cohort.sources import list_sources, patient_by_headers
from napari_jsn.common.errors import InputError

RADIOGRAPHS = sorted(jsn.sample_folder("hand_pair").rglob("*.dcm"))


@pytest.fixture
def radiographs(tmp_path):
    for name in ("a.dcm", "b.dcm", "c.dcm", "d.dcm", "e.dcm"):
        shutil.copy(RADIOGRAPHS[0], tmp_path / name)
    return tmp_path


def table(folder, text, encoding="utf-8"):
    (folder / "trial.csv").write_text(text, encoding)
    return folder / "trial.csv"


def test_a_folder_of_patients(trial):
    sources = list_sources(trial)
    assert [each.name for each in sources] == ["A01", "A02", "A03 Doe"]
    assert [each.patient for each in sources] == ["", "", ""] and all(each.label.startswith("F") for each in sources)
    assert len({each.label for each in sources}) == 3 and "Doe" not in sources[2].label
    assert [each.patient for each in list_sources(trial, pseudonyms=True)] == ["A01", "A02", "A03 Doe"]
    assert [len(patient_by_headers(each).visits) for each in sources[:2]] == [2, 2]
    with pytest.raises(InputError, match="contains no DICOM radiographs"):
        patient_by_headers(sources[2])


@pytest.mark.parametrize("place", ["none", "empty", 3, None])
def test_wrong_folders(tmp_path, place):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as refused:
        list_sources(place if place is None or isinstance(place, int) else tmp_path / place)
    assert refused.value.argument == "source"


def test_the_folder_of_one_patient_is_no_cohort():
    with pytest.raises(InputError, match="holds radiographs itself"):
        list_sources(RADIOGRAPHS[0].parent)


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16")])
def test_a_table(radiographs, separator, encoding):
    rows = [
        "patient,visit,path,date,side,spacing,arm,age",
        "P1,1,a.dcm,2020-01-31,L,0.1,drug,50",
        "P1,2,b.dcm,2021-01-31,left,0.2,drug,51",
        "P2,0,c.dcm,,R,,placebo,",
        "P2,52,d.dcm,,R,,,",
        ",,,,,,,",
    ]
    one, two = list_sources(table(radiographs, "\n".join(rows).replace(",", separator), encoding))
    assert (one.patient, one.arm, one.age, two.arm) == ("P1", "drug", "50", "placebo")
    assert (
        one.visits == ((str(radiographs / "a.dcm"),), (str(radiographs / "b.dcm"),)) and one.faults == () == one.notes
    )
    facts = one.stated[str(radiographs / "b.dcm")]
    assert (str(facts.acquired), facts.side, facts.spacing_mm) == ("2021-01-31", "L", 0.2)
    assert two.notes == ("Visits are numbered in their order: 1 (0), 2 (52).",)
    patient = patient_by_headers(one)
    assert [(str(visit.day), len(visit.hands)) for visit in patient.visits] == [("2020-01-31", 1), ("2021-01-31", 1)]
    assert [hand.radiograph.spacing_mm for hand in patient.hands] == [0.1, 0.2]


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["P1,1,a.dcm,,,", "P1,2,none.dcm,,,"], "There is no file none.dcm (line 3)."),
        (["P1,1,a.dcm,,X,", "P1,2,b.dcm,,,"], "The side of line 2 is 'X'"),
        (["P1,1,a.dcm,,,wide", "P1,2,b.dcm,,,"], "The spacing of line 2 is 'wide'"),
        (["P1,1,a.dcm,,,-1", "P1,2,b.dcm,,,"], "Line 2: "),
        (["P1,1,a.dcm,31.1.2020,,", "P1,2,b.dcm,,,"], "The date of line 2 is '31.1.2020'"),
        (["P1,1,a.dcm,,,", "P1,1,b.dcm,,,"], "There is only one visit"),
        (["P1,,a.dcm,,,", "P1,1,b.dcm,,,"], "Line 2 states no visit."),
        (["P1,1,,,,", "P1,2,b.dcm,,,"], "Line 2 states no path."),
        (["P1,1,a.dcm,2021-01-01,,", "P1,2,b.dcm,2020-01-01,,"], "The dates of the 2 visits contradict"),
        (["P1,start,a.dcm,,,", "P1,end,b.dcm,,,"], "The visits have names"),
        (["P1,1,a.dcm,,,", "P1,1,a.dcm,,,", "P1,2,b.dcm,,,"], "Line 3 names the same radiograph again."),
        (["P1,1,a.dcm,,,", "P1,2,./a.dcm,,,"], "Line 3 names the same radiograph again."),
        (["P1,1,a.dcm,,,", "P1,2,b.dcm,,,,,x"], "Line 3 has more cells than"),
        (["P1,1,a.dcm,,,", "P1,2,b.dcm,,,", "P2,1,./b.dcm,,,", "P2,2,e.dcm,,,"], "The radiograph of line 4 is also"),
        (["P1,1,a.dcm,,,", "P1,2,b.dcm,,,", "P2,1,b.dcm,,,", "P2,2,e.dcm,,,"], "The radiograph of line 4 is also"),
    ],
)
def test_faults_of_rows_are_those_of_their_patient(radiographs, rows, fault):
    lines = ["patient,visit,path,date,side,spacing", *rows, "P9,1,c.dcm,,,", "P9,2,d.dcm,,,"]
    sources = list_sources(table(radiographs, "\n".join(lines)))
    assert any(each.startswith(fault) for each in sources[0].faults), sources[0].faults
    assert sources[-1].faults == ()
    with pytest.raises(InputError) as refused:
        patient_by_headers(sources[0])
    assert str(refused.value).count(fault) == 1


@pytest.mark.parametrize("name", ["spacing_mm", "Pixel_Spacing", "acquired", "laterality"])
def test_columns_that_would_be_passed_over_are_refused(radiographs, name):
    text = f"patient,visit,path,{name}\nP1,1,a.dcm,0.1\nP1,2,b.dcm,0.1\n"
    with pytest.raises(InputError, match=f"has a column {name.lower()}. Name it (date|side|spacing) if"):
        list_sources(table(radiographs, text))


def test_a_table_in_the_folder_of_the_program(radiographs, monkeypatch):
    table(radiographs, "Patient, Visit ,PATH\nP1,1,a.dcm\nP1,2,a.dcm\nP2,1,,\nP3,1,,\n")
    monkeypatch.chdir(radiographs)
    one, two, three = list_sources("trial.csv")
    assert one.faults == ("Line 3 names the same radiograph again.",)
    assert [two.faults[-1], three.faults[-1]] == ["Line 4 states no path.", "Line 5 states no path."]


@pytest.mark.parametrize(
    "text", ["patient,visit\nP1,1\n", "patient,visit,path\n,1,a.dcm\n", "patient,visit,path\n", "\0\0"]
)
def test_tables_that_cannot_be_used(radiographs, text):
    with pytest.raises(InputError) as refused:
        list_sources(table(radiographs, text))
    assert refused.value.argument == "source"
