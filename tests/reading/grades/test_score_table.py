"""The table of grades that page and dock share."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread

from napari_jsn.common.errors import InputError
from napari_jsn.export.dicom.reading import read_progression_sr
from napari_jsn.export.progression_files import progression_files
from napari_jsn.reading import (
    Reading,
    all_back_to_initial,
    back_to_initial,
    give_grade,
    open_patient,
    score_table,
    statement,
)
from napari_jsn.reading.grades.score_table import grades_of
from napari_jsn.reading.joints.alignment import hand_alignment, joint_alignment
from napari_jsn.store import open_store
from tests.scoring.simulated import sheet


@pytest.fixture
def item(place, measured):
    """A patient whom a model and reader B have graded, as reader A reads it."""
    with open_store(place, "B") as other:
        other.save(replace(measured, patient_id="P000"))
        other.save(sheet(1, readers=("B", "two-stage"), scheme_name="svdh-fingers"))
    with open_store(place, "A") as opened:
        yield Reading(opened).open("P000")


def test_cells_hold_the_models_grade_until_the_reader_gives_one(item):
    table = score_table(item)
    assert table.sides == ("R", "L") and table.visits == (1, 2) and len(table.cells) == 2 * 2 * 2 * 15
    cell = table.cells[1, "L", "MCP2", "jsn"]
    assert cell.model == "two-stage" and cell.value == cell.initial and not cell.edited and cell.editable
    assert not table.cells[1, "R", "MCP2", "jsn"].editable and not table.cells[1, "L", "DIP2", "erosion"].scored
    other = 3.0 if cell.initial[0] != 3 else 2.0
    give_grade(item, cell.place, other)
    now = score_table(item).cells[cell.place]
    assert (now.value, now.initial, now.edited) == ((other, "", ""), cell.initial, True)
    row = score_table(item).frame().set_index(["visit", "side", "site", "kind"]).loc[cell.place]
    assert (row["grade"], row["by"], row["edited"], row["model"], row["model_grade"]) == (
        other, "A", True, "two-stage", cell.initial[0],
    )  # fmt: skip
    back_to_initial(item, cell.place)
    assert score_table(item).cells[cell.place] == cell
    back_to_initial(item, cell.place)  # nothing to do
    assert item.can_undo


def test_all_grades_go_back_in_one_step_which_undo_takes_back(item):
    places = [(visit, "L", site, kind) for visit in (1, 2) for site in ("MCP2", "PIP5") for kind in ("jsn", "erosion")]
    for place in places:
        give_grade(item, place, None, not_scored="overlap")
    assert all_back_to_initial(item, 2) == 4 and len(score_table(item).edited()) == 4
    item.undo()
    assert [cell.place for cell in score_table(item).edited()] == sorted(
        places, key=lambda p: (p[0], p[2] != "PIP5", p[3])
    )
    assert all_back_to_initial(item) == 8 and all_back_to_initial(item) == 0


@pytest.mark.parametrize(
    "where, grade, argument",
    [
        ((1, "L", "MCP2", "jsn"), 5, "grade"),
        ((1, "L", "MCP2", "erosion"), 6, "grade"),
        ((1, "L", "MCP2", "jsn"), None, "grade"),
        ((1, "L", "DIP2", "jsn"), 1, "site"),
        ((1, "R", "MCP2", "jsn"), 1, "side"),
        ((3, "L", "MCP2", "jsn"), 1, "site"),
    ],
)
def test_what_is_not_allowed_is_refused(item, where, grade, argument):
    with pytest.raises(InputError) as error:
        give_grade(item, where, grade)
    assert error.value.argument == argument and item.scores() == {}


def test_a_blinded_session_hides_the_model(place, measured, item):
    with open_store(place, "A") as opened:
        hidden = Reading.new(opened, "first", "single", seed=1).open("001")
        assert score_table(hidden).models() == ()


def test_a_patient_is_looked_at_without_a_name_and_not_changed(place, item):
    with open_store(place) as opened:
        shown = open_patient(opened, "P000")
        assert score_table(shown).models() == ("two-stage",) and shown.progression.patient_id == "P000"
        with pytest.raises(InputError, match="no measurement"):
            open_patient(opened, "P009")


def test_the_followup_is_aligned_to_the_baseline_by_its_joints(measured):
    first, second = measured.hands
    there = np.array([view.joint.centre[::-1] for view in first.joints])
    moving = np.array([view.joint.centre[::-1] for view in second.joints])
    aligned = (hand_alignment(first, second) @ np.c_[moving, np.ones(len(moving))].T)[:2].T
    assert ((aligned - there) ** 2).sum() < 0.5 * ((moving - there) ** 2).sum()
    assert hand_alignment(first, replace(second, joints=second.joints[:2])) is None
    row = measured.narrowings[0]
    np.testing.assert_allclose(joint_alignment(row) @ row.registration.lower.matrix, np.eye(3), atol=1e-9)
    assert joint_alignment(replace(row, registration=None)) is None


def test_files_of_a_measurement_have_the_grades_that_the_store_has(item, tmp_path):
    pytest.importorskip("highdicom")
    progression, store = item.progression, item._store
    give_grade(item, (1, "L", "MCP2", "jsn"), 4)
    frame = grades_of(store, progression)
    assert set(frame["by"]) >= {"A", "two-stage"} and store.items("")["P000"][0] == "begun"
    files = progression_files(progression, dicom=True, scores=frame)
    page = files["report.html"].decode()
    assert "Given by: A, two-stage" in page and statement("two-stage") in page
    (tmp_path / "sr.dcm").write_bytes(files["progression-sr.dcm"])
    texts = [each.value for each in dcmread(tmp_path / "sr.dcm").iterall() if each.keyword == "TextValue"]
    assert any(text.startswith("jsn: by the reader A, changed from that of the model two-stage") for text in texts)
    figures = read_progression_sr(tmp_path / "sr.dcm")  # grades are no figures
    assert set(figures["joint"]) == {row.joint for row in progression.narrowings}
    assert grades_of(store, replace(progression, patient_id="P000")) is not None
    with open_store(tmp_path / "empty.db") as other:
        other.save(replace(progression, patient_id="P9"))
        assert grades_of(other, replace(progression, patient_id="P9")) is None
        assert other.items("") == {}  # nothing is marked as begun
