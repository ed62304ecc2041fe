"""The folder sample/ in a real window: which reader opens it, and how often napari asks."""

import runpy
from pathlib import Path

import napari
import pytest
from napari._qt.dialogs.qt_reader_dialog import QtReaderDialog

from napari_jsn.progression import measure as measuring
from tests.progression.made_up import progression

SAMPLE = Path(__file__).parents[2] / "sample"
FILMS = ["radiographs", "left, baseline", "left, week 52"]


@pytest.fixture
def asked(monkeypatch):
    """Answers napari's question for a reader with this plugin, to be remembered; lists the questions."""
    questions = []

    def answer(dialog):
        questions.append(sorted(button.text() for button in dialog.reader_btn_group.buttons()))
        return "Joint space narrowing", True

    monkeypatch.setattr(QtReaderDialog, "get_user_choices", answer)
    return questions


def open_as_the_command_does(viewer, plugin=None):
    viewer.window._qt_viewer._qt_open([str(SAMPLE)], stack=False, plugin=plugin)
    names = [layer.name for layer in viewer.layers]
    viewer.layers.clear()
    return names


def test_it_is_asked_for_once_and_never_where_the_plugin_is_named(make_napari_viewer, asked):
    viewer = make_napari_viewer()
    assert open_as_the_command_does(viewer, "napari-jsn") == FILMS
    assert asked == []
    assert open_as_the_command_does(viewer) == FILMS
    assert open_as_the_command_does(viewer) == FILMS
    assert asked == [["Joint space narrowing", "napari builtins"]]


def test_the_session_leaves_layers_and_a_table(make_napari_viewer, monkeypatch):
    viewer, measured = make_napari_viewer(), []
    monkeypatch.setattr(napari, "run", lambda: None)
    monkeypatch.setattr(measuring, "measure", lambda study, **options: measured.append(study) or progression())
    runpy.run_path(str(SAMPLE / "session.py"))
    assert [len(visit.radiographs) for visit in measured[0].visits] == [1, 1]
    names = [layer.name for layer in viewer.layers]
    assert names[:3] == FILMS and names[-2:] == ["joints at follow-up", "joints"]
    assert "Joint space narrowing" in viewer.window.dock_widgets


def test_the_study_is_small():
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 6e6
