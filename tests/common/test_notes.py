import pickle

import pytest

from napari_jsn.common.notes import Note, written_notes

NOTES = [
    Note("Files were left out: Doe.txt.", public="Files were left out."),
    Note("Two visits are of one day (2020-01-17).", public="Two visits are of one day."),
    Note("View Position states OBL Doe.", public="View Position is odd."),
]


@pytest.mark.parametrize("note", NOTES)
def test_results_hold_the_public_form_unless_the_identity_is_kept(note):
    assert written_notes([note, "Plain.", note]) == [note.public, "Plain."]
    assert written_notes([note, "Plain."], keep_identity=True) == [str(note), "Plain."]
    assert type(written_notes([note], keep_identity=True)[0]) is str


@pytest.mark.parametrize("note", NOTES)
def test_a_note_is_a_string_and_survives_pickling(note):
    again = pickle.loads(pickle.dumps(note))
    assert again == note == str(note) and again.public == note.public
